"""Layers that merge tensors: Add, Concatenate, Dot and kin."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.rule import ANY, Case, Piece, channels_first, extra_cases, rule
from torchtwin.view import LayerView, Tensor

OPERATIONS: dict[str, Callable[[Any, Any], Expr]] = {
    "Add": lambda a, b: a + b,
    "Subtract": lambda a, b: a - b,
    "Multiply": lambda a, b: a * b,
    "Average": lambda a, b: a + b,
    "Maximum": lambda a, b: call(torch.maximum, a, b),
    "Minimum": lambda a, b: call(torch.minimum, a, b),
}
SWITCHED_BY_MASK = ("Multiply", "Maximum", "Minimum")
"""The layers that, in Keras 3, leave out what a mask hides."""

MOST_IN_A_ROW = 16


def _either_mask(layer: LayerView) -> Expr | None:
    """Return where any input counts; none, as in Keras, when an input has no mask."""
    masks = [m.expr if m else None for m in layer.masks]
    known = [m for m in masks if m is not None]
    if not known or len(known) < len(masks):
        return None
    different = {str(m): m for m in known}  # one mask on two ways is one mask
    return reduce(lambda a, b: a | b, different.values())


@rule(*OPERATIONS, layout=ANY, mask=_either_mask, takes_mask=True)
def elementwise(layer: LayerView) -> Piece:
    operation, inputs = OPERATIONS[layer.class_name], layer.inputs
    if layer.class_name == "Subtract" and len(inputs) != 2:
        raise UnsupportedError(f"Subtract of {len(inputs)} inputs")
    if layer.class_name in SWITCHED_BY_MASK and any(layer.masks) and _is_keras3(layer):
        return Piece(_masked(layer, operation))
    exprs = _of_one_rank(inputs)
    result = reduce(operation, exprs) if len(exprs) <= MOST_IN_A_ROW else _of_many(layer, exprs)
    if layer.class_name == "Average" and len(inputs) > 1:
        result = result / len(inputs)
    return Piece(result, layout=_layout(inputs))


def _of_many(layer: LayerView, exprs: list[Expr]) -> Expr:
    """Return the result of more inputs than a line has room for."""
    if layer.class_name in ("Add", "Average"):
        return call(sum, exprs[1:], exprs[0])
    alike = len({tuple(t.shape) for t in layer.inputs}) == 1
    row = call(torch.stack, exprs if alike else call(torch.broadcast_tensors, *exprs))
    if layer.class_name == "Multiply":
        return row.prod(dim=0)
    return row.amax(dim=0) if layer.class_name == "Maximum" else row.amin(dim=0)


def _is_keras3(layer: LayerView) -> bool:
    return not layer.version or int(layer.version.partition(".")[0]) >= 3


def _layout(inputs: tuple[Tensor, ...]) -> Any:
    """Return the layout of a result: that of the inputs, which have Keras's when ranks differ."""
    return max(inputs, key=lambda t: t.rank).layout


def _of_one_rank(inputs: tuple[Tensor, ...]) -> list[Expr]:
    """Return the inputs with axes of length 1 behind the batch, where Keras puts them.

    Beside an image whose channels come second, vectors have theirs there too.
    """
    rank, layout = max(t.rank for t in inputs), _layout(inputs)
    first = layout == channels_first(rank) and all(t.rank in (2, rank) for t in inputs)
    ones = [None] * (rank - min(t.rank for t in inputs))
    return [
        t.expr
        if t.rank == rank
        else t.expr[(slice(None), slice(None), *ones)]
        if first
        else t.expr[(slice(None), *[None] * (rank - t.rank), ...)]
        for t in inputs
    ]


def _masked(layer: LayerView, operation: Callable[[Any, Any], Expr]) -> Expr:
    """Return the result for masked inputs: what is masked in one is taken from the others."""
    if len({t.rank for t in layer.inputs}) > 1 or layer.input.layout is not None:
        raise UnsupportedError(f"{layer.class_name} of masked inputs of different ranks")
    masks: list[Any] = [m.expr[..., None] if m else None for m in layer.masks]
    exprs = [t.expr for t in layer.inputs]
    if layer.class_name == "Multiply":
        exprs = [
            x if m is None else x.masked_fill(~m, 1.0) for x, m in zip(exprs, masks, strict=True)
        ]
        known = [m for m in masks if m is not None]
        product = reduce(operation, exprs)
        if len(known) < len(masks):
            return product
        return product.masked_fill(~reduce(lambda a, b: a | b, known), 0.0)
    result: Expr = exprs[0]
    kept = masks[0]
    for x, mask in zip(exprs[1:], masks[1:], strict=True):
        if mask is not None:
            x = call(torch.where, mask, x, result)
        if kept is not None:
            result = call(torch.where, kept, result, x)
        kept = kept | mask if kept is not None and mask is not None else None
        result = operation(result, x)
    return result


for _name in OPERATIONS:
    _pair = [
        Case({}, [(2, 4), (2, 4)]),
        Case({}, [(2, 3, 4), (2, 4)], "ranks differ"),
        Case({}, [(2, 3, 4, 5), (2, 1, 1, 5)], "broadcast"),
        Case({}, [(2, 4, 3), (2, 4, 3)], "masked", mask=True),
    ]
    _many = [
        Case({}, [(2, 4)] * 20, "many"),
        Case({}, [(2, 3, 4)] * 19 + [(2, 1, 4)], "many, broadcast"),
    ]
    _three = [Case({}, [(2, 4, 3)] * 3, "three, one masked", mask=[True, False, True])]
    extra_cases(_name, _pair + (_three + _many if _name != "Subtract" else []))


def _concatenated_mask(layer: LayerView) -> Expr | None:
    """Return Keras's mask: along the features where any is, along other axes one behind the other.

    An input without a mask counts everywhere.
    """
    if not any(layer.masks):
        return None
    rank = layer.input.rank
    axis = layer["axis"] % rank
    if any(m is not None and m.rank != rank - 1 for m in layer.masks):
        raise UnsupportedError("Concatenate of inputs whose masks have other axes")
    if axis == rank - 1:
        known = [m.expr for m in layer.masks if m]
        if len(known) < len(layer.masks):
            return call(torch.ones_like, known[0])
        return reduce(lambda a, b: a | b, known)
    masks = [
        m.expr if m else call(torch.ones_like, _one_feature(t), dtype=torch.bool)
        for m, t in zip(layer.masks, layer.inputs, strict=True)
    ]
    return call(torch.cat, masks, dim=axis)


def _one_feature(tensor: Tensor) -> Expr:
    """Return a tensor of the other axes, which stand in Keras's order."""
    last = tensor.axis(tensor.rank - 1)
    return tensor.expr[..., 0] if last == tensor.rank - 1 else tensor.expr.select(last, 0)


@rule(
    "Concatenate",
    layout=ANY,
    mask=_concatenated_mask,
    cases=[
        Case({"axis": -1}, [(2, 4), (2, 3)]),
        Case({"axis": 1}, [(2, 4, 3), (2, 2, 3), (2, 1, 3)], "along the steps"),
        Case({"axis": -1}, [(2, 4, 3, 2), (2, 4, 3, 5)], "images"),
        Case({"axis": 2}, [(2, 4, 3, 2), (2, 4, 5, 2)], "along the width"),
        Case({"axis": -1}, [(2, 4, 3), (2, 4, 3)], "masked", mask=True),
        Case({"axis": 1}, [(2, 4, 3), (2, 2, 3)], "masked steps", mask=[True, False]),
    ],
)
def concatenate(layer: LayerView) -> Piece:
    if len({t.rank for t in layer.inputs}) > 1:
        raise UnsupportedError("Concatenate of inputs of different ranks")
    return Piece(
        call(torch.cat, [t.expr for t in layer.inputs], dim=layer.input.axis(layer["axis"]))
    )


@rule(
    "Dot",
    cases=[
        Case({"axes": 1}, [(2, 4), (2, 4)]),
        Case({"axes": -1, "normalize": True}, [(2, 4), (2, 4)], "cosine"),
        Case({"axes": (2, 1)}, [(2, 3, 4), (2, 4, 5)], "matrices"),
        Case({"axes": 2}, [(2, 3, 4), (2, 5, 4)], "over features"),
        Case({"axes": 1, "normalize": True}, [(2, 3, 4), (2, 3, 5)], "over steps"),
        Case({"axes": (1, 1)}, [(2, 3), (2, 3, 5)], "ranks differ"),
        Case({"axes": (3, 1)}, [(2, 3, 4, 5), (2, 5, 6)], "of rank 4"),
    ],
)  # fmt: skip
def dot(layer: LayerView) -> Piece:
    if len(layer.inputs) != 2:
        raise UnsupportedError(f"Dot of {len(layer.inputs)} inputs")
    axes = layer["axes"]
    axes = (axes, axes) if isinstance(axes, int) else axes
    axes = tuple(k % t.rank for k, t in zip(axes, layer.inputs, strict=True))
    if 0 in axes:
        raise UnsupportedError("Dot along the batch")
    x, y = (t.expr for t in layer.inputs)
    if layer["normalize"]:
        x, y = (call(F.normalize, e, dim=k, eps=1e-7) for e, k in zip((x, y), axes, strict=True))
    return Piece(_dot(x, y, axes, tuple(t.rank for t in layer.inputs)))


def _dot(x: Expr, y: Expr, axes: tuple[int, ...], ranks: tuple[int, ...]) -> Expr:
    if ranks == (2, 2):
        return (x * y).sum(1, keepdim=True)
    if ranks == (3, 3):
        x = x if axes[0] == 2 else x.transpose(1, 2)
        return x.matmul(y if axes[1] == 1 else y.transpose(1, 2))
    letters = iter("cdefghij")
    left = ["b" if k == 0 else "a" if k == axes[0] else next(letters) for k in range(ranks[0])]
    right = ["b" if k == 0 else "a" if k == axes[1] else next(letters) for k in range(ranks[1])]
    made = [n for n in left if n != "a"] + [n for n in right if n not in "ab"]
    equation = f"{''.join(left)},{''.join(right)}->{''.join(made)}"
    return call(torch.einsum, equation, x, y)
