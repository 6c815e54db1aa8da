"""Python's own functions and methods, and numpy's and math's of plain numbers, in a Lambda."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torchtwin.arithmetic import rounded
from torchtwin.bytecode.code import NotUnderstood
from torchtwin.errors import UnsupportedError
from torchtwin.lambdas.evaluate import items
from torchtwin.lambdas.functions import run
from torchtwin.lambdas.operators import binary, shape
from torchtwin.lambdas.special import known_as
from torchtwin.lambdas.values import Value

MOST = 1000
"""The longest range that is written out."""


@known_as("python.len")
def length(_beside: Any, value: Any) -> int:
    if isinstance(value, Value):
        raise UnsupportedError("the length of a tensor is not translated")
    return len(value)


@known_as("python.range")
def range_(_beside: Any, *ends: Any) -> range:
    if not all(isinstance(end, int) for end in ends):
        raise UnsupportedError("a loop over a length that is free")
    result = range(*ends)
    if len(result) > MOST:
        raise UnsupportedError("a loop of too many steps")
    return result


@known_as("python.list", "python.reversed")
def list_(_beside: Any, value: Any = ()) -> list[Any]:
    return items(value)


@known_as("python.tuple")
def tuple_(_beside: Any, value: Any = ()) -> tuple[Any, ...]:
    return tuple(items(value))


@known_as("python.zip")
def zip_(_beside: Any, *values: Any) -> list[Any]:
    return list(zip(*map(items, values), strict=False))


@known_as("python.enumerate")
def enumerate_(_beside: Any, value: Any, start: int = 0) -> list[Any]:
    return list(enumerate(items(value), start))


@known_as("python.sum")
def sum_(_beside: Any, values: Any, start: Any = 0) -> Any:
    total = start
    for value in items(values):
        total = value if isinstance(total, int) and total == 0 else binary(ast.Add(), total, value)
    return total


@known_as("python.abs")
def abs_(_beside: Any, value: Any) -> Any:
    return run("Absolute", (value,), {}) if isinstance(value, Value) else abs(_number(value))


@known_as("python.pow")
def pow_(_beside: Any, base: Any, exponent: Any) -> Any:
    return binary(ast.Pow(), base, exponent)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnsupportedError("a number is made of something else")
    return value


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    def plain(_beside: Any, *values: Any) -> Any:
        flat = [n for v in values for n in (items(v) if isinstance(v, list | tuple) else [v])]
        numbers = [_number(n) for n in flat]
        try:
            return function(*numbers)
        except (ArithmeticError, ValueError) as error:
            raise UnsupportedError(f"a number cannot be computed: {error}") from error

    return plain


NUMBERS: Mapping[str, Callable[..., Any]] = {
    "python.int": int, "python.float": float, "python.max": lambda *a: max(a),
    "python.min": lambda *a: min(a), "python.round": rounded, "math.sqrt": math.sqrt,
    "numpy.sqrt": math.sqrt, "math.log": math.log, "numpy.log": math.log, "math.exp": math.exp,
    "numpy.exp": math.exp, "numpy.prod": lambda *a: math.prod(a), "math.ceil": math.ceil,
    "math.floor": math.floor, "numpy.float32": float, "numpy.float64": float,
    "math.log2": math.log2, "numpy.log2": math.log2, "numpy.sum": lambda *a: sum(a),
    "numpy.int32": int, "numpy.int64": int,
}  # fmt: skip
for _path, _function in NUMBERS.items():
    known_as(_path)(_plain(_function))


def method(subject: Any, word: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what a method of a tensor, of a shape or of a list returns."""
    if isinstance(subject, Value) and word == "get_shape" and not args:
        return shape(subject)
    if isinstance(subject, tuple) and word in ("as_list", "numpy") and not args:
        return list(subject)
    if isinstance(subject, list) and word == "append" and len(args) == 1 and not kwargs:
        subject.append(args[0])
        return None
    if isinstance(subject, dict) and word in ("items", "values", "keys") and not args:
        return list(getattr(subject, word)())
    raise NotUnderstood(f"it calls a method {word}")
