"""Finds the source of what PyTorch lacks, to be copied into the output."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torchtwin.emit.expressions import is_helper
from torchtwin.expr import Call, walk
from torchtwin.program import Class


@dataclass(frozen=True)
class Own:
    """A translated class, function or constant of the model's author.

    `scope` holds what its names mean, `imports` the lines by the name they bind, `place` its
    place in the source.
    """

    text: str
    scope: Mapping[str, Any]
    imports: Mapping[str, str]
    place: int


def mark_own(helper: Any, own: Own) -> None:
    """Note where a helper that no module of torchtwin holds comes from."""
    helper.__twin__ = own


def own_of(helper: Any) -> Own | None:
    """Return what is known of a helper that is the author's, None for one of torchtwin's."""
    found: Own | None = vars(helper).get("__twin__")
    return found


def is_own(constructor: Any) -> bool:
    """Tell whether a constructor makes a module of the author's."""
    return any(own_of(helper) is not None for helper in mentioned(constructor))


def helpers_of(program: Class, further: Iterable[Any] = ()) -> list[Any]:
    """Return the functions and classes of torchtwin.nn that a program uses, in source order.

    `further` are expressions beside those of the program.
    """
    roots: list[Any] = []
    for cls in program.classes():
        roots += [s.constructor for s in cls.submodules if not isinstance(s.constructor, Class)]
        roots += [s.expr for s in cls.statements]
    found = closure(helper for root in [*roots, *further] for helper in mentioned(root))
    places = {id(h): own.place for h in found if (own := own_of(h))}
    return sorted(found, key=lambda helper: places.get(id(helper), -1))


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
    open_: set[str] = set()

    def add(helper: Any) -> None:
        if helper.__name__ in found or helper.__name__ in given or helper.__name__ in open_:
            return
        open_.add(helper.__name__)  # functions of an author may need each other
        for needed in needs(helper, (text or source_of)(helper)):
            add(needed)
        found.setdefault(helper.__name__, helper)

    for root in roots:
        add(root)
    return list(found.values())


def needs(helper: Any, text: str) -> Iterable[Any]:
    """Yield the helpers that a helper's source names."""
    own = own_of(helper)
    scope = own.scope if own else vars(sys.modules[helper.__module__])
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and node.id != helper.__name__:
            used = scope.get(node.id)
            if used is not None and is_helper(used):
                yield used


def source_of(helper: Any) -> str:
    own = own_of(helper)
    return own.text if own else textwrap.dedent(inspect.getsource(helper))
