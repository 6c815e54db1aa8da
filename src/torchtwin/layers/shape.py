"""Layers that only move or repeat numbers."""

from __future__ import annotations

import math
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.nn.activity import ActivityPenalty
from torchtwin.rule import ANY, Case, Piece, channels_first, rule
from torchtwin.view import LayerView, Tensor


@rule("Identity", layout=ANY, mask="pass", cases=[Case({}, (2, 4))])
def identity(layer: LayerView) -> Piece:
    return Piece(layer.x)


@rule(
    "ActivityRegularization",
    layout=ANY,
    mask="pass",
    cases=[Case({"l1": 0.1, "l2": 0.2}, (2, 4))],
)
def activity_regularization(layer: LayerView) -> Piece:
    """It adds to the loss alone."""
    layer.ignore("l1", "l2")
    return Piece(layer.x)


@rule("steps.ActivityPenalty", layout=ANY, mask="pass")
def activity_penalty(layer: LayerView) -> Piece:
    return Piece(module=call(ActivityPenalty, l1=layer.get("l1", 0.0), l2=layer.get("l2", 0.0)))


@rule(
    "Reshape",
    cases=[
        Case({"target_shape": (4, 3)}, (2, 12)),
        Case({"target_shape": (-1, 2)}, (2, 3, 4), "one length left open"),
        Case({"target_shape": (12,)}, (2, 3, 4), "to a vector"),
        Case({"target_shape": (2, 2, 3)}, (2, 12), "to an image"),
        Case({"target_shape": (1, 1, 12)}, (2, 3, 4), "to an image of one pixel"),
        Case({"target_shape": (-1, 4)}, (2, 3, 5, 4), "free lengths", free=True),
    ],
)
def reshape(layer: LayerView) -> Piece:
    target = layer["target_shape"]
    if layer.flattened is not None:  # the weights before it have the features in PyTorch's order
        lengths, layout = layer.flattened
        made = reshaped(layer.input, [lengths[axis - 1] for axis in layout[1:]])
        return Piece(made, layout=layout)
    if len(target) > 2 and set(target[:-1]) == {1} and target[-1] != 1:
        # one pixel: channels-first in the same order, as the convolution behind it wants them
        pixel = (target[-1], *target[:-1])
        return Piece(reshaped(layer.input, pixel), layout=channels_first(len(target) + 1))
    return Piece(reshaped(layer.input, target), layout=None)


def reshaped(x: Tensor, target: Any) -> Expr:
    """Return `x` with these lengths behind the batch; one of them may be -1."""
    target = tuple(-1 if n is None else n for n in target)
    known = [n for n in x.shape[1:] if n is not None]
    if -1 not in target:
        return x.expr.reshape(-1, *target)
    if len(known) == x.rank - 1:
        rest = math.prod(n for n in target if n != -1)
        found = math.prod(known) // rest if rest else 0
        return x.expr.reshape(-1, *(found if n == -1 else n for n in target))
    return x.expr.reshape(x.expr.size(0), *target)


@rule(
    "Permute",
    cases=[Case({"dims": (2, 1)}, (2, 3, 4)), Case({"dims": (3, 1, 2)}, (2, 3, 4, 5))],
)
def permute(layer: LayerView) -> Piece:
    dims = layer["dims"]
    moved = [k for k, axis in enumerate(dims, 1) if k != axis]
    if not moved:
        return Piece(layer.x)
    if len(moved) == 2:
        return Piece(layer.x.transpose(*moved), layout=None)
    return Piece(layer.x.permute(0, *dims), layout=None)


@rule("RepeatVector", cases=[Case({"n": 3}, (2, 4))])
def repeat_vector(layer: LayerView) -> Piece:
    if layer.input.rank != 2:
        raise UnsupportedError(f"RepeatVector of a tensor of rank {layer.input.rank}")
    return Piece(layer.x[:, None].expand(-1, layer["n"], -1))
