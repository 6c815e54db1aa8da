"""Operators, subscripts and attributes of what a function computes with."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any

import torch

from torchtwin.bytecode.code import NotUnderstood
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Binary, Field, Member, Part, Var, call, walk
from torchtwin.lambdas.values import (
    Length,
    Name,
    Shape,
    Value,
    applied,
    computed,
    length_of,
    negated,
)
from torchtwin.ops.registry import expr, is_floating, load_operations
from torchtwin.view import Tensor

SYMBOLS: Mapping[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
}  # fmt: skip
COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "Less", ast.LtE: "LessEqual", ast.Gt: "Greater", ast.GtE: "GreaterEqual",
    ast.Eq: "Equal", ast.NotEq: "NotEqual",
}  # fmt: skip
CONSTANTS: Mapping[str, Any] = {
    "numpy.pi": math.pi, "math.pi": math.pi, "numpy.e": math.e, "math.e": math.e,
    "numpy.newaxis": None, "tf.newaxis": None, "keras.ops.newaxis": None, "numpy.inf": math.inf,
}  # fmt: skip
DTYPES = frozenset([
    "float16", "float32", "float64", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool",
])  # fmt: skip


def attribute(value: Any, word: str) -> Any:
    """Return an attribute: of a module its member, of a tensor its shape or dtype."""
    if isinstance(value, Name):
        path = f"{value.path}.{word}"
        if path in CONSTANTS:
            return CONSTANTS[path]
        return word if value.path in ("tf", "numpy", "tf.dtypes") and word in DTYPES else Name(path)
    if isinstance(value, Value):
        if word == "shape":
            return shape(value)
        if word in ("ndim", "dtype"):
            return len(value.shape) if word == "ndim" else value.tensor.dtype
        if word == "T" and len(value.shape) == 2:
            return applied(lambda x: x.expr.transpose(0, 1), value)
    if isinstance(value, tuple) and word in ("ndims", "rank"):
        return len(value)
    raise NotUnderstood(f"it uses an attribute {word}")


def shape(value: Value) -> tuple[Any, ...]:
    return tuple(length_of(value, axis) for axis in range(len(value.shape)))


def binary(op: ast.operator, left: Any, right: Any, *, old_division: bool = False) -> Any:
    symbol = SYMBOLS.get(type(op))
    if symbol is None:
        raise NotUnderstood("it shifts bits")
    if isinstance(left, Value) or isinstance(right, Value):
        return _of_tensors(symbol, left, right)
    if isinstance(left, Shape) or isinstance(right, Shape):
        return _of_shapes(symbol, left, right)
    if symbol == "+" and isinstance(left, list | tuple) and type(left) is type(right):
        return type(left)([*left, *right])
    if symbol == "*" and isinstance(left, list | tuple) and isinstance(right, int):
        return computed(symbol, left, right)
    if not all(isinstance(v, int | float | Length) for v in (left, right)):
        raise UnsupportedError(f"{symbol} of these values is not translated")
    whole = all(isinstance(v, int | Length) for v in (left, right))
    try:
        return computed("//" if old_division and whole else symbol, left, right)
    except (ArithmeticError, KeyError) as error:
        raise UnsupportedError(f"{symbol} of these values is not translated") from error


def _of_tensors(symbol: str, left: Any, right: Any) -> Any:
    left, right = as_operand(left, right), as_operand(right, left)
    if symbol == "@":
        return applied(load_operations()["Matmul"].function, left, right)
    if symbol == "/" and not any(_is_float(v) for v in (left, right)):
        # TensorFlow gives float64, JAX float32
        raise UnsupportedError("a division of whole numbers is not translated")

    def operator(a: Any, b: Any) -> Any:
        return Binary(symbol, expr(a), expr(b))

    return applied(operator, left, right)


def _is_float(value: Any) -> bool:
    return is_floating(value.tensor if isinstance(value, Value) else value)


def as_operand(value: Any, beside: Any) -> Any:
    """Return a plain list beside a tensor as a tensor of its kind."""
    if isinstance(value, Value | Length | int | float):
        return value
    if isinstance(value, list | tuple) and isinstance(beside, Value) and value:
        return constant(value, beside, beside.tensor.dtype)
    raise UnsupportedError("an operand that is neither a tensor nor a number")


def constant(values: Any, beside: Value, dtype: str) -> Value:
    """Return a tensor of plain numbers, where another one lies."""
    given = _lists(values)

    def made(x: Tensor) -> Any:
        more = {} if dtype == "float32" and _has_float(given) else {"dtype": getattr(torch, dtype)}
        near = next(part for part in walk(x.expr) if isinstance(part, Var | Part | Member))
        return call(torch.tensor, given, **more, device=Field(near, "device"))

    result: Value = applied(made, beside)
    return result


def _has_float(values: Any) -> bool:
    return any(map(_has_float, values)) if isinstance(values, list) else isinstance(values, float)


def _lists(values: Any) -> Any:
    if isinstance(values, list | tuple):
        return [_lists(v) for v in values]
    if not isinstance(values, int | float):
        raise UnsupportedError("a tensor made of what is no number")
    return values


def _of_shapes(symbol: str, left: Any, right: Any) -> Shape:
    """`tf.shape(x)[1:3] * 2`: TensorFlow's shapes are tensors."""
    count = len(left if isinstance(left, Shape) else right)
    sides = [v if isinstance(v, tuple | list) else (v,) * count for v in (left, right)]
    if len(sides[0]) != len(sides[1]):
        raise UnsupportedError("shapes of different lengths")
    return Shape(computed(symbol, a, b) for a, b in zip(*sides, strict=True))


def unary(op: ast.unaryop, value: Any) -> Any:
    match op:
        case ast.Not():
            return not truth(value)
        case ast.UAdd():
            return value
        case ast.USub() if isinstance(value, Value):
            return applied(lambda x: -x.expr, value)
        case ast.USub() if isinstance(value, int | float | Length):
            return negated(value)
        case ast.Invert() if isinstance(value, Value) and value.tensor.dtype == "bool":
            return applied(lambda x: ~x.expr, value)
    raise UnsupportedError("an operator that does not fit its value")


def compare(op: ast.cmpop, left: Any, right: Any) -> Any:
    match op:
        case ast.Is() | ast.IsNot():
            if isinstance(left, Length) or (left is not None and right is not None):
                raise UnsupportedError("`is` of two values is not translated")
            return (left is right) is isinstance(op, ast.Is)
        case ast.In() | ast.NotIn():
            plain = isinstance(right, list | tuple | dict | str) and isinstance(left, int | str)
            if not plain:
                raise UnsupportedError("`in` of these values is not translated")
            return (left in right) is isinstance(op, ast.In)
    if isinstance(left, Value) or isinstance(right, Value):
        left, right = as_operand(left, right), as_operand(right, left)
        return applied(load_operations()[COMPARISONS[type(op)]].function, left, right)
    if _has_length(left) or _has_length(right):
        raise UnsupportedError("a condition on a length that is free")
    try:
        return _PLAIN[type(op)](left, right)
    except TypeError as error:
        raise UnsupportedError("a comparison of values of different kinds") from error


_PLAIN: Mapping[type[ast.cmpop], Any] = {
    ast.Lt: lambda a, b: a < b, ast.LtE: lambda a, b: a <= b, ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b, ast.Eq: lambda a, b: a == b, ast.NotEq: lambda a, b: a != b,
}  # fmt: skip


def _has_length(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_length, value))
    return isinstance(value, Length | Name)


def truth(value: Any) -> bool:
    """Return whether a condition holds; one that depends on a tensor's values is refused."""
    if isinstance(value, Value | Length | Name):
        raise UnsupportedError("a condition on the values of a tensor")
    return bool(value)


def subscript(value: Any, index: Any) -> Any:
    if isinstance(value, Value):
        return _item(value, index)
    if isinstance(value, dict) and isinstance(index, str | int) and index in value:
        return value[index]
    if isinstance(value, list | tuple | range) and isinstance(index, int | slice):
        try:
            part = value[index]
        except (IndexError, TypeError) as error:
            raise UnsupportedError("an index beyond the end") from error
        return Shape(part) if isinstance(value, Shape) and isinstance(part, tuple) else part
    raise UnsupportedError("a subscript of what has no parts")


def _item(value: Value, index: Any) -> Any:
    parts = index if isinstance(index, tuple) else (index,)
    for part in parts:
        whole = isinstance(part, int | Length | slice | None) or part is ...
        if isinstance(part, bool) or not whole:
            # TensorFlow and JAX differ in what a tensor or a list means there
            raise UnsupportedError("an index that is no number and no slice")
        ends = (part.start, part.stop, part.step) if isinstance(part, slice) else ()
        if not all(isinstance(end, int | Length | None) for end in ends):
            raise UnsupportedError("a slice whose ends are no numbers")
    value, parts = _turned(value, tuple(parts))
    if all(part == slice(None) or part is ... for part in parts):
        return value
    return applied(load_operations()["GetItem"].function, value, parts)


def _turned(value: Value, parts: tuple[Any, ...]) -> tuple[Value, tuple[Any, ...]]:
    """Return a tensor with the axes turned round that are taken backwards, `x[..., ::-1]`."""
    backwards = []
    for k, part in enumerate(parts):
        if part == slice(None, None, -1):
            last = ... in parts[:k]
            others = parts[k + 1 :] if last else parts[:k]
            count = sum(other is not None for other in others)
            backwards.append(-1 - count if last else count)
    if not backwards:
        return value, parts
    whole = tuple(slice(None) if part == slice(None, None, -1) else part for part in parts)
    return applied(lambda x: x.expr.flip(*backwards), value), whole
