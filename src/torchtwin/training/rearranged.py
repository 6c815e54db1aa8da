"""A value in Keras's shape as the weight that it becomes, in the source of a program."""

from __future__ import annotations

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr
from torchtwin.notation import Axis
from torchtwin.training.variables import Weight


def rearranged(value: Expr, weight: Weight) -> Expr:
    """Return `value`, whose numbers lie in Keras's order, with the axes of a weight."""
    if weight.notation.row is not None:
        raise UnsupportedError(f"a value for the whole of {weight.variable}, of which it is a row")
    sides = weight.notation.sides
    if sides is None:
        return value.reshape(*weight.shape)
    found = weight.notation.lengths(weight.shape, keras=False)
    names: list[str] = []
    shape: list[int] = []
    moved: list[tuple[int, list[int]]] = []
    for axis in sides[0]:
        if axis.parts:
            wanted = next(a for a in sides[1] if a.label == axis.label).names
            order = [axis.names.index(name) for name in wanted]
            if order != sorted(order):
                moved.append((len(names), order))
            names += [f"#{axis.label}", axis.label]
            shape += [len(order), found[axis.label] // len(order)]
        else:
            kept = [n for n in axis.names if n != "1"]
            names += kept
            shape += [found[n] for n in kept]
    value = value.reshape(*shape)
    for place, order in moved:  # gates in PyTorch's order
        value = value[(*[slice(None)] * place, order)]
    places = [names.index(n) for axis in sides[1] for n in _names(axis)]
    if places != sorted(places):
        value = value.permute(*places)
    return value.reshape(*weight.shape)


def _names(axis: Axis) -> list[str]:
    if axis.parts:
        return [f"#{axis.label}", axis.label]
    return [n for n in axis.names if n != "1"]


def same_matrix(weight: Weight, *, ordered: bool = False) -> bool:
    """Tell whether Keras's matrix, its last axis as columns, is PyTorch's, its first as rows.

    Either may be the other's transpose; rows and columns may lie in another order, unless
    `ordered`.
    """
    if weight.notation.row is not None:
        return False
    sides = weight.notation.sides
    if sides is None:
        return len(weight.shape) == 2
    left, right = sides
    if ordered:
        return sorted(a.names for a in left) == sorted(a.names for a in right) and len(right) == 2
    columns = _own(left[-1:], weight)
    return columns in (_own(right[:1], weight), _own(right[1:], weight))


def _own(axes: tuple[Axis, ...], weight: Weight) -> set[str]:
    """Return the names of axes, those of length one left out."""
    found = weight.notation.lengths(weight.shape, keras=False)
    names = {n for axis in axes for n in ([axis.label] if axis.parts else axis.names)}
    return {n for n in names if found[n] != 1}
