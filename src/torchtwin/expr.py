"""Pieces of PyTorch source as data.

An expression is built by ordinary Python on `Expr` objects (`x.flatten(1)`, `x + y`) and by
`call(F.relu, x)`. It can be printed as source (see emit) and evaluated on tensors: lowering
runs every piece on the meta device, so that a shape is PyTorch's own answer.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


class Expr:
    """A piece of PyTorch source. Attribute access makes a method call of it, see `Method`."""

    def __getattr__(self, name: str) -> Callable[..., Method]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: Method(self, name, args, kwargs)

    def __getitem__(self, index: Any) -> Item:
        return Item(self, index)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("an expression cannot be unpacked; use unpack()")

    def __neg__(self) -> Unary:
        return Unary("-", self)

    def __invert__(self) -> Unary:
        return Unary("~", self)

    def __add__(self, other: Any) -> Binary:
        return Binary("+", self, other)

    def __radd__(self, other: Any) -> Binary:
        return Binary("+", other, self)

    def __sub__(self, other: Any) -> Binary:
        return Binary("-", self, other)

    def __rsub__(self, other: Any) -> Binary:
        return Binary("-", other, self)

    def __mul__(self, other: Any) -> Binary:
        return Binary("*", self, other)

    def __rmul__(self, other: Any) -> Binary:
        return Binary("*", other, self)

    def __truediv__(self, other: Any) -> Binary:
        return Binary("/", self, other)

    def __rtruediv__(self, other: Any) -> Binary:
        return Binary("/", other, self)

    def __pow__(self, other: Any) -> Binary:
        return Binary("**", self, other)

    def __rpow__(self, other: Any) -> Binary:
        return Binary("**", other, self)

    def __and__(self, other: Any) -> Binary:
        return Binary("&", self, other)

    def __or__(self, other: Any) -> Binary:
        return Binary("|", self, other)

    def __lt__(self, other: Any) -> Binary:
        return Binary("<", self, other)

    def __le__(self, other: Any) -> Binary:
        return Binary("<=", self, other)

    def __gt__(self, other: Any) -> Binary:
        return Binary(">", self, other)

    def __ge__(self, other: Any) -> Binary:
        return Binary(">=", self, other)


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "@": operator.matmul,
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge, "&": operator.and_, "|": operator.or_, "^": operator.xor,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Var(Expr):
    """A value of the graph; the emitter gives it a name."""

    value: str


@dataclass(frozen=True, eq=False)
class Source(Expr):
    """Python source as its author wrote it; `binding` is its precedence, see emit/expressions.

    `number` tells that it is surely a number of Python's, `shape` that it is surely a tuple or
    list of them, `tensors` one of tensors; it may be anything otherwise.
    """

    text: str
    binding: int = 9
    number: bool = False
    shape: bool = False
    tensors: bool = False


@dataclass(frozen=True, eq=False)
class Member(Expr):
    """`self.<attribute>`: a submodule, parameter or buffer."""

    attribute: str

    def __call__(self, *args: Any, **kwargs: Any) -> Invoke:
        return Invoke(self, args, kwargs)


@dataclass(frozen=True, eq=False)
class Invoke(Expr):
    """A call of a submodule."""

    callee: Member
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Call(Expr):
    """A call of a torch function or class, or of one that `torchtwin.nn` defines."""

    function: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Method(Expr):
    """`subject.name(*args, **kwargs)`."""

    subject: Any
    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Field(Expr):
    """`subject.name`, an attribute that is not called."""

    subject: Any
    name: str


@dataclass(frozen=True, eq=False)
class Item(Expr):
    """`subject[index]`; `index` may hold slices, None and expressions."""

    subject: Any
    index: Any


@dataclass(frozen=True, eq=False)
class Binary(Expr):
    symbol: str
    left: Any
    right: Any


@dataclass(frozen=True, eq=False)
class Unary(Expr):
    symbol: str
    operand: Any


@dataclass(frozen=True, eq=False)
class Part(Expr):
    """Element `index` of a tuple that is unpacked in a line of its own.

    `path` leads through nested tuples: an LSTM returns `output, (h, c)`.
    """

    whole: Unpacked
    path: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Unpacked:
    """A tuple-valued expression and the names its parts get; one name for the whole of it."""

    expr: Expr
    names: Any


def unpack(expr: Expr, *names: Any) -> tuple[Any, ...]:
    """Unpack a tuple-valued expression in a statement of its own.

    `names` are suggestions, nested as the tuple is: `unpack(lstm(x), "x", ("h", "c"))`.
    """
    whole = Unpacked(expr, names)

    def parts(names: tuple[Any, ...], path: tuple[int, ...]) -> tuple[Any, ...]:
        return tuple(
            parts(n, (*path, k)) if isinstance(n, tuple) else Part(whole, (*path, k))
            for k, n in enumerate(names)
        )

    return parts(names, ())


def equal(left: Any, right: Any) -> Binary:
    return Binary("==", left, right)


def not_equal(left: Any, right: Any) -> Binary:
    return Binary("!=", left, right)


def shape_of(x: Expr) -> Field:
    """`x.shape`."""
    return Field(x, "shape")


def call(function: Any, *args: Any, **kwargs: Any) -> Call:
    """Return the call, checked against the function's signature, without arguments at defaults.

    Raises TypeError for an argument that the function does not have.
    """
    signature = _signature(function)
    if signature is not None:
        signature.bind(*args, **kwargs)
        defaults = {p.name: p.default for p in signature.parameters.values()}
        kwargs = {k: v for k, v in kwargs.items() if not _same(v, defaults.get(k, ...))}
    return Call(function, args, kwargs)


def _signature(function: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):
        return None  # a builtin of torch: running it on the meta device checks it


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and not isinstance(value, Expr) and bool(value == default)


def children(node: Any) -> Iterator[Any]:
    """Yield the expressions directly inside `node`."""
    match node:
        case Invoke() | Call():
            yield from (*node.args, *node.kwargs.values())
        case Method():
            yield from (node.subject, *node.args, *node.kwargs.values())
        case Field():
            yield node.subject
        case Item():
            yield from (node.subject, node.index)
        case Binary():
            yield from (node.left, node.right)
        case Unary():
            yield node.operand
        case Part():
            yield node.whole.expr
        case tuple() | list():
            yield from node
        case slice():
            yield from (node.start, node.stop, node.step)
        case dict():
            yield from node.values()


def walk(node: Any) -> Iterator[Any]:
    yield node
    for child in children(node):
        yield from walk(child)


def variables(node: Any) -> list[str]:
    """Return the graph values that an expression uses, in order, repeats kept."""
    return [part.value for part in walk(node) if isinstance(part, Var)]
