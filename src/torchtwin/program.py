"""The PyTorch side: expressions, statements and classes, as data.

An expression is built by ordinary Python on `Expr` objects (`x.flatten(1)`, `x + y`) and by
`call(F.relu, x)`. It can be printed as source (see emit) and evaluated on tensors: lowering
runs every piece on the meta device, so that a shape is PyTorch's own answer.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torchtwin.notation import Notation


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


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "@": operator.matmul,
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge, "&": operator.and_, "|": operator.or_, "^": operator.xor,
}  # fmt: skip


def _add_operators() -> None:
    names = {
        "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod",
        "**": "pow", "@": "matmul", "&": "and", "|": "or", "^": "xor",
    }  # fmt: skip
    for symbol, name in names.items():
        setattr(Expr, f"__{name}__", lambda a, b, s=symbol: Binary(s, a, b))
        setattr(Expr, f"__r{name}__", lambda a, b, s=symbol: Binary(s, b, a))
    for symbol, name in {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}.items():
        setattr(Expr, f"__{name}__", lambda a, b, s=symbol: Binary(s, a, b))


_add_operators()


@dataclass(frozen=True, eq=False)
class Var(Expr):
    """A value of the graph; the emitter gives it a name."""

    value: str


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
    """A tuple-valued expression and the names its parts get."""

    expr: Expr
    names: tuple[Any, ...]


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


@dataclass(frozen=True)
class Submodule:
    """`self.<attribute> = <constructor>`: `layer` is the Keras layer's path.

    `program` is the class of a nested model; `frozen` lists what gets no gradient:
    "" for the whole submodule, otherwise names of its parameters.
    """

    attribute: str
    constructor: Call | Class
    layer: str
    class_name: str
    weights: Mapping[str, Notation] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()
    comment: str = ""
    untrained: tuple[str, ...] = ()


@dataclass(frozen=True)
class Statement:
    """`<value> = <expr>  # (B, 32, 28, 28)`; `shape` is the physical one, None where unknown."""

    value: str
    expr: Expr
    layer: str
    shape: tuple[int | None, ...] | None = None
    layout: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Argument:
    """An input of `forward`, or an output: its graph value, name, shape (physical) and layout.

    `layout` gives, for each physical axis, the Keras axis that it holds; None is Keras's order.
    """

    value: str
    name: str
    shape: tuple[int | None, ...]
    dtype: str
    layout: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class Class:
    """An `nn.Module` class: the whole model or a nested one."""

    name: str
    doc: str
    submodules: tuple[Submodule, ...]
    inputs: tuple[Argument, ...]
    statements: tuple[Statement, ...]
    outputs: tuple[Argument, ...]

    def weights(self, prefix: str = "") -> Iterator[tuple[str, str, Notation]]:
        """Yield (parameter, path of the Keras layer, notation) for everything that is filled."""
        for sub in self.submodules:
            if isinstance(sub.constructor, Class):
                yield from sub.constructor.weights(f"{prefix}{sub.attribute}.")
                continue
            for parameter, notation in sub.weights.items():
                yield f"{prefix}{sub.attribute}.{parameter}", sub.layer, notation

    def classes(self) -> Iterator[Class]:
        """Yield the nested classes, innermost first, then this one."""
        for sub in self.submodules:
            if isinstance(sub.constructor, Class):
                yield from sub.constructor.classes()
        yield self
