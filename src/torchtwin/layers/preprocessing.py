"""Layers that scale their inputs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.nn.preprocessing import Affine, Standardize, Unstandardize
from torchtwin.notation import Notation
from torchtwin.rule import ANY, Case, Piece, rule
from torchtwin.view import LayerView


@rule(
    "Rescaling",
    layout=ANY,
    mask="pass",
    cases=[
        Case({"scale": 1 / 255}, (2, 3, 4, 3)),
        Case({"scale": 1 / 127.5, "offset": -1.0}, (2, 4), inputs="int:256", single=True),
        Case({"scale": 0.3, "offset": 0.5}, (2, 4)),
        Case({"scale": 1.0}, (2, 4), "of whole numbers", inputs="int:256", single=True),
        Case({"scale": [0.5, 0.2, 0.1], "offset": [1.0, 2.0, 3.0]}, (2, 3, 4, 3), "by channel"),
    ],
)
def rescaling(layer: LayerView) -> Piece:
    scale, offset = layer["scale"], layer["offset"]
    if isinstance(scale, tuple) or isinstance(offset, tuple):
        values = [
            _along(layer, np.asarray(v, "float64"), [layer.input.rank - 1]) for v in (scale, offset)
        ]
        return Piece(module=call(Affine, *values))
    x = layer.x if layer.input.dtype.startswith(("float", "bfloat")) else layer.x.float()
    return Piece(_scaled(x, scale, offset))


def _scaled(x: Expr, scale: float, offset: float) -> Expr:
    """Return x * scale + offset, as a division where that is the rounder number."""
    inverse = round(1 / scale, 3) if scale else 0.0
    if scale != 1:
        divided = inverse and not float(scale).is_integer() and 1 / inverse == scale
        x = x / (int(inverse) if inverse.is_integer() else inverse) if divided else x * scale
    if offset:
        x = x + offset if offset > 0 else x - -offset
    return x


def _along(layer: LayerView, array: np.ndarray, axes: list[int]) -> Any:
    """Return an array along these Keras axes as nested lists that broadcast as values lie."""
    if array.ndim == 0:
        return array.item()
    rank = layer.input.rank
    axes = axes[-array.ndim :]
    shape = [1] * rank
    for axis, length in zip(axes, array.shape, strict=True):
        shape[axis] = length
    full = array.reshape(shape).transpose(layer.input.layout or range(rank))
    first = next((k for k, n in enumerate(full.shape) if n > 1), rank - 1)
    return full.reshape(full.shape[first:]).tolist()


_MEAN = {"axis": -1, "mean": [0.1, 0.2, 0.3], "variance": [1.0, 2.0, 3.0]}


@rule(
    "Normalization",
    layout=ANY,
    mask="pass",
    cases=[
        Case({"axis": -1}, (2, 4)),
        Case({"axis": None}, (2, 4), "one mean"),
        Case({"axis": -1}, (2, 3, 4, 5), "by channel"),
        Case({"axis": [1, 3]}, (2, 3, 4, 5), "along two axes"),
        Case({"axis": -1, "invert": True}, (2, 4), "inverted"),
        Case({"axis": None, "mean": 0.5, "variance": 4.0}, (2, 4), "by numbers"),
        Case(_MEAN, (2, 3, 4, 3), "by given numbers"),
        Case({**_MEAN, "invert": True}, (2, 3), "inverted, by given numbers"),
    ],
)
def normalization(layer: LayerView) -> Piece:
    rank, invert = layer.input.rank, layer["invert"]
    axes = layer["axis"] if layer["axis"] is not None else ()
    axes = sorted(k % rank for k in ([axes] if isinstance(axes, int) else axes))
    if layer["mean"] is not None:
        return _given(layer, axes)
    lengths = {k: layer.input.shape[k] for k in axes}
    if None in lengths.values():
        raise UnsupportedError("the number of features is not in the file")
    order = layer.input.layout or tuple(range(rank))
    first = next((k for k, axis in enumerate(order) if axis in axes), rank)
    letters = [f"n{k}" if k in axes else "1" for k in order[first:]]
    shape = tuple(lengths.get(k, 1) for k in order[first:])
    side = f"{' '.join(f'n{k}' for k in axes)} -> {' '.join(letters)}"
    return Piece(
        module=call(Unstandardize if invert else Standardize, shape),
        weights={n: Notation(f"{n}: {side}" if axes else n) for n in ("mean", "variance")},
        untrained=("mean", "variance"),
    )


def _given(layer: LayerView, axes: list[int]) -> Piece:
    """Return the piece for a mean and a variance that stand in the config."""
    mean, variance = (np.asarray(layer[n], "float64") for n in ("mean", "variance"))
    if mean.ndim == 0 and variance.ndim == 0:
        deviation = max(math.sqrt(variance), 1e-7)
        if layer["invert"]:
            return Piece(layer.x * deviation + float(mean))
        return Piece((layer.x - float(mean)) / deviation)
    deviation = np.maximum(np.sqrt(variance), 1e-7)
    scale, offset = deviation, mean
    if not layer["invert"]:
        scale, offset = 1 / deviation, -mean / deviation
    while scale.ndim > len(axes) and scale.shape[0] == 1:
        scale, offset = scale[0], offset[0]
    if scale.ndim > len(axes):
        raise UnsupportedError("a mean of a shape that its axes do not have")
    return Piece(module=call(Affine, _along(layer, scale, axes), _along(layer, offset, axes)))
