"""Convolutions: with the channels last they run inside `ChannelsLast`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.filling.tables import filled_by
from torchtwin.nn.channels_last import ChannelsLast
from torchtwin.nn.lazy_conv import (
    LazyConv1d,
    LazyConv2d,
    LazyConv3d,
    LazyConvTranspose1d,
    LazyConvTranspose2d,
    LazyConvTranspose3d,
    LazyDepthwiseConv1d,
    LazyDepthwiseConv2d,
)
from torchtwin.notation import Notation
from torchtwin.rule import single
from torchtwin.translate.bounds import bounded
from torchtwin.translate.registry import Module, constructor
from torchtwin.translate.rules.layers_core import BIAS, KERNEL, initials
from torchtwin.view import LayerView

CONV = {1: LazyConv1d, 2: LazyConv2d, 3: LazyConv3d}
TRANSPOSED = {1: LazyConvTranspose1d, 2: LazyConvTranspose2d, 3: LazyConvTranspose3d}
DEPTHWISE = {1: LazyDepthwiseConv1d, 2: LazyDepthwiseConv2d}
AXES = {1: "w", 2: "h w", 3: "d h w"}


@filled_by(*CONV.values())
def _conv_variables(module: Any) -> Mapping[str, str]:
    axes = AXES[module.rank]
    return {"weight": f"kernel: {axes} i o -> o i {axes}", "bias": "bias"}


@filled_by(*TRANSPOSED.values())
def _transposed_variables(module: Any) -> Mapping[str, str]:
    axes = AXES[module.rank]
    return {"weight": f"kernel: {axes} o i -> i o {axes}", "bias": "bias"}


@filled_by(*DEPTHWISE.values())
def _depthwise_variables(module: Any) -> Mapping[str, Any]:
    axes = AXES[module.rank]
    kernel = Notation(f"kernel: {axes} i m -> (i m) 1 {axes}", {"m": module.multiplier})
    return {"weight": kernel, "bias": "bias"}


def rank_of(layer: LayerView) -> int:
    """Return 1, 2 or 3, from a class name such as Conv2DTranspose."""
    return next(int(c) for c in layer.class_name if c.isdigit())


def channels_last(layer: LayerView, *modules: Expr) -> Expr:
    """Return modules that want their channels on axis 1 as one for the layer's `data_format`."""
    form = layer.get("data_format")
    if form in (None, "channels_last"):
        return call(ChannelsLast, *modules)
    if form != "channels_first":
        raise UnsupportedError("a data_format that is computed is not translated")
    if len(modules) > 1:
        from torch import nn

        return call(nn.Sequential, *modules)
    return modules[0]


def options(layer: LayerView) -> dict[str, Any]:
    """Return what is not usual in how a convolution walks."""
    padding = layer["padding"]
    if isinstance(padding, str):
        padding = padding.lower()
        causal = padding == "causal" and layer.class_name in ("Conv1D", "SeparableConv1D",
                                                              "DepthwiseConv1D")  # fmt: skip
        if padding not in ("valid", "same") and not causal:
            raise UnsupportedError(f"padding={padding!r} of {layer.class_name}")
    given = {
        "stride": number(layer["strides"]), "padding": padding,
        "dilation": number(layer["dilation_rate"]),
    }  # fmt: skip
    usual = {"stride": 1, "padding": "valid", "dilation": 1}
    return {k: v for k, v in given.items() if isinstance(v, Expr) or v != usual[k]}


def number(value: Any) -> Any:
    """Return a list of equal numbers, or of one, as that number."""
    if isinstance(value, list | tuple) and any(isinstance(v, Expr) for v in value):
        return value[0] if len(value) == 1 else tuple(value)
    return single(tuple(value) if isinstance(value, list) else value)


def _orders(layer: LayerView, rank: int, argument: str = "kernel") -> dict[str, Any]:
    """Where Keras's axes of the kernel, (height, width, in, out), lie in the weight."""
    del layer
    return {"weight": (argument, (*range(2, rank + 2), 1, 0)), "bias": ("bias", ())}


@constructor("Conv1D", "Conv2D", "Conv3D")
def conv(layer: LayerView) -> Module:
    groups = layer["groups"]
    made = call(
        CONV[rank_of(layer)], layer["filters"], number(layer["kernel_size"]), **options(layer),
        groups=groups, bias=layer["use_bias"], **initials(layer, kernel=KERNEL, bias=BIAS),
    )  # fmt: skip
    made_bounded = bounded(layer, made, _orders(layer, rank_of(layer)))
    return Module(channels_last(layer, made_bounded), activation=layer["activation"])


@constructor("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
def conv_transpose(layer: LayerView) -> Module:
    longer = layer["output_padding"]
    made = call(
        TRANSPOSED[rank_of(layer)], layer["filters"], number(layer["kernel_size"]),
        **options(layer), **({} if longer is None else {"output_padding": number(longer)}),
        bias=layer["use_bias"], **initials(layer, kernel=KERNEL, bias=BIAS),
    )  # fmt: skip
    made_bounded = bounded(layer, made, _orders(layer, rank_of(layer)))
    return Module(channels_last(layer, made_bounded), activation=layer["activation"])


def _depthwise(layer: LayerView, *, bias: Any) -> Expr:
    """A kernel of (height, width, in, multiplier) is one row for each pair of the last two."""
    for kind in ("regularizer", "constraint"):
        given = layer.get(f"depthwise_{kind}")
        plain = given if isinstance(given, str) else (given or {}).get("class_name", "")
        if given is not None and str(plain).lower() not in (
            "l1",
            "l2",
            "l1l2",
            "nonneg",
            "non_neg",
        ):
            raise UnsupportedError(f"{layer.class_name}(depthwise_{kind}=...)")
    made = call(
        DEPTHWISE[rank_of(layer)], number(layer["kernel_size"]), **options(layer),
        **_multiplier(layer), **({"bias": bias} if bias is not True else {}),
        **initials(layer, depthwise=KERNEL, **({} if bias is False else {"bias": BIAS})),
    )  # fmt: skip
    orders: dict[str, Any] = {"weight": ("depthwise", ())}
    return bounded(layer, made, orders if bias is False else {**orders, "bias": ("bias", ())})


def _multiplier(layer: LayerView) -> dict[str, Any]:
    times = layer["depth_multiplier"]
    return {} if not isinstance(times, Expr) and times == 1 else {"multiplier": times}


@constructor("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise_conv(layer: LayerView) -> Module:
    made = _depthwise(layer, bias=layer["use_bias"])
    return Module(channels_last(layer, made), activation=layer["activation"])


@constructor("SeparableConv1D", "SeparableConv2D")
def separable_conv(layer: LayerView) -> Module:
    pointwise = call(
        CONV[rank_of(layer)], layer["filters"], 1, bias=layer["use_bias"],
        **initials(layer, pointwise=KERNEL, bias=BIAS),
    )  # fmt: skip
    orders = _orders(layer, rank_of(layer), "pointwise")
    made = channels_last(layer, _depthwise(layer, bias=False), bounded(layer, pointwise, orders))
    return Module(made, activation=layer["activation"])
