"""Operations that sort, search and count."""

from __future__ import annotations

from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Field, call, unpack
from torchtwin.nn.order import bincount, histogram, in_top_k, top_k, unique, unique_of_size
from torchtwin.ops.operands import is_literal, tensor
from torchtwin.ops.reduce import kept
from torchtwin.ops.registry import expr, op
from torchtwin.rule import Case
from torchtwin.view import Tensor


def _position(name: str) -> Any:
    def position(x: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
        number = x.expr.int() if x.dtype == "bool" else x.expr
        if axis is None:
            return getattr(number, name)(*([None] if keepdims else []), **kept(keepdims)).int()
        return getattr(number, name)(x.axis(expr(axis)), **kept(keepdims)).int()

    return position


# Keras counts in 32 bits; in the tests JAX has 64, so that there are no cases.
op("Argmax")(_position("argmax"))
op("Argmin")(_position("argmin"))


@op("Argsort")
def argsort(x: Tensor, axis: Any = -1) -> Any:
    if axis is None:
        return x.expr.flatten().argsort(stable=True).int()
    dim = () if axis == -1 else (expr(axis),)
    return x.expr.argsort(**({"dim": dim[0]} if dim else {}), stable=True).int()


@op("Argpartition")
def argpartition(x: Tensor, kth: Any, axis: Any = -1) -> Any:
    """What is sorted is parted at any place."""
    del kth
    return argsort(x, axis)


@op("Sort", cases=[Case({}, (2, 3)), Case({"axis": 0}, (4, 3)), Case({"axis": None}, (4, 3))])
def sort(x: Tensor, axis: Any = -1) -> Any:
    if axis is None:
        return x.expr.flatten().sort()[0]
    return x.expr.sort(*([] if axis == -1 else [expr(axis)]))[0]


@op("TopK")
def top_k_(x: Tensor, k: Any, sorted: Any = True) -> Any:  # noqa: A002
    del sorted  # no order is right where none is asked for
    found = call(top_k, x.expr, expr(k))
    return unpack(found, "values", "indices") if x.known else found


@op("InTopK")
def in_top_k_(targets: Tensor, predictions: Tensor, k: Any) -> Any:
    return call(in_top_k, targets.expr, predictions.expr, expr(k))


@op("SearchSorted")
def search_sorted(sorted_sequence: Tensor, values: Tensor, side: Any = "left") -> Any:
    if side not in ("left", "right"):
        raise UnsupportedError("SearchSorted(side=...) that the program computes is not translated")
    more = {"right": True} if side == "right" else {}
    return call(
        torch.searchsorted, sorted_sequence.expr, values.expr, out_int32=True, **more
    )  # fmt: skip


@op("Digitize")
def digitize(x: Tensor, bins: Any) -> Any:
    if isinstance(bins, list | tuple) and all(map(is_literal, bins)):
        bins = Tensor(call(torch.tensor, [*bins], device=Field(x.expr, "device")), (len(bins),))
    return call(torch.bucketize, x.expr, tensor(bins).expr, right=True, out_int32=True)


@op("Bincount")
def bincount_(x: Tensor, weights: Any = None, minlength: Any = 0, sparse: Any = False) -> Any:
    if sparse:
        raise UnsupportedError("Bincount(sparse=True) is not translated")
    more = {} if weights is None else {"weights": tensor(weights).expr}
    return call(bincount, x.expr, **more, **({"minlength": expr(minlength)} if minlength else {}))


@op("Histogram")
def histogram_(x: Tensor, bins: Any = 10, range: Any = None) -> Any:  # noqa: A002
    found = call(histogram, x.expr, bins=expr(bins), range=expr(range))
    return unpack(found, "counts", "edges") if x.known else found


@op("Unique", cases=[Case({"size": 5}, (2, 4), inputs="int:4"),
                     Case({"size": 3, "fill_value": 9}, (2, 4), inputs="int:9")])  # fmt: skip
def unique_(
    x: Tensor, sorted: Any = True, return_index: Any = False, return_inverse: Any = False,  # noqa: A002
    return_counts: Any = False, axis: Any = None, size: Any = None, fill_value: Any = None,
) -> Any:  # fmt: skip
    del sorted  # sorted in any case
    asked = {"return_index": return_index, "return_inverse": return_inverse,
             "return_counts": return_counts}  # fmt: skip
    given = {k: expr(v) for k, v in asked.items() if v}
    if size is None:
        found = call(unique, x.expr, **given, **({} if axis is None else {"dim": expr(axis)}))
    elif axis is not None:
        raise UnsupportedError("Unique of a size along an axis is not translated")
    else:
        fill = {} if fill_value is None else {"fill_value": expr(fill_value)}
        found = call(unique_of_size, x.expr, expr(size), **fill, **given)
    names = [k for k, v in asked.items() if v]
    return unpack(found, "values", *names) if names and x.known else found


@op("Diff", cases=[Case({}, (2, 5)), Case({"n": 2, "axis": 1}, (2, 5, 3))])
def diff(a: Tensor, n: Any = 1, axis: Any = -1) -> Any:
    given = {"n": (n, 1), "dim": (axis, -1)}
    more = {k: expr(v) for k, (v, usual) in given.items() if isinstance(v, Expr) or v != usual}
    return a.expr.diff(**more)


@op("Trapezoid", cases=[Case({}, (2, 5)), Case({"dx": 0.5, "axis": 1}, (2, 5, 3))])
def trapezoid(y: Tensor, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    dim = {} if not isinstance(axis, Expr) and axis == -1 else {"dim": expr(axis)}
    if x is not None:
        return call(torch.trapezoid, y.expr, tensor(x).expr, **dim)
    step = {} if is_literal(dx) and dx == 1 else {"dx": expr(dx)}
    return call(torch.trapezoid, y.expr, **step, **dim)
