"""What the author's source defines at its top, as text: it is parsed, never executed."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torchtwin.errors import UnreadableModel

REGISTERS = "register_keras_serializable"
LONGEST = 2_000_000
KEEPING = frozenset({
    "get_config", "from_config", "compute_output_shape", "compute_output_spec",
    "get_build_config", "build_from_config", "get_compile_config", "compile_from_config",
})  # fmt: skip
"""Methods by which Keras saves and builds a layer: a module has no use for them."""


@dataclass(frozen=True)
class Definition:
    """A class, function or constant: its lines, and the names of the file that it uses.

    `registered` is "Package>Name" where a decorator registers it.
    """

    name: str
    node: ast.stmt
    first: int
    last: int
    uses: frozenset[str] = field(repr=False)
    registered: str = ""

    @property
    def is_class(self) -> bool:
        return isinstance(self.node, ast.ClassDef)

    def bookkeeping(self) -> Iterator[int]:
        """Yield the lines of the methods by which Keras saves a layer, where others are left."""
        body = getattr(self.node, "body", []) if self.is_class else []
        kept = [n for n in body if getattr(n, "name", "") not in KEEPING]
        for node in body if kept else ():
            if node not in kept:
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                yield from range(first, node.end_lineno + 1)

    @property
    def is_function(self) -> bool:
        return isinstance(self.node, ast.FunctionDef)


@dataclass(frozen=True)
class Definitions:
    """The definitions of a file by name; `imports` are the lines of its import statements."""

    path: Path
    lines: tuple[str, ...]
    found: dict[str, tuple[Definition, ...]]
    imports: tuple[tuple[int, int], ...]

    def closure(self, names: Iterable[str]) -> list[Definition]:
        """Return definitions and what they need themselves, in the order of the file."""
        pending, seen = list(names), set[str]()
        while pending:
            name = pending.pop()
            if name in self.found and name not in seen:
                seen.add(name)
                pending += [use for d in self.found[name] for use in d.uses]
        return sorted((d for name in seen for d in self.found[name]), key=lambda d: d.first)

    def only(self, wanted: Sequence[Definition], *, whole: bool = True) -> str:
        """Return the text with other lines empty, so that each line keeps its number.

        Where it is not the `whole`, the methods by which Keras saves a layer are left out.
        """
        ranges = [*self.imports, *((d.first, d.last) for d in wanted)]
        kept = {k for first, last in ranges for k in range(first, last + 1)}
        if not whole:
            kept -= {k for d in wanted for k in d.bookkeeping()}
        return "\n".join(line if k in kept else "" for k, line in enumerate(self.lines, 1)) + "\n"

    def of(self, class_name: str) -> Definition | None:
        """Return the class or function that a config means by "Name" or "Package>Name"."""
        last = class_name.rpartition(">")[2]
        everything = [d for listed in self.found.values() for d in listed]
        registered = [d for d in everything if d.registered == class_name]
        plain = [d for d in self.found.get(last, ()) if d.is_class or d.is_function]
        return next(reversed(registered or plain), None)


def defined(path: Path) -> Definitions:
    """Return what a Python file defines. Raises UnreadableModel when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        tree = ast.parse(text)
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableModel(
            f"the custom source cannot be read: {error}", where=str(path)
        ) from None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnreadableModel(f"this is not Python 3: {error}", where=str(path)) from None
    if len(text) > LONGEST:
        raise UnreadableModel(f"a source of {len(text)} characters is too long", where=str(path))
    found: dict[str, tuple[Definition, ...]] = {}
    imports = []
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.append((node.lineno, node.end_lineno or node.lineno))
        for definition in _definitions(node):
            found[definition.name] = (*found.get(definition.name, ()), definition)
    return Definitions(path, tuple(text.split("\n")), found, tuple(imports))


def _definitions(node: ast.stmt) -> Iterator[Definition]:
    first, last = node.lineno, node.end_lineno or node.lineno
    uses = frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        first = min([first, *(d.lineno for d in node.decorator_list)])
        registered = next((r for d in node.decorator_list if (r := _registered(d, node.name))), "")
        yield Definition(node.name, node, first, last, uses, registered)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for name in (n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)):
            yield Definition(name, node, first, last, uses)


def _registered(decorator: ast.expr, name: str) -> str:
    """Return what @register_keras_serializable(package="Custom", name=None) says."""
    call = decorator if isinstance(decorator, ast.Call) else None
    function = call.func if call else decorator
    last = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if last != REGISTERS or call is None:
        return ""
    given = dict(zip(("package", "name"), call.args, strict=False))
    given |= {k.arg: k.value for k in call.keywords if k.arg}
    values = {k: str(v.value) for k, v in given.items() if isinstance(v, ast.Constant) and v.value}
    return f"{values.get('package', 'Custom')}>{values.get('name') or name}"
