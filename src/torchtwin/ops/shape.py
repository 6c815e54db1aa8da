"""Operations that reshape and reorder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, Field, call
from torchtwin.nn.axes import flip_all, reverse_axes
from torchtwin.ops.operands import is_number
from torchtwin.ops.registry import axes_of, expr, op
from torchtwin.ops.values import is_whole, tensor
from torchtwin.rule import Case
from torchtwin.view import Tensor


@op("Reshape", cases=[Case({"newshape": (-1, 6)}, (2, 3, 4)), Case({"newshape": (-1,)}, (2, 3))])
def reshape(x: Any, newshape: Any) -> Any:
    x = tensor(x)
    if isinstance(newshape, Expr | Tensor):
        return x.expr.reshape(size(newshape))
    newshape = (newshape,) if is_whole(newshape) else newshape
    if not newshape:
        return x.expr.reshape(())
    return x.expr.reshape(*sizes(newshape, free=-1))


def sizes(shape: Sequence[Any], free: Any = None) -> tuple[Any, ...]:
    """Return a shape's lengths: numbers, or expressions of them."""
    lengths = tuple(free if n is None else expr(n) for n in shape)
    if not all(is_whole(n) or isinstance(n, Expr) for n in lengths):
        raise UnsupportedError(f"{shape!r} is not a shape")
    return lengths


def size(shape: Any) -> Any:
    """Return a shape as one argument: a tuple, or the expression of one."""
    if isinstance(shape, Tensor):
        return Call(tuple, (shape.expr,), {})
    if isinstance(shape, Expr):
        return shape
    return sizes((shape,) if is_whole(shape) else shape)


@op("Ravel", cases=[Case({}, (2, 3))])
def ravel(x: Any) -> Any:
    return tensor(x).expr.flatten()


@op("BatchFlatten")
def batch_flatten(x: Any) -> Any:
    """K.batch_flatten: all axes but the first become one."""
    return tensor(x).expr.flatten(1)


@op("ExpandDims", cases=[Case({"axis": 1}, (2, 5)), Case({"axis": (1, 3)}, (2, 5, 4))])
def expand_dims(x: Any, axis: Any) -> Any:
    if is_number(x):
        return call(torch.tensor, [expr(x)])
    if isinstance(x, Expr):  # it may be a number, such as the length of an axis
        x = call(torch.as_tensor, x)
    x = tensor(x)
    if not isinstance(axis, list | tuple):
        return x.expr.unsqueeze(expr(axis))
    if not all(map(is_whole, axis)):
        raise UnsupportedError("several new axes that the program computes are not translated")
    if x.known:
        axis = [k % (x.rank + len(axis)) for k in axis]
    elif min(axis) < 0 <= max(axis):
        raise UnsupportedError("new axes counted from both ends are not translated")
    result = x.expr
    for k in sorted(axis, key=abs):  # each counts in the result, as the one before left it
        result = result.unsqueeze(k)
    return result


@op("Squeeze", cases=[Case({"axis": -1}, (2, 5, 1)), Case({"axis": (1, 2)}, (2, 1, 1, 3))])
def squeeze(x: Any, axis: Any = None) -> Any:
    x = tensor(x)
    if axis is None and not x.known:
        return x.expr.squeeze()
    if axis is None:
        axis = tuple(k for k, n in enumerate(x.shape) if n == 1 and k)
    return x.expr.squeeze(tuple(axis) if isinstance(axis, list) else expr(axis))


@op("Transpose", cases=[Case({"axes": (0, 2, 1)}, (2, 3, 4)), Case({}, (2, 3, 4), free=True)])
def transpose(x: Any, axes: Any = None) -> Any:
    x = tensor(x)
    if axes is None and not x.known:
        return call(reverse_axes, x.expr)
    if isinstance(axes, Expr | Tensor):
        return x.expr.permute(expr(axes))
    return x.expr.permute(*(range(x.rank - 1, -1, -1) if axes is None else map(expr, axes)))


@op("Swapaxes", cases=[Case({"axis1": 1, "axis2": 2}, (2, 3, 4))])
def swapaxes(x: Any, axis1: Any, axis2: Any) -> Any:
    return tensor(x).expr.transpose(expr(axis1), expr(axis2))


@op("Moveaxis", cases=[Case({"source": 1, "destination": 2}, (2, 3, 4))])
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    return tensor(x).expr.movedim(_axes(source), _axes(destination))


def _axes(axes: Any) -> Any:
    return tuple(map(expr, axes)) if isinstance(axes, list | tuple) else expr(axes)


@op("Flip", cases=[Case({"axis": 1}, (2, 3, 4))])
def flip(x: Any, axis: Any = None) -> Any:
    x = tensor(x)
    if axis is None and not x.known:
        return call(flip_all, x.expr)
    if isinstance(axis, Expr):
        return x.expr.flip(axis)
    if x.known:
        return x.expr.flip(*axes_of(axis, x.rank))
    return x.expr.flip(*(_axes(axis) if isinstance(axis, list | tuple) else (axis,)))


@op("Fliplr", cases=[Case({}, (2, 3, 4))])
def fliplr(x: Any) -> Any:
    return tensor(x).expr.flip(1)


@op("Flipud", cases=[Case({}, (2, 3, 4))])
def flipud(x: Any) -> Any:
    return tensor(x).expr.flip(0)


@op("Roll", cases=[Case({"shift": 2, "axis": 1}, (2, 3, 4)),
                   Case({"shift": (1, -1), "axis": (1, 2)}, (2, 3, 4))])  # fmt: skip
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    x = tensor(x)
    if axis is None:
        return x.expr.roll(_axes(shift))
    if isinstance(axis, list | tuple) and is_whole(shift):
        shift = (shift,) * len(axis)  # one shift of several axes is that of each
    return x.expr.roll(_axes(shift), _axes(axis))


@op("Rot90", cases=[Case({}, (3, 3, 4)), Case({"k": 3, "axes": (1, 2)}, (2, 3, 4))])
def rot90(array: Any, k: Any = 1, axes: Any = (0, 1)) -> Any:
    return call(torch.rot90, tensor(array).expr, expr(k), _axes(axes))


@op("BroadcastTo", cases=[Case({"shape": (2, 4, 3)}, (2, 1, 3))])
def broadcast_to(x: Any, shape: Any) -> Any:
    return tensor(x).expr.broadcast_to(size(shape))


@op("Shape")
def shape(x: Any) -> Any:
    return Field(tensor(x).expr, "shape")


@op("Size")
def size_(x: Any) -> Any:
    x = tensor(x)
    count = x.expr.numel()
    return call(torch.tensor, count, dtype=torch.int32) if x.known else count


@op("Ndim")
def ndim(x: Any) -> Any:
    x = tensor(x)
    return call(torch.tensor, x.rank, dtype=torch.int32) if x.known else Field(x.expr, "ndim")
