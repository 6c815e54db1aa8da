"""Finds the source of what PyTorch lacks, to be copied into the output."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from torchtwin.emit.expressions import is_helper
from torchtwin.expr import Call, walk
from torchtwin.program import Class


def helpers_of(program: Class, further: Iterable[Any] = ()) -> list[Any]:
    """Return the functions and classes of torchtwin.nn that a program uses, in source order.

    `further` are expressions beside those of the program.
    """
    roots: list[Any] = []
    for cls in program.classes():
        roots += [s.constructor for s in cls.submodules if not isinstance(s.constructor, Class)]
        roots += [s.expr for s in cls.statements]
    return closure(helper for root in [*roots, *further] for helper in mentioned(root))


def mentioned(expr: Any) -> Iterator[Any]:
    """Yield the helpers that an expression names."""
    for node in walk(expr):
        used = node.function if isinstance(node, Call) else node
        if is_helper(used):
            yield used


def closure(
    roots: Iterable[Any], given: Collection[str] = (), text: Callable[[Any], str] | None = None
) -> list[Any]:
    """Return helpers and what they need themselves, each behind what it needs.

    `given` are defined already; `text` returns what is left of a helper's source.
    """
    found: dict[str, Any] = {}

    def add(helper: Any) -> None:
        if helper.__name__ in found or helper.__name__ in given:
            return
        for needed in needs(helper, (text or source_of)(helper)):
            add(needed)
        found.setdefault(helper.__name__, helper)

    for root in roots:
        add(root)
    return list(found.values())


def needs(helper: Any, text: str) -> Iterable[Any]:
    """Yield the helpers that a helper's source names."""
    scope = vars(sys.modules[helper.__module__])
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and node.id != helper.__name__:
            used = scope.get(node.id)
            if used is not None and is_helper(used):
                yield used


def source_of(helper: Any) -> str:
    return textwrap.dedent(inspect.getsource(helper))
