"""What the names of a function stand for while it is evaluated: tensors, lengths, plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from torchtwin.arithmetic import TooLarge, check
from torchtwin.errors import UnsupportedError
from torchtwin.evaluate import evaluate, shapes_only
from torchtwin.expr import Binary, Expr, Field, Item, Member, Part, Unary, Unpacked, Var
from torchtwin.view import Tensor

LONGEST = 5000
"""Operations behind a tensor at most, those of a variable counted at each use: whoever walks
through an expression comes by them all."""
RUNS = (0, 1)
"""Everything is run twice on the meta device: what differs between the runs is free."""


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor: its expression, what it is in the two runs, and how long the expression is."""

    tensor: Tensor
    runs: tuple[torch.Tensor, torch.Tensor]
    size: int = 1

    @property
    def shape(self) -> tuple[int | None, ...]:
        return self.tensor.shape

    @property
    def sizes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(run.shape) for run in self.runs)


@dataclass(frozen=True, eq=False)
class Length:
    """The length of an axis that is free, or a number computed from such."""

    expr: Expr
    runs: tuple[int, int]


@dataclass(frozen=True)
class Name:
    """A module or function of Keras, TensorFlow, numpy or Python, by its canonical name."""

    path: str


class Shape(tuple[Any, ...]):
    """The lengths of a tensor's axes as TensorFlow gives them: a tensor of whole numbers."""

    __slots__ = ()


def value_of(expr: Expr, runs: tuple[torch.Tensor, torch.Tensor]) -> Value:
    """Return the tensor with this expression; lengths in which the runs differ are free."""
    first, second = runs
    if first.dim() != second.dim():
        raise UnsupportedError("a tensor whose number of axes depends on its lengths")
    shape = tuple(a if a == b else None for a, b in zip(first.shape, second.shape, strict=True))
    return Value(Tensor(expr, shape, str(first.dtype).removeprefix("torch.")), runs)


def length_of(value: Value, axis: int) -> int | Length:
    """Return the length of an axis: a number where it is known."""
    size = value.shape[axis]
    if size is not None:
        return size
    first, second = (int(run.shape[axis]) for run in value.runs)
    return Length(Item(Field(value.tensor.expr, "shape"), axis), (first, second))


def applied(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what a function of tensors and plain values, which gives an expression, makes."""
    found = []
    for k in RUNS:
        given: dict[str, Any] = {}
        expr = function(*_stand_in(args, k, given), **_stand_in(kwargs, k, given))
        with shapes_only():
            found.append(evaluate(expr, given, {}))
    size = 1 + sum(_sizes((args, kwargs)))
    if size > LONGEST:
        raise UnsupportedError("an expression that is too long")
    return _wrapped(function(*_real(args), **_real(kwargs)), found[0], found[1], size)


def _sizes(node: Any) -> Iterator[int]:
    match node:
        case Value():
            yield node.size
        case tuple() | list():
            for part in node:
                yield from _sizes(part)
        case dict():
            yield from _sizes(list(node.values()))


def _stand_in(node: Any, k: int, given: dict[str, Any]) -> Any:
    """Return arguments with tensors as variables, for which `given` holds what one run has."""
    match node:
        case Value():
            word = f"v{len(given)}"
            given[word] = node.runs[k]
            sizes = tuple(node.runs[k].shape)
            shape = tuple(
                n if m is not None else None for n, m in zip(sizes, node.shape, strict=True)
            )
            return replace(node.tensor, expr=Var(word), shape=shape)
        case Length():
            return node.runs[k]
        case tuple() | list():
            return type(node)(_stand_in(part, k, given) for part in node)
        case dict():
            return {key: _stand_in(part, k, given) for key, part in node.items()}
        case slice():
            parts = (node.start, node.stop, node.step)
            return slice(*(_stand_in(part, k, given) for part in parts))
    return node


def _real(node: Any) -> Any:
    match node:
        case Value():
            return node.tensor
        case Length():
            return node.expr
        case tuple() | list():
            return type(node)(map(_real, node))
        case dict():
            return {key: _real(part) for key, part in node.items()}
        case slice():
            return slice(_real(node.start), _real(node.stop), _real(node.step))
    return node


def _wrapped(expr: Any, first: Any, second: Any, size: int) -> Any:
    if isinstance(first, torch.Tensor):
        return replace(value_of(expr, (first, second)), size=size)
    if isinstance(first, tuple | list):
        return [_wrapped(e, a, b, size) for e, a, b in zip(expr, first, second, strict=True)]
    raise UnsupportedError("an operation that gives no tensor")


def named(value: Any, word: str) -> Any:
    """Return a tensor that is computed in a line of its own, under this name."""
    if not isinstance(value, Value) or isinstance(value.tensor.expr, Var | Part | Member):
        return value
    part = Part(Unpacked(value.tensor.expr, word), ())
    return replace(value, tensor=replace(value.tensor, expr=part))


def unpacked(values: list[Any], words: list[str]) -> list[Any]:
    """Return the parts of one tuple of tensors as parts that are unpacked in one line."""
    exprs = [value.tensor.expr if isinstance(value, Value) else None for value in values]
    subjects = {id(e.subject) for k, e in enumerate(exprs) if isinstance(e, Item) and e.index == k}
    if len(subjects) != 1 or not all(
        isinstance(e, Item) and e.index == k for k, e in enumerate(exprs)
    ):
        return values
    first = exprs[0]
    assert isinstance(first, Item)
    if isinstance(first.subject, Var | Part):
        return values  # a tensor that is taken apart along its first axis
    whole = Unpacked(first.subject, tuple(words))
    return [
        replace(value, tensor=replace(value.tensor, expr=Part(whole, (k,))))
        for k, value in enumerate(values)
    ]


def last(value: Value) -> Expr:
    """Return the expression of a result; what has a line of its own there needs no name."""
    expr = value.tensor.expr
    whole = isinstance(expr, Part) and expr.path == ()
    return expr.whole.expr if whole and isinstance(expr, Part) else expr


NUMBERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "//": lambda a, b: a // b, "%": lambda a, b: a % b, "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
}  # fmt: skip


def computed(symbol: str, left: Any, right: Any) -> Any:
    """Return what an operator makes of lengths and plain values."""
    if isinstance(left, Length) or isinstance(right, Length):
        pairs = [(_at(left, k), _at(right, k)) for k in RUNS]
        if not all(isinstance(v, int) for pair in pairs for v in pair):
            raise UnsupportedError(f"{symbol} of a length and something else is not translated")
        if symbol in ("/", "**"):
            raise UnsupportedError("a fraction of a free length is not translated")
        runs = tuple(NUMBERS[symbol](a, b) for a, b in pairs)
        return Length(Binary(symbol, _real(left), _real(right)), (runs[0], runs[1]))
    try:
        check(symbol, left, right)
    except TooLarge as error:
        raise UnsupportedError(str(error)) from None
    return NUMBERS[symbol](left, right)


def _at(value: Any, k: int) -> Any:
    return value.runs[k] if isinstance(value, Length) else value


def negated(value: Any) -> Any:
    if isinstance(value, Length):
        return Length(Unary("-", value.expr), (-value.runs[0], -value.runs[1]))
    return -value
