"""Dense over images whose channels do not come last."""

from __future__ import annotations

from torch import nn

from torchtwin.expr import call
from torchtwin.layers.quantized import untrained_weight
from torchtwin.rule import Piece
from torchtwin.view import LayerView

POINTWISE = {4: nn.Conv2d, 5: nn.Conv3d}
"""The convolution for images of a rank."""


def pointwise(layer: LayerView) -> Piece:
    """Return a Dense as a convolution of single pixels, where the channels come second."""
    rank, channels = layer.input.rank, layer.input.axis(-1)
    ones = " ".join("1" * (rank - 2))
    x = layer.x if channels == 1 else layer.x.movedim(channels, 1)
    made = layer.module(x)
    return Piece(
        made if channels == 1 else made.movedim(1, channels),
        module=call(
            POINTWISE[rank], layer.input.shape[-1], layer["units"], 1, bias=layer["use_bias"]
        ),
        weights={"weight": f"kernel: i o -> o i {ones}"}
        | ({"bias": "bias"} if layer["use_bias"] else {}),
        activation=layer["activation"],
        frozen=untrained_weight(layer),
    )
