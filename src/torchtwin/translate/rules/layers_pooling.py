"""Pooling, over windows and over everything."""

from __future__ import annotations

from typing import Any

from torch import nn

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.nn.rearrange import GlobalMax, GlobalMean
from torchtwin.nn.same_pool import (
    SameAvgPool1d,
    SameAvgPool2d,
    SameAvgPool3d,
    SameMaxPool1d,
    SameMaxPool2d,
    SameMaxPool3d,
)
from torchtwin.translate.registry import Module, constructor
from torchtwin.translate.rules.layers_conv import channels_last, number, rank_of
from torchtwin.view import LayerView

POOLS: dict[tuple[str, str], Any] = {
    ("Max", "valid"): (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d),
    ("Average", "valid"): (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    ("Max", "same"): (SameMaxPool1d, SameMaxPool2d, SameMaxPool3d),
    ("Average", "same"): (SameAvgPool1d, SameAvgPool2d, SameAvgPool3d),
    ("AdaptiveMax", ""): (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
    ("AdaptiveAverage", ""): (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
}


@constructor(*(f"{kind}Pooling{k}D" for kind in ("Max", "Average") for k in (1, 2, 3)))
def pooling(layer: LayerView) -> Module:
    """Without strides a window begins where the one before it ends, in PyTorch too."""
    kind, padding = layer.class_name.partition("Pooling")[0], layer["padding"]
    padding = padding.lower() if isinstance(padding, str) else padding
    if padding not in ("valid", "same"):
        raise UnsupportedError(f"padding={padding!r} of {layer.class_name}")
    pool, stride = number(layer["pool_size"]), number(layer.get("strides"))
    step = {} if stride is None or (not isinstance(stride, Expr) and stride == pool) else {
        "stride": stride}  # fmt: skip
    made = call(POOLS[kind, padding][rank_of(layer) - 1], pool, **step)
    return Module(channels_last(layer, made))


@constructor(*(f"Adaptive{kind}Pooling{k}D" for kind in ("Max", "Average") for k in (1, 2, 3)))
def adaptive_pooling(layer: LayerView) -> Module:
    kind = layer.class_name.partition("Pooling")[0]
    made = call(POOLS[kind, ""][rank_of(layer) - 1], number(layer["output_size"]))
    return Module(channels_last(layer, made))


@constructor(*(f"Global{kind}Pooling{k}D" for kind in ("Max", "Average") for k in (1, 2, 3)))
def global_pooling(layer: LayerView) -> Module:
    form = layer.get("data_format")
    if form not in (None, "channels_last", "channels_first"):
        raise UnsupportedError("a data_format that is computed is not translated")
    first = 2 if form == "channels_first" else 1
    function = GlobalMax if "Max" in layer.class_name else GlobalMean
    dims = range(first, first + rank_of(layer))
    return Module(call(function, *dims, keepdim=layer["keepdims"]))
