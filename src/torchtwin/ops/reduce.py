"""Operations that reduce axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.ops.registry import ANY, axes_of, boolean, floating, is_floating, op
from torchtwin.rule import Case
from torchtwin.view import Tensor

CASES = [
    Case({"axis": -1}, (2, 3, 4)),
    Case({"axis": (1, 2), "keepdims": True}, (2, 3, 4, 5), "axes kept"),
    Case({"axis": (1, 2)}, (2, 3, 4, 5), "of an image"),
]


def reduced_layout(config: Mapping[str, Any], rank: int) -> Any:
    """Return ANY where what is left has one order only."""
    axis = config.get("axis", ...)
    if axis is ...:
        return None
    left = rank - len(axes_of(axis, rank)) - (0 not in axes_of(axis, rank))
    return ANY if config.get("keepdims") or left <= 1 else None


def _dims(x: Tensor, axis: Any) -> Any:
    dims = tuple(sorted(x.axis(k) for k in axes_of(axis, x.rank)))
    return dims[0] if len(dims) == 1 else dims


def _method(name: str, convert: Callable[[Tensor], Any], **more: Any) -> Any:
    def reduction(x: Tensor, axis: Any = None, keepdims: bool = False) -> Any:
        keep = {"keepdim": True} if keepdims else {}
        return getattr(convert(x), name)(_dims(x, axis), **more, **keep)

    return reduction


for _name, _torch in {"Max": "amax", "Min": "amin"}.items():

    def _extreme(
        x: Tensor,
        axis: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        *,
        name: str = _torch,
    ) -> Any:
        if initial is not None:
            raise UnsupportedError("a reduction with an initial value is not translated")
        return _method(name, lambda t: t.expr)(x, axis, keepdims)

    op(_name, layout=reduced_layout, cases=CASES)(_extreme)
    op(f"A{_name.lower()}", layout=reduced_layout, cases=CASES)(_extreme)
op("Mean", layout=reduced_layout, cases=CASES)(_method("mean", floating))
op("Logsumexp", layout=reduced_layout, cases=CASES)(_method("logsumexp", floating))
op("Any", layout=reduced_layout, cases=[Case({"axis": -1}, (2, 3), inputs="int:2")])(
    _method("any", boolean)
)
op("All", layout=reduced_layout, cases=[Case({"axis": -1}, (2, 3), inputs="int:2")])(
    _method("all", boolean)
)
op("Std", layout=reduced_layout, cases=CASES)(_method("std", floating, correction=0))
op("Var", layout=reduced_layout, cases=CASES)(_method("var", floating, correction=0))


@op("Sum", layout=reduced_layout, cases=CASES)
def sum_(x: Tensor, axis: Any = None, keepdims: bool = False) -> Any:
    # PyTorch would make 64-bit integers of a sum of small ones.
    narrow = {} if is_floating(x) or x.dtype == "int64" else {"dtype": torch.int32}
    return _method("sum", lambda t: t.expr, **narrow)(x, axis, keepdims)


@op("Prod", layout=reduced_layout, cases=[Case({"axis": -1}, (2, 3, 4))])
def prod(x: Tensor, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    if dtype is not None or not is_floating(x):
        raise UnsupportedError("a product of integers is not translated")
    result = x.expr
    for dim in sorted((x.axis(k) for k in axes_of(axis, x.rank)), reverse=True):
        result = result.prod(dim, **({"keepdim": True} if keepdims else {}))
    return result


@op("CountNonzero", layout=reduced_layout, cases=[Case({"axis": -1}, (2, 3), inputs="int:2")])
def count_nonzero(x: Tensor, axis: Any = None) -> Any:
    return x.expr.count_nonzero(_dims(x, axis)).int()


def _position(name: str) -> Any:
    def position(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Any:
        if axis is None:
            return getattr(x.expr.flatten(), name)(0).int()
        return getattr(x.expr, name)(x.axis(axis), **({"keepdim": True} if keepdims else {})).int()

    return position


# Keras counts in 32 bits; in the tests JAX has 64, so that there are no cases.
op("Argmax")(_position("argmax"))
op("Argmin")(_position("argmin"))


def _running(name: str) -> Any:
    def running(x: Tensor, axis: int | None = None, dtype: Any = None) -> Any:
        if dtype is not None or axis is None or not is_floating(x):
            raise UnsupportedError(f"{name} of integers or of all axes is not translated")
        return getattr(x.expr, name)(x.axis(axis))

    return running


op("Cumsum", layout=ANY, cases=[Case({"axis": 1}, (2, 3, 4))])(_running("cumsum"))
op("Cumprod", layout=ANY, cases=[Case({"axis": 1}, (2, 3, 4))])(_running("cumprod"))
