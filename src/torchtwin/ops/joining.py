"""Operations that join, cut, repeat and pad."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, Field, Item, Source, call
from torchtwin.nn.axes import pad_axes
from torchtwin.nn.parted import parted
from torchtwin.ops.operands import is_number
from torchtwin.ops.registry import ANY, expr, op
from torchtwin.ops.values import flattened, is_length, is_whole, tensor
from torchtwin.rule import Case
from torchtwin.view import Tensor

TWO = [(2, 5, 3), (2, 5, 3)]


def tensors(xs: Sequence[Any]) -> list[Any]:
    """Return the expressions of a list of operands; numbers among them become tensors."""
    like = next((x for x in xs if isinstance(x, Tensor)), None)
    return [tensor(x, like).expr for x in xs]


@op("Concatenate", layout=ANY, cases=[Case({"axis": 1}, TWO), Case({}, TWO)])
def concatenate(xs: Any, axis: Any = 0) -> Any:
    if isinstance(xs, Expr | Tensor):
        return call(torch.cat, expr(xs), dim=expr(axis))
    if axis in (0, -1) and (joined := _shape(xs)) is not None:
        return joined
    first = xs[0] if isinstance(xs[0], Tensor) else Tensor(xs[0], (), "", known=False)
    if first.known and not all(isinstance(x, Tensor) for x in xs):
        raise UnsupportedError("joining tensors with constants is not translated")
    return call(torch.cat, tensors(xs), dim=first.axis(expr(axis)))


def _shape(xs: Sequence[Any]) -> tuple[Any, ...] | None:
    """Return lengths joined with lists of lengths, such as those of `x.shape[1:]`, as a tuple.

    TensorFlow computes shapes as tensors; in PyTorch they are tuples.
    """
    if any(isinstance(x, Tensor) for x in xs) or not any(isinstance(x, list | tuple) for x in xs):
        return None
    parts: list[Any] = []
    for x in xs:
        if isinstance(x, list | tuple):
            parts += x
        elif isinstance(x, Source):
            parts.append(Source(f"*{x.text}"))
        else:
            return None
    whole = all(is_whole(n) or isinstance(n, Expr) for n in parts)
    return tuple(parts) if whole else None


@op("Stack", cases=[Case({"axis": 1}, TWO), Case({"axis": -1}, TWO)])
def stack(x: Any, axis: Any = 0) -> Any:
    if isinstance(x, Source) and x.shape and axis == 0:
        return x
    if isinstance(x, Expr | Tensor):
        return call(torch.stack, expr(x), dim=expr(axis))
    lengths = all(map(is_length, x)) or any(map(is_whole, x))
    if axis == 0 and lengths and not any(isinstance(v, Tensor | float | list | tuple) for v in x):
        return tuple(x)  # of a shape
    return call(torch.stack, tensors(x), dim=expr(axis))


@op("Hstack", cases=[Case({}, TWO)])
def hstack(xs: Any) -> Any:
    return _joined(torch.hstack, xs)


@op("Vstack", cases=[Case({}, TWO)])
def vstack(xs: Any) -> Any:
    return _joined(torch.vstack, xs)


@op("Dstack", cases=[Case({}, TWO)])
def dstack(xs: Any) -> Any:
    return _joined(torch.dstack, xs)


def _joined(function: Any, xs: Any) -> Any:
    return call(function, expr(xs) if isinstance(xs, Expr | Tensor) else tensors(xs))


@op("Append", cases=[Case({"axis": 1}, [(2, 5, 3), (2, 4, 3)]), Case({}, TWO)])
def append(x1: Any, x2: Any, axis: Any = None) -> Any:
    first, second = tensors([x1, x2])
    if axis is None:
        return call(torch.cat, [first.flatten(), second.flatten()])
    return call(torch.cat, [first, second], dim=expr(axis))


@op("Meshgrid")
def meshgrid(*x: Any, indexing: str = "xy") -> Any:
    flat = [t.expr.flatten() if isinstance(t, Tensor) and t.known and t.rank != 1 else t for t in x]
    like = next((t for t in x if isinstance(t, Tensor)), None)
    lines = [t if isinstance(t, Expr) else tensor(t, like).expr for t in flat]
    grids = call(torch.meshgrid, *lines, indexing=indexing)
    known = all(isinstance(t, Tensor) and t.known for t in x)
    return tuple(grids[k] for k in range(len(x))) if known else grids


@op("Tile", cases=[Case({"repeats": (1, 2, 3)}, (2, 3, 4)), Case({"repeats": 2}, (2, 3))])
def tile(x: Any, repeats: Any) -> Any:
    if is_number(repeats):
        return tensor(x).expr.tile((repeats,))
    if isinstance(repeats, Source) and repeats.shape:
        return tensor(x).expr.tile(repeats)
    if not _is_list(repeats):  # it may be a tensor of numbers, which PyTorch does not take
        return tensor(x).expr.tile(Call(tuple, (expr(repeats),), {}))
    return tensor(x).expr.tile(tuple(map(expr, repeats)))


@op("Repeat", cases=[Case({"repeats": 2, "axis": 1}, (2, 3, 4)), Case({"repeats": 2}, (2, 3)),
                     ])  # fmt: skip
def repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    x = tensor(x)
    if isinstance(repeats, list | tuple) and len(repeats) == 1:
        repeats = repeats[0]
    more = {} if axis is None else {"dim": expr(axis)}
    if x.known and (total := _total(repeats)) is not None:
        more["output_size"] = total
    if isinstance(repeats, list | tuple):
        repeats = tensor(repeats, x)
    return x.expr.repeat_interleave(expr(repeats), **more)


def _total(repeats: Any) -> int | None:
    """Return how many entries there are in the end, where each has its own count that is known."""
    if isinstance(repeats, Tensor) and repeats.array is not None and repeats.array.size > 1:
        return int(repeats.array.sum())
    several = isinstance(repeats, list | tuple) and all(map(is_whole, repeats))
    return sum(repeats) if several else None


MOST_PARTS = 10_000
"""Parts of a tensor that a program can name."""


@op("Split", cases=[Case({"indices_or_sections": 2, "axis": 1}, (2, 4, 3)),
                    Case({"indices_or_sections": [1, 3], "axis": -1}, (2, 4, 5))])  # fmt: skip
def split(x: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    x = tensor(x)
    if not x.known:
        function = "chunk" if is_whole(indices_or_sections) else "tensor_split"
        where = list(map(expr, indices_or_sections)) if _is_list(indices_or_sections) else None
        return getattr(x.expr, function)(where or expr(indices_or_sections), dim=expr(axis))
    length = x.shape[axis]
    if length is None:
        return array_split(x, indices_or_sections, axis)
    if isinstance(indices_or_sections, int):
        count = indices_or_sections
        if count < 1 or length % count:
            raise UnsupportedError(f"Split of an axis of {length} in {count} equal parts")
        ends = [length // count * k for k in range(1, count + 1)]
    else:
        ends = [*(k % length if k < 0 else min(k, length) for k in indices_or_sections), length]
    cuts = [b - a for a, b in pairwise([0, *ends])]
    parts = x.expr.split(cuts[0] if len(set(cuts)) == 1 else cuts, dim=axis)
    return tuple(parts[k] for k in range(len(cuts)))


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


LISTED = re.compile(r"^\[[^]]*\]( \* [\w.]+)?$|^[\w.]+ \* \[[^]-]*\]$")
"""A list that is written out, or many times a list."""


@op("SplitSizes")
def split_sizes(value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None) -> Any:
    """tf.split: lengths of the parts, where keras.ops.split wants the places between them."""
    del num  # TensorFlow's own count of the parts; the list tells it
    x, sizes = tensor(value), num_or_size_splits
    if not _is_list(sizes):
        if x.known or is_number(sizes):
            return split(x, sizes, axis) if x.known else x.expr.chunk(expr(sizes), dim=expr(axis))
        if isinstance(sizes, Source) and LISTED.search(sizes.text):
            return x.expr.split(expr(sizes), dim=expr(axis))
        return call(parted, x.expr, expr(sizes), dim=expr(axis))
    if x.known and all(map(is_whole, sizes)) and -1 not in sizes:
        return split(x, [sum(sizes[: k + 1]) for k in range(len(sizes) - 1)], axis)
    parts = [expr(n) for n in sizes]
    if -1 in sizes:  # what the others leave
        rest: Any = Item(Field(x.expr, "shape"), expr(axis))
        for n in parts:
            rest = rest if is_whole(n) and n == -1 else rest - n
        parts[sizes.index(-1)] = rest
    return x.expr.split(parts, dim=expr(axis))


@op("ArraySplit", cases=[Case({"indices_or_sections": 3, "axis": 1}, (2, 5, 3))])
def array_split(x: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    x = tensor(x)
    if is_whole(indices_or_sections) and not 0 < indices_or_sections <= MOST_PARTS:
        raise UnsupportedError(f"ArraySplit in {indices_or_sections} parts")
    parts = x.expr.tensor_split(expr(indices_or_sections), dim=expr(axis))
    if not x.known:
        return parts
    several = indices_or_sections
    count = several if is_whole(several) else len(several) + 1
    return tuple(parts[k] for k in range(count))


def _along(axis: int) -> Any:
    def along(x: Any, indices_or_sections: Any) -> Any:
        x = tensor(x)
        first = 0 if x.known and x.rank == 1 and axis == 1 else axis
        return split(x, indices_or_sections, first)

    return along


for _name, _axis in {"Vsplit": 0, "Hsplit": 1, "Dsplit": 2}.items():
    op(_name, cases=[Case({"indices_or_sections": 2}, (2, 4, 6))] if _axis else ())(_along(_axis))


@op("Unstack", cases=[Case({"axis": 1}, (2, 3, 4))])
def unstack(x: Any, num: Any = None, axis: Any = 0, used: Collection[int] = ()) -> Any:
    """Of a batch whose length the file does not say there are as many parts as are used."""
    x = tensor(x)
    if not x.known:
        return x.expr.unbind(expr(axis))
    length = x.shape[axis] if num is None else num
    if length is None and used:
        length = max(used) + 1
    if length is None:
        raise UnsupportedError("unstacking an axis of free length is not translated")
    if length > MOST_PARTS:
        raise UnsupportedError(f"Unstack in {length} parts")
    return tuple(x.expr.select(axis, k) for k in range(length))


MODES = ("constant", "reflect", "symmetric", "edge", "wrap")


@op("Pad", cases=[Case({"pad_width": ((0, 0), (1, 2), (0, 1))}, (2, 3, 4)),
                  *(Case({"pad_width": ((0, 0), (1, 2), (0, 1)), "mode": mode}, (2, 3, 4))
                    for mode in MODES[2:3]),
                  Case({"pad_width": ((0, 0), (1, 0)), "constant_values": 2.5}, (2, 3)),
                  ])  # fmt: skip
def pad(x: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = None) -> Any:
    x, mode = tensor(x), mode.lower() if isinstance(mode, str) else mode
    if mode not in MODES:
        raise UnsupportedError(f"Pad(mode={mode!r}) is not translated")
    value = {} if constant_values in (None, 0) else {"value": expr(constant_values)}
    pairs = _pairs(x, pad_width)
    if pairs is None or mode != "constant":
        how = {} if mode == "constant" else {"mode": mode}
        return call(pad_axes, x.expr, expr(pad_width) if pairs is None else pairs, **how, **value)
    flat = [expr(n) for pair in reversed(pairs) for n in pair]
    while len(flat) > 2 and flat[-2:] == [0, 0]:
        flat = flat[:-2]
    return call(F.pad, x.expr, flat, **value)


def _pairs(x: Tensor, pad_width: Any) -> list[tuple[Any, ...]] | None:
    """Return what to pad before and after each axis, None where that is known when it runs."""
    if is_whole(pad_width):
        pad_width = (pad_width, pad_width)
    if not _is_list(pad_width) or not all(
        is_whole(n) or isinstance(n, Expr) for n in flattened(pad_width)
    ):
        return None
    if is_whole(pad_width[0]):
        pad_width = (pad_width,)
    if not all(map(_is_list, pad_width)):
        return None
    pairs = [(pair[0], pair[-1]) for pair in pad_width]
    if len(pairs) > 1:
        return pairs
    return pairs * x.rank if x.known else None
