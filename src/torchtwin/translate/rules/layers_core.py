"""Dense, Embedding, Lambda, Dropout and the layers that move or repeat numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from torchtwin.emit.expressions import ATOM
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, Source, call
from torchtwin.filling.tables import keras_variables
from torchtwin.nn.applied import Apply
from torchtwin.nn.embedding import MaskedEmbedding, MaskSteps
from torchtwin.nn.initial import Filled, Uniform, glorot_uniform
from torchtwin.nn.lazy_einsum import LazyEinsum
from torchtwin.nn.lazy_linear import LazyLinear
from torchtwin.nn.penalties import L1L2, OutputPenalty
from torchtwin.nn.rearrange import Permute, Repeat, Reshape
from torchtwin.translate.bounds import bounded
from torchtwin.translate.initial import initial_function
from torchtwin.translate.registry import Module, constructor
from torchtwin.view import LayerView

keras_variables({"weight": "kernel: i o -> o i", "bias": "bias"}, LazyLinear)
keras_variables({"weight": "embeddings"}, MaskedEmbedding)
keras_variables({"weight": "kernel", "bias": "bias"}, LazyEinsum)


def initials(layer: LayerView, **usual: Any) -> dict[str, Any]:
    """Return the initialisers that are not the `usual` ones: `kernel=("weight_init", usual)`."""
    given = {}
    for argument, (name, default) in usual.items():
        made = default
        if f"{argument}_initializer" in layer.config:
            made = initial_function(layer[f"{argument}_initializer"])
        else:
            layer.read.add(f"{argument}_initializer")
        if made is not default:
            given[name] = made
    return given


KERNEL, BIAS = ("weight_init", glorot_uniform), ("bias_init", torch.zeros)


@constructor("Dense")
def dense(layer: LayerView) -> Module:
    _no_adapter(layer)
    made = call(
        LazyLinear, layer["units"], bias=layer["use_bias"],
        **initials(layer, kernel=KERNEL, bias=BIAS),
    )  # fmt: skip
    orders: Mapping[str, Any] = {"weight": ("kernel", (1, 0)), "bias": ("bias", ())}
    return Module(bounded(layer, made, orders), activation=layer["activation"])


def _no_adapter(layer: LayerView) -> None:
    for name in ("lora_rank", "quantization_config"):
        if layer.get(name) is not None:
            raise UnsupportedError(f"{layer.class_name}({name}=...) is not translated")
    layer.ignore("lora_alpha")


@constructor("EinsumDense")
def einsum_dense(layer: LayerView) -> Module:
    _no_adapter(layer)
    axes = layer["bias_axes"]
    made = call(
        LazyEinsum, layer["equation"], layer["output_shape"],
        **({} if axes is None else {"bias_axes": axes}),
        **initials(layer, kernel=("weight_init", None), bias=BIAS),
    )  # fmt: skip
    orders: Mapping[str, Any] = {"weight": ("kernel", ()), "bias": ("bias", ())}
    return Module(bounded(layer, made, orders), activation=layer["activation"])


@constructor("Embedding")
def embedding(layer: LayerView) -> Module:
    """Keras's `weights` are the first values, as an array or a list of one."""
    _no_adapter(layer)
    given = layer.get("weights")
    options = initials(layer, embeddings=("weight_init", None))
    if given is not None:
        inside = isinstance(given, list | tuple) and len(given) == 1
        options = {"weight_init": call(Filled, given[0] if inside else given)}
    first = options.get("weight_init")
    if isinstance(first, Call) and first.function is Uniform and first.args == (-0.05, 0.05):
        options = {}
    made = call(
        MaskedEmbedding, layer["input_dim"], layer["output_dim"],
        mask_zero=layer["mask_zero"], **options,
    )  # fmt: skip
    return Module(bounded(layer, made, {"weight": ("embeddings", ())}))


@constructor("Masking")
def masking(layer: LayerView) -> Module:
    value = layer["mask_value"]
    return Module(call(MaskSteps, *([] if value == 0 else [value])))


@constructor("Flatten")
def flatten(layer: LayerView) -> Module:
    if layer.get("data_format") not in (None, "channels_last"):
        raise UnsupportedError("Flatten(data_format=...) is not translated")
    return Module(call(nn.Flatten))


@constructor("Reshape")
def reshape(layer: LayerView) -> Module:
    return Module(call(Reshape, *listed(layer["target_shape"])))


@constructor("Permute")
def permute(layer: LayerView) -> Module:
    return Module(call(Permute, *listed(layer["dims"])))


def listed(value: Any) -> list[Any]:
    """Return the parts of a tuple, which may be an expression: `*self.shape`."""
    if isinstance(value, Expr):
        if not isinstance(value, Source):
            raise UnsupportedError("a shape that is computed here is not translated")
        text = value.text if value.binding >= ATOM else f"({value.text})"
        return [Source(f"*{text}")]
    return [-1 if n is None else n for n in ((value,) if isinstance(value, int) else value)]


@constructor("RepeatVector")
def repeat_vector(layer: LayerView) -> Module:
    return Module(call(Repeat, layer["n"]))


@constructor("Activation")
def activation(layer: LayerView) -> Module:
    from torchtwin.translate.activation import activation_module

    return Module(activation_module(layer["activation"]) or call(nn.Identity))


@constructor("Identity", "Layer")
def identity(layer: LayerView) -> Module:
    del layer
    return Module(call(nn.Identity))


@constructor("InputLayer")
def input_layer(layer: LayerView) -> None:
    """It says what comes in, which PyTorch need not know."""
    layer.ignore(*layer.config)


@constructor("Lambda")
def lambda_(layer: LayerView) -> Module:
    layer.ignore("output_shape")
    if layer.get("mask") is not None:
        raise UnsupportedError("Lambda(mask=...) is not translated")
    function, arguments = layer["function"], layer.get("arguments")
    if isinstance(function, str):  # a name of Keras's, such as keras.activations.relu
        from torchtwin.translate.activation import activation_module

        return Module(activation_module(function) or call(nn.Identity))
    if not arguments:
        return Module(call(Apply, function))
    if not isinstance(arguments, Mapping):
        raise UnsupportedError("Lambda(arguments=...) of names that are computed")
    return Module(call(Apply, function, **arguments))


@constructor("ActivityRegularization")
def activity_regularization(layer: LayerView) -> Module:
    return Module(call(OutputPenalty, call(L1L2, layer["l1"], layer["l2"])))
