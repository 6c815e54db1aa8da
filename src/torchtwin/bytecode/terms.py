"""What lies on the stack of the machine that reads bytecode: Python expressions, and markers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torchtwin.bytecode.code import Code, Implausible, NotUnderstood

LARGEST, DEEPEST = 4000, 150
"""How many nodes an expression has at most, and how deep they nest."""


@dataclass(frozen=True, eq=False)
class Term:
    """An expression on the stack, its size and its depth: copies of copies grow fast."""

    node: ast.expr
    size: int = 1
    depth: int = 1


@dataclass(frozen=True, eq=False)
class Null:
    """The empty place beside a function that is called."""


@dataclass(frozen=True, eq=False)
class Module:
    """An imported module, or a name taken from one, until it is stored."""

    path: str
    names: tuple[str, ...] | None
    taken: str = ""
    level: int = 0


@dataclass(frozen=True, eq=False)
class Iterator:
    """What a `for` runs over."""

    over: Term


@dataclass(frozen=True, eq=False)
class Inner:
    """The code of an inner function, before one is made of it."""

    code: Code


@dataclass(frozen=True, eq=False)
class Function:
    """An inner function: a lambda, one with a name, or what a comprehension is made of."""

    name: str
    arguments: ast.arguments
    body: list[ast.stmt]


@dataclass(eq=False)
class Target:
    """A place to be stored to: of a loop, or a part of what is unpacked."""

    put: Callable[[ast.expr], None]


@dataclass(frozen=True, eq=False)
class Saved:
    """A variable's value from before a comprehension that uses its name."""


@dataclass(frozen=True, eq=False)
class Gathered:
    """What a comprehension put into the list, set or dict at `entry`, in these loops."""

    entry: Entry
    node: ast.ListComp | ast.SetComp | ast.DictComp


Entry = Term | Null | Module | Iterator | Inner | Function | Target | Saved

NULL = Null()


@dataclass(eq=False)
class State:
    """The stack, the statements so far, and the names of the next call's keywords."""

    stack: list[Entry] = field(default_factory=list)
    statements: list[ast.stmt] = field(default_factory=list)
    keywords: tuple[str, ...] = ()
    gathered: Gathered | None = None

    def fork(self) -> State:
        return State(list(self.stack), [])

    def push(self, entry: Entry) -> None:
        self.stack.append(entry)

    def pop(self) -> Entry:
        if not self.stack:
            raise Implausible("more taken from the stack than lies there")
        return self.stack.pop()

    def term(self) -> Term:
        return as_term(self.pop())

    def terms(self, count: int) -> list[Term]:
        if count > len(self.stack):
            raise Implausible("more taken from the stack than lies there")
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return [as_term(entry) for entry in taken]

    def peek(self, depth: int = 1) -> Entry:
        if not 1 <= depth <= len(self.stack):
            raise Implausible("deeper than the stack")
        return self.stack[-depth]

    def reads(self, name: str) -> bool:
        """Tell whether anything on the stack still has to read a variable."""
        return any(
            isinstance(node, ast.Name) and node.id == name
            for entry in self.stack
            if (term := entry if isinstance(entry, Term) else getattr(entry, "over", None))
            for node in ast.walk(term.node)
        )


def as_term(entry: Entry) -> Term:
    if isinstance(entry, Function) and entry.name == "<lambda>":
        return lambda_of(entry)
    if not isinstance(entry, Term):
        raise NotUnderstood(f"{type(entry).__name__.lower()} used as a value")
    return entry


def lambda_of(function: Function) -> Term:
    """Return an inner lambda as an expression."""
    match function.body:
        case [ast.Return(value=ast.expr() as value)]:
            return made(ast.Lambda(function.arguments, value), [size_of(value)])
    raise NotUnderstood("an inner function of several statements used as a value")


def size_of(node: ast.AST) -> Term:
    """Return any node as a term, measured."""

    def depth(part: ast.AST) -> int:
        return 1 + max(map(depth, ast.iter_child_nodes(part)), default=0)

    value = node if isinstance(node, ast.expr) else ast.Constant(None)
    return Term(value, sum(1 for _ in ast.walk(node)), depth(node))


def made(node: ast.expr, parts: Iterable[Term] = ()) -> Term:
    """Return a term of `parts`; refuse one that has grown beyond measure."""
    parts = list(parts)
    size = 1 + sum(part.size for part in parts)
    depth = 1 + max((part.depth for part in parts), default=0)
    if size > LARGEST or depth > DEEPEST:
        raise NotUnderstood("an expression that is too large")
    return Term(node, size, depth)


def name(word: str) -> Term:
    return Term(ast.Name(word, ast.Load()))


def constant(value: Any) -> Term:
    """Return a literal; tuples and slices among the constants are written out."""
    if isinstance(value, tuple):
        parts = [constant(part) for part in value]
        return made(ast.Tuple([p.node for p in parts], ast.Load()), parts)
    if isinstance(value, slice):
        ends = [None if v is None else constant(v) for v in (value.start, value.stop, value.step)]
        nodes = [None if end is None else end.node for end in ends]
        return made(ast.Slice(*nodes), [end for end in ends if end])
    if isinstance(value, frozenset):
        parts = [constant(part) for part in sorted(value, key=repr)]
        return made(ast.Set([p.node for p in parts]), parts)
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        return made(ast.UnaryOp(ast.USub(), ast.Constant(-value)), [Term(ast.Constant(-value))])
    if (
        value is None
        or value is ...
        or isinstance(value, bool | int | float | complex | str | bytes)
    ):
        return Term(ast.Constant(value))
    raise NotUnderstood("a constant of an unknown kind")


def is_simple(entry: Entry) -> bool:
    """Tell whether an expression may stand twice: a name, a literal, an attribute of a name."""
    node = entry.node if isinstance(entry, Term) else None
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name | ast.Constant)


def called(function: Term, arguments: Sequence[ast.expr], keywords: Sequence[ast.keyword],
           parts: Iterable[Term]) -> Term:  # fmt: skip
    node = ast.Call(function.node, list(arguments), list(keywords))
    return made(node, [function, *parts])
