"""Conv1D, Conv2D and Conv3D -> nn.ConvNd.

Padding is a plain integer, or "same", wherever Keras pads both sides equally; F.pad comes before
a convolution that it pads unevenly, and SameConvNd where the length of the input, on which that
depends, is free.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import nn

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, call
from torchtwin.layers.quantized import adapted, untrained_weight
from torchtwin.layers.spatial import each, lengths, pad_argument, same_padding, spatial_rank
from torchtwin.nn.same import SameConv1d, SameConv2d, SameConv3d
from torchtwin.rule import CHANNELS_FIRST, Case, Piece, extra_cases, rule, single
from torchtwin.view import LayerView

CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
SAME = {1: SameConv1d, 2: SameConv2d, 3: SameConv3d}
AXES = {1: "w", 2: "h w", 3: "d h w"}


@rule(
    "Conv1D",
    "Conv2D",
    "Conv3D",
    layout=CHANNELS_FIRST,
)
def conv(layer: LayerView) -> Piece:
    axes = AXES[spatial_rank(layer)]
    module, x = convolution(layer, layer.channels, layer["filters"], layer["groups"])
    weights = {"weight": f"kernel: {axes} i o -> o i {axes}"}
    if adapted(layer) is not None:
        raise UnsupportedError(
            f"{layer.class_name} with a LoRA adapter beside its kernel is not translated",
            hint="save the model as .keras, which merges the adapter",
        )
    return Piece(
        layer.module(x),
        module=module,
        weights=weights | ({"bias": "bias"} if layer["use_bias"] else {}),
        frozen=untrained_weight(layer),
        activation=layer["activation"],
    )


def convolution(
    layer: LayerView, channels: int, filters: int, groups: int, **options: Any
) -> tuple[Call, Expr]:
    """Return the PyTorch convolution that a layer's arguments ask for, and its padded input."""
    rank = spatial_rank(layer)
    kernel, stride, dilation = (
        each(layer[name], rank) for name in ("kernel_size", "strides", "dilation_rate")
    )
    function, padding, before = _padding(layer, kernel, stride, dilation)
    module = call(
        function, channels, filters, single(kernel), stride=single(stride), padding=padding,
        dilation=single(dilation), groups=groups, **{"bias": layer["use_bias"], **options},
    )  # fmt: skip
    return module, call(F.pad, layer.x, before) if before else layer.x


def _padding(
    layer: LayerView, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[Any, Any, tuple[int, ...]]:
    """Return the class, its `padding`, and what F.pad adds before it."""
    rank, kind = len(kernel), layer["padding"]
    sizes = lengths(layer)
    if kind == "valid":
        return CONV[rank], 0, ()
    if kind == "causal" and rank == 1:
        before = (kernel[0] - 1) * dilation[0]
        return CONV[rank], 0, (before, 0) if before else ()
    if kind != "same":
        raise UnsupportedError(f"padding={kind!r} is not translated")
    pads = [p for p in same_padding(sizes, kernel, stride, dilation) if p is not None]
    if len(pads) < rank:
        return SAME[rank], 0, ()
    if all(p == (0, 0) for p in pads):
        return CONV[rank], 0, ()
    if any(before != after for before, after in pads):
        return CONV[rank], 0, pad_argument(pads)
    if all(s == 1 for s in stride):
        return CONV[rank], "same", ()
    return CONV[rank], single(tuple(before for before, _ in pads)), ()


extra_cases(
    "Conv2D",
    [
        Case({"filters": 4, "kernel_size": 3, "activation": "relu"}, (2, 7, 8, 3)),
        Case({"filters": 4, "kernel_size": (3, 2), "padding": "same"}, (2, 7, 8, 3), "same"),
        Case(
            {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"},
            (2, 8, 10, 3),
            "padded after only",
        ),
        Case(
            {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"},
            (2, 7, 9, 3),
            "padded on both sides",
        ),
        Case(
            {"filters": 4, "kernel_size": (5, 2), "strides": (2, 3), "padding": "same"},
            (2, 8, 9, 3),
            "padded unevenly",
        ),
        Case({"filters": 4, "kernel_size": 1, "strides": 2, "padding": "same"}, (2, 8, 7, 3)),
        Case({"filters": 4, "kernel_size": 2, "strides": (1, 2)}, (2, 5, 6, 3), "strides"),
        Case(
            {"filters": 4, "kernel_size": (2, 3), "dilation_rate": (3, 2), "padding": "same"},
            (2, 9, 8, 3),
            "dilation",
        ),
        Case(
            {"filters": 4, "kernel_size": 3, "groups": 2, "use_bias": False},
            (2, 6, 6, 6),
            "groups",
        ),
        Case(
            {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same",
             "data_format": "channels_first", "activation": "softmax"},
            (2, 3, 7, 8),
            "channels first",
        ),
        Case({"filters": 4, "kernel_size": 3, "activation": "softmax"}, (2, 5, 6, 3), "softmax"),
        Case(
            {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"},
            (2, 8, 9, 3),
            "same of any size",
            free=True,
        ),
        Case({"filters": 4, "kernel_size": 3, "padding": "same"}, (2, 8, 9, 3), "free", free=True),
    ],
)  # fmt: skip
extra_cases(
    "Conv1D",
    [
        Case({"filters": 4, "kernel_size": 3, "activation": "relu"}, (2, 7, 3)),
        Case({"filters": 4, "kernel_size": 4, "padding": "same"}, (2, 7, 3), "even kernel"),
        Case({"filters": 4, "kernel_size": 4, "padding": "same", "strides": 3}, (2, 7, 3), "same"),
        Case(
            {"filters": 4, "kernel_size": 3, "padding": "causal", "dilation_rate": 2},
            (2, 7, 3),
            "causal",
        ),
        Case({"filters": 4, "kernel_size": 3, "padding": "causal", "strides": 2}, (2, 8, 3)),
        Case({"filters": 4, "kernel_size": 1, "padding": "causal"}, (2, 8, 3)),
        Case(
            {"kernel_size": 3, "groups": 3, "data_format": "channels_first",
             "use_bias": False, "filters": 6},
            (2, 3, 8),
            "channels first",
        ),
        Case(
            {"filters": 4, "kernel_size": 5, "padding": "same", "strides": 2},
            (2, 7, 3),
            "same of any length",
            free=True,
        ),
    ],
)  # fmt: skip
extra_cases(
    "Conv3D",
    [
        Case({"filters": 2, "kernel_size": 2, "activation": "tanh"}, (2, 4, 5, 3, 2)),
        Case(
            {"filters": 2, "kernel_size": (1, 3, 2), "padding": "same", "strides": (1, 2, 2)},
            (2, 4, 5, 6, 2),
            "same",
        ),
        Case(
            {"filters": 2, "kernel_size": 3, "padding": "same", "strides": 2},
            (2, 4, 5, 6, 2),
            "same of any size",
            free=True,
        ),
        Case(
            {"filters": 2, "kernel_size": 2, "data_format": "channels_first", "padding": "same"},
            (2, 2, 4, 5, 3),
            "channels first",
        ),
    ],
)
