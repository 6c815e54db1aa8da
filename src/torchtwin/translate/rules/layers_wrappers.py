"""Layers around others: Bidirectional, TimeDistributed, Wrapper."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torchtwin.emit.expressions import printed
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Source, call
from torchtwin.nn.bases import WrapperBase
from torchtwin.nn.stepwise import AllSteps, BothWays, StepByStep
from torchtwin.translate.activation import module_with_activation
from torchtwin.translate.registry import Module, constructor, constructor_of
from torchtwin.view import LayerView


def inner(given: Any) -> Any:
    """Return a layer inside another: a module already, or an entry of a config."""
    if not isinstance(given, Mapping):
        return given
    name = str(given.get("class_name"))
    rule = constructor_of(name)
    if rule is None:
        raise UnsupportedError(f"{name} is not translated")
    made = rule(LayerView(name, given["config"], []))
    return None if made is None else module_with_activation(made)


@constructor("Bidirectional")
def bidirectional(layer: LayerView) -> Module:
    """Both ways start from weights of their own, as in Keras: the layer given is copied."""
    if layer.get("weights") is not None:
        raise UnsupportedError("Bidirectional(weights=...) is not translated")
    mode, backward = layer["merge_mode"], inner(layer.get("backward_layer"))
    given: dict[str, Any] = {} if mode == "concat" else {"merge_mode": mode}
    if backward is not None:
        given["backward_layer"] = backward
    return Module(call(BothWays, inner(layer["layer"]), **given))


BY_SAMPLE = frozenset({
    "LazyLinear", "LazyConv1d", "LazyConv2d", "LazyConv3d", "LazyDepthwiseConv1d", "ChannelsLast",
    "LazyDepthwiseConv2d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
    "nn.Sequential", "nn.ReLU", "nn.LeakyReLU", "nn.Sigmoid", "nn.Tanh", "nn.Softmax", "nn.ELU",
    "nn.SELU", "nn.GELU", "nn.SiLU", "nn.Flatten", "nn.Dropout", "nn.Identity", "LazyLayerNorm",
    "glorot_uniform", "ScaledVariance", "Normal", "Uniform", "TruncatedNormal", "Orthogonal",
    "MaskedEmbedding", "Recurrent", "LazyLSTMCell", "LazyGRUCell", "LazyRNNCell", "BothWays",
})  # fmt: skip
"""What treats each sample of a batch by itself: steps may then be samples."""
CALLED = re.compile(r"([\w.]+)\(")


@constructor("TimeDistributed")
def time_distributed(layer: LayerView) -> Module:
    """Keras calls the layer with each step; where samples do not meet, one call does for all."""
    made = inner(layer["layer"])
    text = made.text if isinstance(made, Source) else printed(made)
    names = CALLED.findall(text)
    separate = bool(names) and set(names) <= BY_SAMPLE and "stateful" not in text
    return Module(call(AllSteps if separate else StepByStep, made))


@constructor("Wrapper")
def wrapper(layer: LayerView) -> Module:
    return Module(call(WrapperBase, inner(layer["layer"])))
