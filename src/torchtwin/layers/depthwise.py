"""Depthwise and separable convolutions -> nn.ConvNd with a group for each channel."""

from __future__ import annotations

from torch import nn

from torchtwin.expr import call
from torchtwin.layers.conv import AXES, CONV, convolution
from torchtwin.layers.spatial import spatial_rank
from torchtwin.rule import CHANNELS_FIRST, Case, Piece, extra_cases, rule
from torchtwin.view import LayerView


@rule("DepthwiseConv1D", "DepthwiseConv2D", layout=CHANNELS_FIRST)
def depthwise_conv(layer: LayerView) -> Piece:
    axes, channels, times = AXES[spatial_rank(layer)], layer.channels, layer["depth_multiplier"]
    module, x = convolution(layer, channels, channels * times, channels, bias=layer["use_bias"])
    weights = {"weight": f"kernel: {axes} i m -> (i m) 1 {axes}"}
    return Piece(
        layer.module(x),
        module=module,
        weights=weights | ({"bias": "bias"} if layer["use_bias"] else {}),
        sizes={"m": times},
        activation=layer["activation"],
    )


@rule("SeparableConv1D", "SeparableConv2D", layout=CHANNELS_FIRST)
def separable_conv(layer: LayerView) -> Piece:
    rank, channels, times = spatial_rank(layer), layer.channels, layer["depth_multiplier"]
    axes, ones = AXES[rank], " ".join("1" * rank)
    depthwise, x = convolution(layer, channels, channels * times, channels, bias=False)
    pointwise = call(CONV[rank], channels * times, layer["filters"], 1, bias=layer["use_bias"])
    weights = {
        "0.weight": f"depthwise_kernel: {axes} i m -> (i m) 1 {axes}",
        "1.weight": f"pointwise_kernel: {ones} i o -> o i {ones}",
    }
    return Piece(
        layer.module(x),
        module=call(nn.Sequential, depthwise, pointwise),
        weights=weights | ({"1.bias": "bias"} if layer["use_bias"] else {}),
        sizes={"m": times},
        activation=layer["activation"],
    )


_TWICE = {"kernel_size": 3, "depth_multiplier": 2}
_WIDE = {"kernel_size": 3, "strides": 2, "padding": "same"}
for _rank, _shape in ((1, (2, 8, 3)), (2, (2, 8, 9, 3))):
    for _name, _base in (("DepthwiseConv", {}), ("SeparableConv", {"filters": 4})):
        extra_cases(
            f"{_name}{_rank}D",
            [
                Case({**_base, **_TWICE, "activation": "relu"}, _shape, "multiplier"),
                Case({**_base, **_WIDE, "use_bias": False}, _shape, "same"),
                Case({**_base, **_WIDE}, _shape, "same of any size", free=True),
                Case({**_base, "kernel_size": 2, "dilation_rate": 2, "padding": "same"}, _shape),
                Case(
                    {**_base, **_WIDE, "data_format": "channels_first"},
                    (2, 3, *_shape[1:-1]),
                    "channels first",
                ),
            ],
        )
