"""Quantiles, norms, and reductions that leave NaN out."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, call
from torchtwin.nn.statistics import correlation, nan_extreme, nan_place, nan_var, quantile
from torchtwin.ops.operands import is_literal, tensor
from torchtwin.ops.reduce import CASES, dims_of, kept, narrow, reduced
from torchtwin.ops.registry import axes_of, expr, floating, is_floating, op
from torchtwin.rule import Case
from torchtwin.view import Tensor

METHODS = ("linear", "lower", "higher", "midpoint", "nearest")
FEW = [Case({"axis": 1}, (2, 5, 3)), Case({"keepdims": True}, (2, 3))]


def _quantile(scale: float, *, skip_nan: bool) -> Any:
    def operation(
        x: Tensor, q: Any, axis: Any = None, method: Any = "linear", keepdims: Any = False
    ) -> Any:
        if method not in METHODS:
            raise UnsupportedError(f"a quantile with the method {method!r} is not translated")
        if x.known and scale == 1 and not skip_nan:  # in a graph Keras forgets the method
            method = "linear"
        return quantiles(x, _scaled(q, scale), axis, keepdims, method=method, skip_nan=skip_nan)

    return operation


def _scaled(q: Any, scale: float) -> Any:
    if isinstance(q, list | tuple) and all(map(is_literal, q)):
        return [part / scale if scale != 1 else part for part in q]
    if scale == 1 or is_literal(q):
        return q / scale if is_literal(q) and scale != 1 else expr(q)
    return (q if isinstance(q, Expr) else tensor(q).expr) / scale


def quantiles(x: Tensor, q: Any, axis: Any, keepdims: Any, **more: Any) -> Call:
    dims = dims_of(x, axis)
    given = {k: v for k, v in more.items() if v not in (False, "linear")}
    return call(
        quantile, x.expr, q, **({} if dims is None else {"dim": dims}), **kept(keepdims), **given
    )


for _name, _scale in {"Quantile": 1, "Percentile": 100}.items():
    _q = [0.25 * _scale, 0.6 * _scale]
    _cases = [Case({"q": _q[0], "axis": (1,)}, (2, 5, 3)), Case({"q": _q}, (2, 5)),
              Case({"q": _q, "axis": (0, 2), "keepdims": True}, (2, 5, 3))]  # fmt: skip
    op(_name, cases=_cases)(_quantile(_scale, skip_nan=False))
    op(f"Nan{_name.lower()}", cases=_cases[:1])(_quantile(_scale, skip_nan=True))


@op("Median", cases=[*FEW, Case({"axis": (0, 2)}, (2, 5, 3))])
def median(x: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
    """The mean of the middle two where there are two; torch.median takes the lower one."""
    return quantiles(x, 0.5, axis, keepdims)


@op("Nanmedian", cases=FEW)
def nanmedian(x: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
    return quantiles(x, 0.5, axis, keepdims, skip_nan=True)


def _helper(function: Any, **fixed: Any) -> Any:
    def operation(x: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
        dims = dims_of(x, axis)
        given = {} if dims is None else {"dim": dims}
        return call(function, x.expr, **given, **kept(keepdims), **fixed)

    return operation


def _nan_extreme(name: str, **how: Any) -> Any:
    def extreme(x: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
        if not is_floating(x):  # nothing is missing there
            return reduced(x.expr, name, dims_of(x, axis), keepdims)
        return _helper(nan_extreme, **how)(x, axis, keepdims)

    return extreme


op("Nanmax", cases=CASES)(_nan_extreme("amax"))
op("Nanmin", cases=CASES)(_nan_extreme("amin", largest=False))


@op("Nanvar", cases=CASES)
def nanvar(x: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
    number = Tensor(floating(x), x.shape, x.dtype, x.layout, x.known)
    return _helper(nan_var)(number, axis, keepdims)


op("Nanargmax")(_helper(nan_place))
op("Nanargmin")(_helper(nan_place, largest=False))


@op("Nanstd", cases=CASES)
def nanstd(x: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
    return nanvar(x, axis, keepdims).sqrt()


@op("Nanmean", cases=CASES)
def nanmean(x: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
    return reduced(floating(x), "nanmean", dims_of(x, axis), keepdims)


@op("Nansum", cases=CASES)
def nansum(x: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
    return reduced(x.expr, "nansum", dims_of(x, axis), keepdims, **narrow(x))


def _without_nan(x: Tensor, value: float) -> Tensor:
    return Tensor(
        call(torch.where, x.expr.isnan(), value, x.expr), x.shape, x.dtype, x.layout, x.known
    )


@op("Nanprod", cases=CASES)
def nanprod(x: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
    from torchtwin.ops.reduce import prod

    return prod(_without_nan(x, 1.0), axis, keepdims)


def _running(name: str, value: float) -> Any:
    def running(x: Tensor, axis: Any = None, dtype: Any = None) -> Any:
        from torchtwin.ops.registry import OPERATIONS

        return OPERATIONS[name].function(_without_nan(x, value), axis, dtype)

    return running


for _name, _value in {"Cumsum": 0.0, "Cumprod": 1.0}.items():
    op(f"Nan{_name.lower()}", cases=[Case({"axis": 1}, (2, 3))])(_running(_name, _value))


@op("Norm", cases=[Case({}, (2, 3)), Case({"axis": (1, 2), "keepdims": True}, (2, 3, 4)),
                   Case({"ord": "fro", "axis": (0, 1)}, (2, 3))])  # fmt: skip
def norm(x: Tensor, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:  # noqa: A002
    """Of a vector along one axis, of a matrix along two, of all numbers without any."""
    dims = dims_of(x, axis)
    if isinstance(axis, list | tuple):  # the order of a matrix's axes is the program's
        dims = tuple(x.axis(expr(k)) for k in axis)
    given = {"ord": expr(ord), "dim": dims}
    given = {k: v for k, v in given.items() if v is not None}
    return call(torch.linalg.norm, floating(x), **given, **kept(keepdims))


@op("Normalize", cases=[Case({}, (2, 3)), Case({"axis": 1, "order": 3}, (2, 3, 4))])
def normalize(x: Tensor, axis: Any = -1, order: Any = 2, epsilon: Any = None) -> Any:
    """Both divide by at least epsilon (keras/src/ops/nn.py)."""
    if order != 2 and (axis is None or isinstance(axis, list | tuple)):
        raise UnsupportedError("Normalize over several axes by another order than 2")
    eps = 1e-7 if epsilon is None else expr(epsilon)
    p = float(order) if is_literal(order) else expr(order)
    if axis is None and not x.known:
        raise UnsupportedError("Normalize over axes that are not known")
    dim = dims_of(x, axes_of(axis, x.rank) if axis is None else axis)
    return call(F.normalize, floating(x), p=p, dim=dim, eps=eps)


@op("Corrcoef", cases=[Case({}, (4, 3))])
def corrcoef(x: Tensor) -> Any:
    return call(correlation, floating(x))
