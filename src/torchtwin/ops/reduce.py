"""Operations that reduce axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, Field, call, not_equal
from torchtwin.nn.reduce import prod_over
from torchtwin.nn.statistics import average_over
from torchtwin.ops.operands import is_literal, operand, tensor
from torchtwin.ops.registry import ANY, axes_of, boolean, expr, floating, is_floating, op
from torchtwin.rule import Case
from torchtwin.view import Tensor

CASES = [
    Case({"axis": -1}, (2, 3, 4)),
    Case({"axis": (1, 2), "keepdims": True}, (2, 3, 4, 5), "axes kept"),
    Case({"axis": (1, 2)}, (2, 3, 4, 5), "of an image"),
]
ALL = [*CASES, Case({}, (2, 3)), Case({"keepdims": True}, (2, 3))]
TRUTH = [Case({"axis": -1}, (2, 3), inputs="int:2"), Case({}, (2, 3), inputs="int:2")]


def reduced_layout(config: Mapping[str, Any], rank: int) -> Any:
    """Return ANY where what is left has one order only."""
    axis = config.get("axis", ...)
    if axis is ...:
        return None
    left = rank - len(axes_of(axis, rank)) - (0 not in axes_of(axis, rank))
    return ANY if config.get("keepdims") or left <= 1 else None


def dims_of(x: Tensor, axis: Any) -> Any:
    """Return where Keras's axes lie: None for all of them, a number for one.

    Axes that a program computes stay its own expression.
    """
    if axis is None or isinstance(axis, Expr):
        return axis
    if isinstance(axis, list | tuple) and any(isinstance(k, Expr | Tensor) for k in axis):
        return tuple(map(expr, axis))
    axes = tuple(axis) if isinstance(axis, list | tuple) else (axis,)
    if not all(isinstance(k, int) for k in axes):
        raise UnsupportedError(f"axis {axis!r} is no whole number")
    if x.known:
        axes = tuple(sorted(x.axis(k) for k in axes_of(axes, x.rank)))
    return axes[0] if len(axes) == 1 else axes


def kept(keepdims: Any) -> dict[str, Any]:
    return {"keepdim": expr(keepdims)} if keepdims else {}


def reduced(x: Any, name: str, dims: Any, keepdims: Any = False, **more: Any) -> Any:
    """Return a call of a method that takes several axes; `dims` is as `dims_of` gives it."""
    if dims == ():  # Keras reduces nothing, PyTorch everything
        if name in ("std", "var"):
            return call(torch.zeros_like, x)
        if name not in ("amax", "amin", "sum", "mean", "logsumexp", "any", "all"):
            raise UnsupportedError("a reduction of no axes is not translated")
        return x.to(more["dtype"]) if more else x
    if dims is not None:
        return getattr(x, name)(dims, **more, **kept(keepdims))
    if name == "logsumexp":  # which wants axes; its backward fails for ()
        everything = Call(tuple, (Call(range, (Field(x, "ndim"),), {}),), {})
        return x.logsumexp(everything, **kept(keepdims)) if keepdims else x.flatten().logsumexp(0)
    if not keepdims:
        return getattr(x, name)(**more)
    return getattr(x, name)(() if name in ("amax", "amin") else None, **more, **kept(keepdims))


def _reduction(name: str, convert: Callable[[Tensor], Any], **more: Any) -> Any:
    def reduction(x: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
        return reduced(convert(x), name, dims_of(x, axis), keepdims, **more)

    return reduction


def _extreme(name: str, combine: str) -> Any:
    def extreme(x: Tensor, axis: Any = None, keepdims: Any = False, initial: Any = None) -> Any:
        result = reduced(expr(x), name, dims_of(x, axis), keepdims)
        return result if initial is None else result.clamp(**{combine: operand(initial)})

    return extreme


for _name, _torch, _bound in (("Max", "amax", "min"), ("Min", "amin", "max")):
    _made = _extreme(_torch, _bound)
    op(_name, layout=reduced_layout, cases=[*ALL, Case({"initial": 0.1}, (2, 3))])(_made)
    op(f"A{_name.lower()}", layout=reduced_layout, cases=CASES)(_made)
op("Mean", layout=reduced_layout, cases=ALL)(_reduction("mean", floating))
op("Logsumexp", layout=reduced_layout, cases=ALL)(_reduction("logsumexp", floating))
op("Any", layout=reduced_layout, cases=TRUTH)(_reduction("any", boolean))
op("All", layout=reduced_layout, cases=TRUTH)(_reduction("all", boolean))
op("Std", layout=reduced_layout, cases=ALL)(_reduction("std", floating, correction=0))
op("Var", layout=reduced_layout, cases=ALL)(_reduction("var", floating, correction=0))


def narrow(x: Tensor) -> dict[str, Any]:
    """Return the dtype of sums: PyTorch would make 64-bit integers of a sum of small ones."""
    return {} if is_floating(x) or x.dtype in ("int64", "uint32") else {"dtype": torch.int32}


@op("Sum", layout=reduced_layout, cases=ALL)
def sum_(x: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
    return reduced(x.expr, "sum", dims_of(x, axis), keepdims, **narrow(x))


@op("Prod", layout=reduced_layout, cases=ALL)
def prod(x: Any, axis: Any = None, keepdims: Any = False, dtype: Any = None) -> Any:
    lengths = isinstance(x, list | tuple) and all(is_literal(n) or isinstance(n, Expr) for n in x)
    shape = isinstance(x, Field) and x.name == "shape"
    if (lengths or shape) and axis is None and not keepdims and dtype is None:
        return Call(math.prod, (x,), {})  # of a shape, which is a tuple in PyTorch
    x = tensor(x)
    more = _dtype(dtype) or narrow(x)
    dims = dims_of(x, axis)
    if dims is None and not keepdims:
        return x.expr.prod(**more)
    if isinstance(dims, int):
        return x.expr.prod(dims, **more, **kept(keepdims))
    result = call(prod_over, x.expr, dims, **({"keepdim": True} if keepdims else {}))
    return result.to(more["dtype"]) if more else result


def _dtype(name: Any) -> dict[str, Any]:
    if name is None:
        return {}
    return {"dtype": name if isinstance(name, Expr) else getattr(torch, str(name))}


@op("CountNonzero", layout=reduced_layout,
    cases=[Case({"axis": -1}, (2, 3), inputs="int:2"), Case({}, (2, 3), inputs="int:2"),
           Case({"axis": (0, 1)}, (2, 3, 4), inputs="int:2")])  # fmt: skip
def count_nonzero(x: Tensor, axis: Any = None) -> Any:
    dims = dims_of(x, axis)
    if dims == ():
        return not_equal(x.expr, 0).int()
    return (x.expr.count_nonzero() if dims is None else x.expr.count_nonzero(dims)).int()


@op("Ptp", cases=CASES)
def ptp(x: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
    dims = dims_of(x, axis)
    highest, lowest = (reduced(x.expr, name, dims, keepdims) for name in ("amax", "amin"))
    return highest - lowest


def running_layout(config: Mapping[str, Any], rank: int) -> Any:  # noqa: ARG001
    """Return ANY where an axis is given: all of them are taken in Keras's order."""
    return None if config.get("axis") is None else ANY


def _running(name: str) -> Any:
    def running(x: Tensor, axis: Any = None, dtype: Any = None) -> Any:
        more = _dtype(dtype) or narrow(x)
        if axis is None:
            return getattr(x.expr.flatten(), name)(0, **more)
        return getattr(x.expr, name)(x.axis(expr(axis)), **more)

    return running


for _name in ("Cumsum", "Cumprod"):
    op(_name, layout=running_layout,
       cases=[Case({"axis": 1}, (2, 3, 4)), Case({}, (2, 3)),
              Case({"axis": 1}, (2, 3), inputs="int:4")])(_running(_name.lower()))  # fmt: skip


@op("Average", cases=[Case({"axis": 1}, (2, 3, 4)), Case({}, (2, 3))])
def average(x: Tensor, weights: Any = None, axis: Any = None) -> Any:
    dims = dims_of(x, axis)
    if weights is None:
        return reduced(floating(x), "mean", dims)
    more = {} if dims is None else {"dim": dims}
    return call(average_over, floating(x), tensor(weights).expr, **more)


@op("Moments", cases=[Case({"axes": -1}, (2, 3, 4)), Case({"axes": [0, 1]}, (4, 3, 2)),
                      Case({"axes": [1], "keepdims": True}, (4, 3, 2))])  # fmt: skip
def moments(x: Tensor, axes: Any, keepdims: Any = False, synchronized: Any = False) -> Any:
    if synchronized:
        raise UnsupportedError("Moments(synchronized=True) is not translated")
    dims = dims_of(x, axes)
    mean = reduced(floating(x), "mean", dims, keepdims)
    return mean, reduced(floating(x), "var", dims, keepdims, correction=0)
