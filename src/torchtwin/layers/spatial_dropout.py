"""SpatialDropout -> nn.DropoutNd, which drops whole channels too."""

from __future__ import annotations

from torch import nn

from torchtwin.expr import call
from torchtwin.layers.spatial import spatial_rank
from torchtwin.rule import CHANNELS_FIRST, Case, Piece, extra_cases, rule
from torchtwin.view import LayerView

DROPOUT = {1: nn.Dropout1d, 2: nn.Dropout2d, 3: nn.Dropout3d}


@rule(
    "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", layout=CHANNELS_FIRST, mask="pass"
)
def spatial_dropout(layer: LayerView) -> Piece:
    layer.ignore("noise_shape")  # it follows from the layer's class
    return Piece(module=call(DROPOUT[spatial_rank(layer)], layer["rate"]))


for _rank, _shape in ((1, (2, 4, 3)), (2, (2, 4, 3, 3)), (3, (2, 2, 3, 4, 3))):
    extra_cases(f"SpatialDropout{_rank}D", [Case({"rate": 0.4}, _shape)])
extra_cases(
    "SpatialDropout2D",
    [Case({"rate": 0.4, "data_format": "channels_first"}, (2, 3, 4, 4), "channels first")],
)
