"""Discretization and CategoryEncoding: numbers become whole numbers, and those vectors."""

from __future__ import annotations

from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.nn.adapting import encoded
from torchtwin.nn.preprocessing import Bucketize
from torchtwin.rule import Case, Piece, rule
from torchtwin.view import LayerView, Tensor

MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}
"""Old names of output modes."""
VECTORS = ("one_hot", "multi_hot", "count")


def mode_of(layer: LayerView, *allowed: str) -> str:
    """Return the output mode; what Keras keeps sparse is dense in PyTorch."""
    layer.ignore("sparse")
    mode = layer["output_mode"]
    mode = MODES.get(mode, mode) if isinstance(mode, str) else mode
    if mode not in allowed:
        raise UnsupportedError(f"{layer.class_name}(output_mode={mode!r}) is not translated")
    return str(mode)


def whole(layer: LayerView, name: str) -> int:
    """Return an argument that must be a whole number above zero."""
    value: Any = layer[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UnsupportedError(f"{layer.class_name}({name}={value!r}) is not translated")
    return value


_BINS = {"bin_boundaries": [-0.5, 0.0, 1.0]}


@rule(
    "Discretization",
    cases=[
        Case(_BINS, (2, 3), single=True),
        Case({**_BINS, "output_mode": "one_hot"}, (2, 3), "one-hot", single=True),
        Case({**_BINS, "output_mode": "one_hot"}, (2, 1), "a column", single=True),
        Case({**_BINS, "output_mode": "multi_hot"}, (2, 3), "multi-hot", single=True),
        Case({**_BINS, "output_mode": "count"}, (2, 3, 2), "counted", single=True),
    ],
)  # fmt: skip
def discretization(layer: LayerView) -> Piece:
    bins: Any = layer["bin_boundaries"]
    layer.ignore("num_bins", "epsilon")  # they say how boundaries are found in data
    if not isinstance(bins, tuple) or not all(isinstance(b, int | float) for b in bins):
        raise UnsupportedError(
            "its boundaries are not in the file",
            hint="call adapt() on data, or give bin_boundaries, and save the model again",
        )
    mode = mode_of(layer, "int", *VECTORS)
    x = layer.module(layer.x if layer.input.dtype == "float32" else layer.x.float())
    result: Expr = x if mode == "int" else call(encoded, x, len(bins) + 1, mode)
    return Piece(result, module=call(Bucketize, list(bins)))


@rule(
    "CategoryEncoding",
    cases=[
        *(Case({"num_tokens": 4, "output_mode": mode}, (2, 3), mode, inputs="int:4", single=True)
          for mode in VECTORS),
        Case({"num_tokens": 4, "output_mode": "one_hot"}, (3, 1), "a column", inputs="int:4",
             single=True),
        Case({"num_tokens": 4}, (2, 3, 2), "of rank 3", inputs="int:4", single=True),
        Case({"num_tokens": 4, "output_mode": "count"}, [(2, 3), (2, 3)], "weighted",
             inputs=["int:4", "normal"], names=["", "count_weights"], single=True),
    ],
)  # fmt: skip
def category_encoding(layer: LayerView) -> Piece:
    mode, given = mode_of(layer, *VECTORS), layer.call("count_weights")
    more = [given.expr] if isinstance(given, Tensor) else []
    return Piece(call(encoded, layer.x, whole(layer, "num_tokens"), mode, *more))


@rule("MaxNumBoundingBoxes", cases=[Case({"max_number": 3}, (2, 4, 3))])
def max_num_bounding_boxes(layer: LayerView) -> Piece:
    """It changes the boxes beside images, not the images."""
    if len(layer.inputs) > 1:
        raise UnsupportedError("MaxNumBoundingBoxes of boxes is not translated")
    layer.ignore("max_number", "fill_value", "factor", "data_format", "bounding_box_format")
    return Piece(layer.x)
