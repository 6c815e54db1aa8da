"""Operations that take entries of a tensor, or put them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Binary, Expr, call
from torchtwin.nn.axes import gather_batch, take_axis
from torchtwin.nn.scatter import gather_places, put_places, put_slice, take_slice
from torchtwin.ops.registry import axes_of, expr, op
from torchtwin.ops.shape import size
from torchtwin.ops.values import flattened, is_whole, lengths, tensor
from torchtwin.rule import Case
from torchtwin.view import Tensor


@op("GetItem")
def get_item(x: Any, key: Any) -> Any:
    parts = tuple(key) if isinstance(key, list | tuple) else (key,)
    subject = tensor(x).expr
    if any(_backwards(p) for p in parts):
        dims = _dims(parts)
        subject = subject.flip(*(dim for dim, p in zip(dims, parts, strict=True) if _backwards(p)))
        parts = tuple(_turned(p) if _backwards(p) else p for p in parts)
        if all(p == slice(None) for p in parts):
            return subject
    parts = tuple(expr(p) for p in parts)
    return subject[parts[0] if len(parts) == 1 else parts]


def _backwards(part: Any) -> bool:
    """Tell whether a slice runs backwards: PyTorch has none, the axis is turned round first."""
    if not isinstance(part, slice) or not isinstance(part.step, int) or part.step > 0:
        return False
    if not all(isinstance(end, int | None) for end in (part.start, part.stop)):
        raise UnsupportedError("a slice that runs backwards between ends the program computes")
    return True


def _turned(part: slice) -> slice:
    """Return a slice that runs backwards as the one that takes the same of the turned axis."""
    start, stop = (None if end is None else -(end + 1) for end in (part.start, part.stop))
    return slice(start, stop, None if part.step == -1 else -part.step)


def _dims(parts: tuple[Any, ...]) -> list[int]:
    """Return the axis that each part of an index is about, from behind where `...` is before."""
    if any(isinstance(p, Expr | Tensor | list) for p in parts):
        raise UnsupportedError("an index of slices that run backwards and tensors")
    dims: list[int] = []
    for k in range(len(parts)):
        behind = ... in parts[:k]
        beside = parts[k:] if behind else parts[:k]
        used = sum(p is not None and p is not ... for p in beside)
        dims.append(-used if behind else used)
    return dims


@op("Take", cases=[Case({"axis": 1}, [(2, 5, 3), (2,)], inputs=["normal", "int:5"]),
                   Case({"axis": -1}, [(2, 5, 3), (2, 2)], inputs=["normal", "int:3"]),
                   ])  # fmt: skip
def take(x: Any, indices: Any, axis: Any = None) -> Any:
    x = tensor(x)
    source = x.expr.flatten() if axis is None else x.expr
    if axis is not None and not is_whole(axis):
        return call(take_axis, source, expr(indices), expr(axis))
    if x.known and axis is not None:
        (axis,) = axes_of(axis, x.rank)
    if is_whole(indices):
        return source[indices] if axis is None else source.select(axis, indices)
    if isinstance(indices, list | tuple) and len(lengths(list(indices))) > 1:
        indices = tensor(list(indices), x)
    where = list(indices) if isinstance(indices, tuple) else expr(indices)
    dim = axis or 0
    if dim < 0:
        return source[(..., where, *[slice(None)] * (-dim - 1))]
    return source[(*[slice(None)] * dim, where) if dim else where]


@op("Gather")
def gather(
    params: Any, indices: Any, validate_indices: Any = None, axis: Any = None, batch_dims: Any = 0
) -> Any:
    """tf.gather: of each batch its own entries with `batch_dims`."""
    del validate_indices  # it has had no effect since TensorFlow 1
    axis = batch_dims if axis is None else axis
    if is_whole(batch_dims) and batch_dims == 0:
        return take(params, indices, axis)
    where = tensor(indices).expr
    return call(gather_batch, tensor(params).expr, where, expr(axis), expr(batch_dims))


@op("TakeAlongAxis", cases=[
    Case({"axis": 1}, [(2, 5, 3), (2, 4, 3)], inputs=["normal", "int:5"]),
    Case({"axis": -1}, [(2, 5, 3), (2, 5, 1)], inputs=["normal", "int:3"]),
])  # fmt: skip
def take_along_axis(x: Any, indices: Any, axis: Any = None) -> Any:
    x, where = tensor(x), tensor(indices)
    places = where.expr if where.dtype == "int64" else where.expr.long()
    if axis is None:
        return x.expr.flatten().take_along_dim(places.flatten(), 0)
    return x.expr.take_along_dim(places, expr(axis))


@op("GatherNd")
def gather_nd(params: Any, indices: Any, batch_dims: Any = 0) -> Any:
    return call(
        gather_places, tensor(params).expr, tensor(indices).expr,
        **({} if batch_dims == 0 else {"batch_dims": expr(batch_dims)}),
    )  # fmt: skip


@op("BooleanMask")
def boolean_mask(data: Any, mask: Any, axis: Any = None) -> Any:
    """tf.boolean_mask."""
    x, where = tensor(data), tensor(mask).expr
    if axis is not None and not is_whole(axis):
        raise UnsupportedError("a mask along an axis that the program computes is not translated")
    if not axis:
        return x.expr[where]
    if axis < 0:
        axis = axes_of(axis, x.rank)[0]
    return x.expr[(*[slice(None)] * axis, where)]


@op("Nonzero")
def nonzero(x: Any) -> Any:
    """Keras's places are whole numbers of 32 bits in a graph."""
    x = tensor(x)
    found = x.expr.nonzero(as_tuple=True)
    if not x.known:
        return found
    return tuple(found[k].int() for k in range(x.rank))


@op("Places")
def places(condition: Any) -> Any:
    """tf.where of a condition alone: where it is true, one row each."""
    return tensor(condition).expr.nonzero()


@op("Slice")
def slice_(inputs: Any, start_indices: Any, shape: Any) -> Any:
    x = tensor(inputs)
    start, lengths_ = start_indices, shape
    both = [start, lengths_]
    if all(isinstance(v, list | tuple) and all(map(is_whole, v)) for v in both) and x.known:
        known = zip(start, lengths_, x.shape, strict=True)
        return x.expr[tuple(_cut(*each) for each in known)]
    return call(take_slice, x.expr, _places(start), _places(lengths_))


def _cut(start: int, length: int, size_: int | None) -> slice:
    if length == -1 or size_ == start + length:
        return slice(start or None, None)
    if size_ is not None:
        start = min(start, size_ - length)  # Keras moves a slice that would leave the tensor
    return slice(start or None, start + length)


def _places(value: Any) -> Any:
    return [expr(v) for v in value] if isinstance(value, list | tuple) else expr(value)


@op("SliceUpdate", cases=[
    Case({"start_indices": [0, 1, 2], "updates": np.full((1, 2, 2), 0.5)}, (2, 3, 4)),
])  # fmt: skip
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    x = tensor(inputs)
    return call(put_slice, x.expr, _places(start_indices), tensor(updates, x).expr)


@op("Scatter")
def scatter(indices: Any, values: Any, shape: Any) -> Any:
    where, given = tensor(indices), tensor(values, indices)
    zeros = given.expr.new_zeros(size(shape))
    return call(put_places, zeros, where.expr, given.expr, "add")


@op("ScatterNd")
def scatter_nd(indices: Any, updates: Any, shape: Any) -> Any:
    return scatter(indices, updates, shape)


@op("ScatterUpdate", cases=[
    Case({"indices": np.array([[0, 1], [1, 2]]), "updates": np.eye(2, 4)}, (2, 3, 4)),
    Case({"indices": np.array([[0, 1], [1, 2]]), "updates": np.eye(2, 4), "reduction": "max"},
         (2, 3, 4)),
])  # fmt: skip
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: Any = None) -> Any:
    x = tensor(inputs)
    if not isinstance(reduction, str | None):
        raise UnsupportedError("a reduction that the program computes is not translated")
    how = () if reduction is None else (reduction,)
    return call(put_places, x.expr, tensor(indices, x).expr, tensor(updates, x).expr, *how)


@op("UnravelIndex", cases=[Case({"shape": (2, 3)}, (4,), inputs="int:6")])
def unravel_index(indices: Any, shape: Any) -> Any:
    x = tensor(indices)
    if x.known and x.rank > 1 and isinstance(shape, list | tuple):
        return _unraveled_from_front(x.expr, shape)
    found = call(torch.unravel_index, x.expr, size(shape))
    count = len(list(flattened(shape))) if not isinstance(shape, Expr) else 0
    if not x.known or not count:
        return found
    narrow = x.dtype != "int64"  # PyTorch's are of 64 bits
    return tuple(found[k].int() if narrow else found[k] for k in range(count))


def _unraveled_from_front(x: Any, shape: Sequence[int]) -> tuple[Any, ...]:
    """Indices of several axes: on TensorFlow Keras lets the first axis run fastest, not the last.

    So the numbers differ from NumPy's (`unravel_index` in keras/src/backend/tensorflow/numpy.py).
    """
    places, step = [], 1
    for length in shape:
        before = x if step == 1 else Binary("//", x, step)
        places.append(Binary("%", before, length))
        step *= length
    return tuple(reversed(places))
