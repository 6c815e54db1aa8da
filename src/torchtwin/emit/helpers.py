"""Finds the source of what PyTorch lacks, to be copied into the output."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterable
from typing import Any

from torchtwin.emit.expressions import is_helper
from torchtwin.expr import Call, walk
from torchtwin.program import Class


def helpers_of(program: Class, further: Iterable[Any] = ()) -> list[Any]:
    """Return the functions and classes of torchtwin.nn that a program uses, in source order.

    `further` are expressions beside those of the program.
    """
    found: dict[str, Any] = {}
    roots: list[Any] = []
    for cls in program.classes():
        roots += [s.constructor for s in cls.submodules if not isinstance(s.constructor, Class)]
        roots += [s.expr for s in cls.statements]
    for root in [*roots, *further]:
        for node in walk(root):
            used = node.function if isinstance(node, Call) else node
            if is_helper(used):
                _add(used, found)
    return list(found.values())


def _add(helper: Any, found: dict[str, Any]) -> None:
    """Add a helper behind those that it needs itself."""
    if helper.__name__ in found:
        return
    for needed in needs(helper):
        _add(needed, found)
    found[helper.__name__] = helper


def needs(helper: Any, text: str = "") -> Iterable[Any]:
    """Yield the helpers that a helper's source names; `text` is what is left of it."""
    scope = vars(sys.modules[helper.__module__])
    for node in ast.walk(ast.parse(text or source_of(helper))):
        if isinstance(node, ast.Name) and node.id != helper.__name__:
            used = scope.get(node.id)
            if used is not None and is_helper(used):
                yield used


def source_of(helper: Any) -> str:
    return textwrap.dedent(inspect.getsource(helper))
