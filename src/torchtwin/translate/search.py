"""Looks for nodes in a program, much faster than the visitors of LibCST: they come by the thousand.

What holds no code (whitespace, comments, commas, parentheses) is passed over.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache
from typing import Any

import libcst as cst
import libcst.matchers as m

_PLAIN = ("lpar", "rpar", "lbracket", "rbracket", "lbrace", "rbrace", "leading_lines", "comma",
          "lines_after_decorators", "trailing_whitespace", "header", "footer", "semicolon",
          "first_line", "empty_lines", "dot", "colon", "indent", "equal")  # fmt: skip
_ORDER: dict[type, tuple[str, ...]] = {
    cst.Arg: ("keyword", "value"),
    cst.IfExp: ("body", "test", "orelse"),
    cst.FunctionDef: ("decorators", "name", "params", "returns", "body"),
    cst.ClassDef: ("decorators", "name", "bases", "keywords", "body"),
    cst.ExceptHandler: ("type", "name", "body"),
    cst.Parameters: ("posonly_params", "params", "star_arg", "kwonly_params", "star_kwarg"),
}
"""Where the fields of a node are not in the order in which they are written."""


@cache
def _fields(kind: type) -> tuple[str, ...]:
    if kind in _ORDER:
        return _ORDER[kind]
    names = [field.name for field in dataclasses.fields(kind)]
    return tuple(n for n in names if n not in _PLAIN and not n.startswith("whitespace"))


def parts_of(node: cst.CSTNode) -> list[cst.CSTNode]:
    """Return the nodes of which a node is made, in the order in which they are written."""
    found: list[cst.CSTNode] = []
    for name in _fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, cst.CSTNode):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += [part for part in value if isinstance(part, cst.CSTNode)]
    return found


def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield a node and all that is in it, in the order in which it is written."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack += reversed(parts_of(current))


def findall(node: cst.CSTNode, pattern: m.BaseMatcherNode) -> list[Any]:
    """Return what matches a pattern, as `libcst.matchers.findall` does."""
    wanted: dict[type, list[Any]] = {}
    for each in _alternatives(pattern):
        wanted.setdefault(getattr(cst, type(each).__name__), []).append(each)
    free = {kind for kind, patterns in wanted.items() if any(map(_is_open, patterns))}
    return [
        each
        for each in walk(node)
        if (kind := type(each)) in wanted
        and (kind in free or any(m.matches(each, pattern) for pattern in wanted[kind]))
    ]


def _alternatives(pattern: Any) -> list[Any]:
    options = getattr(pattern, "options", None)
    return [pattern] if options is None else [p for each in options for p in _alternatives(each)]


def _is_open(pattern: Any) -> bool:
    """Tell whether a pattern asks for nothing but the kind of a node."""
    return all(
        isinstance(getattr(pattern, field.name), m.DoNotCareSentinel)
        for field in dataclasses.fields(pattern)
    )
