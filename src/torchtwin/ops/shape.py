"""Operations that move, join, cut and repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.ops.registry import ANY, axes_of, expr, op
from torchtwin.rule import Case
from torchtwin.view import Tensor

TWO = [(2, 5, 3), (2, 5, 3)]
CASTS = {"float32": "float", "float64": "double", "float16": "half", "bfloat16": "bfloat16",
         "int32": "int", "int64": "long", "bool": "bool"}  # fmt: skip


@op("Cast", layout=ANY, cases=[Case({"dtype": "int32"}, (2, 3))])
def cast(x: Tensor, dtype: str) -> Any:
    if dtype == x.dtype:
        return x.expr
    if dtype in CASTS:
        return getattr(x.expr, CASTS[dtype])()
    return x.expr.to(torch_type(dtype))


@op("ConvertToTensor", layout=ANY, cases=[Case({}, (2, 3))])
def convert_to_tensor(
    x: Tensor, dtype: str | None = None, sparse: bool | None = None, ragged: bool | None = None
) -> Any:
    if sparse or ragged:
        raise UnsupportedError("sparse and ragged tensors are not translated")
    return x.expr if dtype is None else cast(x, dtype)


def torch_type(name: Any) -> torch.dtype:
    """Return torch's dtype of this name; refuse others."""
    dtype = getattr(torch, str(name), None)
    if not isinstance(dtype, torch.dtype):
        raise UnsupportedError(f"the dtype {name} is not translated")
    return dtype


@op("Reshape", cases=[Case({"newshape": (-1, 6)}, (2, 3, 4)), Case({"newshape": (-1,)}, (2, 3))])
def reshape(x: Tensor, newshape: Sequence[int]) -> Any:
    newshape = (newshape,) if isinstance(newshape, int) else newshape
    lengths = [-1 if n is None else n for n in newshape]
    if not all(isinstance(n, int) for n in lengths):
        raise UnsupportedError("a reshape to lengths that are computed is not translated")
    return x.expr.reshape(*lengths)


@op("Ravel", cases=[Case({}, (2, 3))])
def ravel(x: Tensor) -> Any:
    return x.expr.flatten()


@op("ExpandDims", cases=[Case({"axis": -1}, (2, 5)), Case({"axis": 1}, (2, 5))])
def expand_dims(x: Tensor, axis: int) -> Any:
    if not isinstance(axis, int):
        raise UnsupportedError("several new axes at once are not translated")
    return x.expr.unsqueeze(axis)


@op("Squeeze", cases=[Case({"axis": -1}, (2, 5, 1)), Case({"axis": (1, 2)}, (2, 1, 1, 3))])
def squeeze(x: Tensor, axis: Any = None) -> Any:
    if axis is None:
        axis = tuple(k for k, n in enumerate(x.shape) if n == 1 and k)
    return x.expr.squeeze(axis)


@op("Concatenate", layout=ANY, cases=[Case({"axis": 1}, TWO)])
def concatenate(xs: Sequence[Tensor], axis: int = 0) -> Any:
    if not all(isinstance(x, Tensor) for x in xs):
        raise UnsupportedError("joining tensors with constants is not translated")
    return call(torch.cat, [x.expr for x in xs], dim=xs[0].axis(axis))


@op("Stack", cases=[Case({"axis": 1}, TWO)])
def stack(x: Sequence[Tensor], axis: int = 0) -> Any:
    return call(torch.stack, [expr(t) for t in x], dim=axis)


@op("Transpose", cases=[Case({"axes": (0, 2, 1)}, (2, 3, 4))])
def transpose(x: Tensor, axes: Sequence[int] | None = None) -> Any:
    axes = axes if axes is not None else range(x.rank - 1, -1, -1)
    return x.expr.permute(*axes)


@op("Swapaxes", cases=[Case({"axis1": 1, "axis2": 2}, (2, 3, 4))])
def swapaxes(x: Tensor, axis1: int, axis2: int) -> Any:
    return x.expr.transpose(axis1, axis2)


@op("Moveaxis", cases=[Case({"source": 1, "destination": 2}, (2, 3, 4))])
def moveaxis(x: Tensor, source: Any, destination: Any) -> Any:
    return x.expr.movedim(source, destination)


@op("Flip", cases=[Case({"axis": 1}, (2, 3, 4))])
def flip(x: Tensor, axis: Any = None) -> Any:
    return x.expr.flip(*axes_of(axis, x.rank))


@op("Roll", cases=[Case({"shift": 2, "axis": 1}, (2, 3, 4))])
def roll(x: Tensor, shift: Any, axis: Any = None) -> Any:
    return x.expr.roll(shift) if axis is None else x.expr.roll(shift, axis)


@op("Tile", cases=[Case({"repeats": (1, 2, 3)}, (2, 3, 4))])
def tile(x: Tensor, repeats: Any) -> Any:
    return x.expr.tile(repeats)


@op("Repeat", cases=[Case({"repeats": 2, "axis": 1}, (2, 3, 4))])
def repeat(x: Tensor, repeats: int, axis: int | None = None) -> Any:
    if not isinstance(repeats, int):
        raise UnsupportedError("repeats that differ are not translated")
    return x.expr.repeat_interleave(repeats, **({} if axis is None else {"dim": axis}))


@op("BroadcastTo")
def broadcast_to(x: Tensor, shape: Sequence[int]) -> Any:
    return x.expr.broadcast_to(tuple(shape))


@op("Split")
def split(x: Tensor, indices_or_sections: Any, axis: int = 0) -> Any:
    length = x.shape[axis]
    if length is None:
        raise UnsupportedError("splitting an axis of free length is not translated")
    if isinstance(indices_or_sections, int):
        count = indices_or_sections
        ends = [length // count * k for k in range(1, count + 1)]
    else:
        ends = [*indices_or_sections, length]
    sizes = [b - a for a, b in zip([0, *ends], ends, strict=False)]
    parts = x.expr.split(sizes[0] if len(set(sizes)) == 1 else sizes, dim=axis)
    return tuple(parts[k] for k in range(len(sizes)))


@op("Unstack")
def unstack(x: Tensor, num: int | None = None, axis: int = 0) -> Any:
    length = x.shape[axis] if num is None else num
    if length is None:
        raise UnsupportedError("unstacking an axis of free length is not translated")
    return tuple(x.expr.select(axis, k) for k in range(length))


@op("GetItem")
def get_item(x: Tensor, key: Any) -> Any:
    parts = tuple(key) if isinstance(key, list | tuple) else (key,)
    if any(isinstance(p, slice) and (p.step or 1) < 0 for p in parts):
        raise UnsupportedError("slices that run backwards are not translated")
    parts = tuple(expr(p) for p in parts)
    return x.expr[parts[0] if len(parts) == 1 else parts]


@op("Take")
def take(x: Tensor, indices: Any, axis: int | None = None) -> Any:
    if axis is None:
        raise UnsupportedError("taking from all axes is not translated")
    (axis,) = axes_of(axis, x.rank)
    if isinstance(indices, int):
        return x.expr.select(axis, indices)
    if not isinstance(indices, Tensor):
        raise UnsupportedError("these indices are not translated")
    return x.expr[(*[slice(None)] * axis, indices.expr)]


@op("Pad", cases=[Case({"pad_width": ((0, 0), (1, 2), (0, 1))}, (2, 3, 4))])
def pad(x: Tensor, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    if mode != "constant":
        raise UnsupportedError(f"Pad(mode={mode!r}) is not translated")
    if isinstance(pad_width, int):
        pad_width = ((pad_width, pad_width),) * x.rank
    flat = [n for pair in reversed(pad_width) for n in pair]
    while len(flat) > 2 and flat[-2:] == [0, 0]:
        flat = flat[:-2]
    more = {} if not constant_values else {"value": float(constant_values)}
    return call(F.pad, x.expr, flat, **more)


@op("Matmul", cases=[Case({}, [(2, 3, 4), (2, 4, 5)])])
def matmul(x1: Tensor, x2: Tensor) -> Any:
    return x1.expr.matmul(x2.expr)


@op("Einsum")
def einsum(*operands: Any, subscripts: str) -> Any:
    return call(torch.einsum, subscripts, *(expr(x) for x in operands))


@op("Tril", cases=[Case({"k": -1}, (2, 4, 4))])
def tril(x: Tensor, k: int = 0) -> Any:
    return x.expr.tril(k) if k else x.expr.tril()


@op("Triu", cases=[Case({"k": 1}, (2, 4, 4))])
def triu(x: Tensor, k: int = 0) -> Any:
    return x.expr.triu(k) if k else x.expr.triu()


def _filled(function: Any) -> Any:
    def filled(x: Tensor, dtype: Any = None) -> Any:
        return call(function, x.expr, **({"dtype": torch_type(dtype)} if dtype else {}))

    return filled


for _name, _function in {"ZerosLike": torch.zeros_like, "OnesLike": torch.ones_like}.items():
    op(_name, layout=ANY, cases=[Case({"dtype": "bool"}, (2, 5)), Case({}, (2, 5))])(
        _filled(_function)
    )


@op("FullLike", layout=ANY)
def full_like(x: Tensor, fill_value: float, dtype: Any = None) -> Any:
    more = {"dtype": torch_type(dtype)} if dtype else {}
    return call(torch.full_like, x.expr, fill_value, **more)


def channels_in_front(config: Mapping[str, Any], rank: int) -> Any:
    return (0, 3, 1, 2) if config.get("data_format") != "channels_first" and rank == 4 else None


@op("DepthToSpace", layout=channels_in_front, cases=[Case({"block_size": 2}, (2, 3, 4, 8))])
def depth_to_space(x: Tensor, block_size: int, data_format: str | None = None) -> Any:
    """Keras counts channels last, behind the places of a block; pixel_shuffle counts them first."""
    if data_format == "channels_first":
        raise UnsupportedError("DepthToSpace of channels-first data is not translated")
    if x.shape[3] == block_size**2:
        return call(F.pixel_shuffle, x.expr, block_size)
    channels = x.expr.unflatten(1, (block_size**2, -1)).transpose(1, 2).flatten(1, 2)
    return call(F.pixel_shuffle, channels, block_size)
