"""What stands beside tensors in a program: numbers, lists, and names that may be any of them."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Binary, Call, Expr, Field, Item, Method, Source, Unary, call
from torchtwin.view import Tensor

PYTHON = frozenset([builtins.float, builtins.int, builtins.len, builtins.max, builtins.min,
                    builtins.pow, builtins.round])  # fmt: skip
COUNTS = frozenset(["dim", "numel", "item"])


def is_literal(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def is_number(value: Any) -> bool:
    """Tell whether a value is surely a number of Python's, known now or when the program runs."""
    match value:
        case Source():
            return value.number
        case Item(subject=Field(name="shape"), index=int()) | Field(name="ndim"):
            return True
        case Binary():
            return is_number(value.left) and is_number(value.right)
        case Unary():
            return is_number(value.operand)
        case Method():
            return value.name in COUNTS
        case Call(function=function):
            return function in PYTHON or getattr(function, "__module__", "") == "math"
    return is_literal(value)


def tensor(value: Any) -> Tensor:
    """Return an operand that must be a tensor; what may be a number becomes one."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Source) and value.tensors:
        return unknown(call(torch.stack, value))
    if isinstance(value, Expr):
        return unknown(call(torch.as_tensor, value))
    return unknown(made(value))


def unknown(expr: Expr) -> Tensor:
    return Tensor(expr, (), "", known=False)


def made(value: Any) -> Expr:
    """Return numbers, or lists that may hold tensors, as a tensor."""
    if is_literal(value):
        return call(torch.tensor, value)
    if not isinstance(value, list | tuple):
        raise UnsupportedError(f"{value!r} stands where a tensor is wanted")
    if _plain(value):
        return call(torch.tensor, [*value])
    return call(torch.stack, [tensor(part).expr for part in value])


def _plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    return is_number(value)


def operand(value: Any) -> Any:
    """Return one side of an operator: numbers and names as they are, lists as tensors."""
    if isinstance(value, Tensor):
        return value.expr
    return made(value) if isinstance(value, list | tuple) else value


def of_numbers(name: str, *values: Any) -> Any:
    """Return what a function makes of Python's numbers, None where it is no such call."""
    function = NUMBERS.get(name)
    if function is None or not values or not all(map(is_number, values)):
        return None
    return function(*values)


def _python(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: Call(function, values, {})


NUMBERS: Mapping[str, Callable[..., Any]] = {
    "Absolute": _python(abs), "Abs": _python(abs), "Sqrt": _python(math.sqrt),
    "Exp": _python(math.exp), "Log": _python(math.log), "Log2": _python(math.log2),
    "Log10": _python(math.log10), "Log1p": _python(math.log1p), "Expm1": _python(math.expm1),
    "Sin": _python(math.sin), "Cos": _python(math.cos), "Tan": _python(math.tan),
    "Tanh": _python(math.tanh), "Sinh": _python(math.sinh), "Cosh": _python(math.cosh),
    "Floor": _python(math.floor), "Ceil": _python(math.ceil), "Round": _python(round),
    "Maximum": _python(max), "Minimum": _python(min), "Erf": _python(math.erf),
    "Arctan2": _python(math.atan2), "Arctan": _python(math.atan), "Arcsin": _python(math.asin),
    "Arccos": _python(math.acos), "Deg2rad": _python(math.radians),
    "Rad2deg": _python(math.degrees),
    "Square": lambda x: Binary("**", x, 2), "Rsqrt": lambda x: Binary("**", x, -0.5),
    "Reciprocal": lambda x: Binary("/", 1, x),
}  # fmt: skip
"""Functions of numbers that stay numbers, by the operation's name."""

EITHER: Mapping[str, Callable[[Any], Any]] = {
    "Absolute": _python(abs), "Abs": _python(abs), "Sqrt": lambda x: Binary("**", x, 0.5),
    "Square": lambda x: Binary("**", x, 2), "Rsqrt": lambda x: Binary("**", x, -0.5),
    "Reciprocal": lambda x: Binary("/", 1, x), "Negative": lambda x: Unary("-", x),
}  # fmt: skip
"""How to write a function so that it is right for numbers and tensors."""
