"""The translated definitions as blocks of source, made live to see what they compute."""

from __future__ import annotations

import ast
import functools
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torchtwin.emit.expressions import OWN
from torchtwin.emit.helpers import source_of

ALLOWED = frozenset({
    "torch", "math", "numpy", "typing", "functools", "itertools", "collections", "dataclasses",
    "abc", "enum", "operator", "copy", "random", "inspect", "contextlib", "__future__", "numbers",
    "string", "warnings",
})  # fmt: skip
"""What translated classes may import: no files, no processes, no network."""

REFUSED = frozenset({"exec", "eval", "open", "__import__", "input", "breakpoint", "compile"})
"""Functions of Python that no layer needs."""

IN_PARTS = tuple(f"torchtwin.{home}" for home in (
    "training.parts.reduction", "translate.parts.losses", "translate.parts.metrics"
))  # fmt: skip
"""What losses and metrics need: a copy holds the lines for the features of its program."""

HARMLESS = frozenset({"int", "float", "bool", "str", "tuple", "list", "dict", "set", "len",
                      "range", "min", "max", "sum", "abs", "round", "zip"})  # fmt: skip
"""Functions that the value of a constant may call, beside those of math and numpy."""


class Block:
    """A definition of the translated source: it stands for itself where text is copied."""

    def __init__(self, name: str, text: str, node: ast.stmt) -> None:
        self.__name__, self.__module__ = name, OWN
        self.text, self.node = text, node

    @property
    def is_constant(self) -> bool:
        return not isinstance(self.node, ast.ClassDef | ast.FunctionDef)


@dataclass
class Blocks:
    """The blocks of a translated source by name; `imports` are lines by the name they bind."""

    found: dict[str, list[Block]] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    helpers: dict[str, Any] = field(default_factory=dict)

    def names(self, name: str) -> set[str]:
        """Return the names that a block uses."""
        nodes = (n for block in self.found[name] for n in ast.walk(block.node))
        return {n.id for n in nodes if isinstance(n, ast.Name)}

    def problem(self, name: str) -> str:
        """Return why a block must not run, "" where nothing is against it."""
        names = self.names(name)
        for used in sorted(names & set(self.imports)):
            module = self.imports[used].split()[1].partition(".")[0]
            if module not in ALLOWED:
                return f"it needs the module {module}"
        if called := sorted(names & REFUSED - set(self.found)):
            return f"it calls {called[0]}()"
        constants = [b for b in self.found[name] if b.is_constant]
        if any(not _harmless(block.node) for block in constants):
            return "it is a value that is computed when the file is executed"
        return ""


def blocks_of(text: str, given: frozenset[str]) -> Blocks:
    """Return the blocks of a translated source; `given` are the names of the original's own."""
    lines, result = text.split("\n"), Blocks()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            result.imports |= dict(_imported(node))
            continue
        for name in _names(node):
            helper = None if name in given else helper_like(name, node)
            if helper is not None:
                result.helpers[name] = helper
            else:
                block = Block(name, _text(lines, node), node)
                result.found.setdefault(name, []).append(block)
    return result


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    for alias in node.names:
        written = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, f"from {node.module or '.'} import {written}"
        else:
            yield alias.asname or alias.name.partition(".")[0], f"import {written}"


def _names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))


def _text(lines: list[str], node: ast.stmt) -> str:
    """Return the lines of a statement, with its decorators and the comments right above."""
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]) - 1
    while first and lines[first - 1].startswith("#"):
        first -= 1
    return "\n".join(lines[first : node.end_lineno])


def _harmless(node: ast.stmt) -> bool:
    for part in ast.walk(node):
        if not isinstance(part, ast.Call):
            continue
        function = part.func
        while isinstance(function, ast.Attribute):
            function = function.value
        if not isinstance(function, ast.Name) or function.id not in HARMLESS | {"math", "np"}:
            return False
    return True


def helper_like(name: str, node: ast.stmt) -> Any:
    """Return the helper of torchtwin that a translated source holds a copy of, or None."""
    for helper in _helpers().get(name, ()):
        source = source_of(helper)
        if helper.__module__ in IN_PARTS or ast.dump(ast.parse(source).body[0]) == ast.dump(node):
            return helper
    return None


def helper_names() -> frozenset[str]:
    """Return the names of what torchtwin may copy into an output."""
    return frozenset(_helpers())


@functools.cache
def _helpers() -> Mapping[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for home in ("torchtwin.nn", "torchtwin.training.parts", "torchtwin.translate.parts"):
        package = importlib.import_module(home)
        for entry in pkgutil.iter_modules(package.__path__, f"{home}."):
            module = importlib.import_module(entry.name)
            own = {k: v for k, v in vars(module).items() if callable(v)}
            for name, helper in own.items():
                if helper.__module__ == entry.name:
                    found.setdefault(name, []).append(helper)
    return found
