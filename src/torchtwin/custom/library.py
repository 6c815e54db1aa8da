"""The author's source, translated as far as a model needs it, with live classes to run."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torchtwin.custom.blocks import Blocks, blocks_of
from torchtwin.custom.definitions import Definition, Definitions, defined
from torchtwin.emit.expressions import OWN
from torchtwin.emit.helpers import Own, mark_own
from torchtwin.errors import UnsupportedError

NEEDED_BY_MODEL = frozenset({"torch", "nn", "F", "Path", "load", "load_file"})
"""Names that model.py gives a meaning of its own."""


@dataclass
class Library:
    """What a source defines, translated: `live` are classes and functions by name.

    `refused` says of a name why it is not there.
    """

    definitions: Definitions
    blocks: Blocks
    live: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, UnsupportedError] = field(default_factory=dict)

    def find(self, class_name: str) -> Definition | None:
        """Return the definition that a config means, None where the source has none."""
        return self.definitions.of(class_name)

    def defines(self, class_name: str) -> bool:
        """Tell whether the source has a class or function of this name."""
        return self.find(class_name) is not None

    def function(self, name: str) -> Any:
        """Return a translated function, None where the source has none of this name."""
        definition = self.find(name)
        if definition is None or not definition.is_function:
            return None
        return self.made(definition.name)

    def made(self, name: str) -> Any:
        """Return a translated class or function. Raises UnsupportedError with line and reason."""
        if name in self.refused:
            raise self.refused[name]
        return self.live[name]


def library_of(path: str | Path, config: Any, compiled: Any = None) -> Library:
    """Return what a model's config names and a source defines, translated.

    Raises UnreadableModel when the source cannot be read.
    """
    from torchtwin.translate.translation import translated

    definitions = defined(Path(path))
    needed = needed_by(definitions, (config, compiled))
    result = translated(definitions.only(needed, whole=False))
    given = frozenset(definitions.found)
    library = Library(definitions, blocks_of(result.source, given))
    for name in (d.name for d in needed):
        lines = {k for d in definitions.found[name] for k in range(d.first, d.last + 1)}
        found = [u for u in result.unresolved if u.line in lines]
        if found:
            more = f"; and {len(found) - 1} more" * (len(found) > 1)
            reason = f"line {found[0].line}, {found[0].name}: {found[0].reason}{more}"
            library.refused[name] = _refusal(library, name, reason)
        elif name in NEEDED_BY_MODEL:
            reason = "model.py itself has something of this name"
            library.refused[name] = _refusal(library, name, reason)
        elif name in library.blocks.found and (problem := library.blocks.problem(name)):
            library.refused[name] = _refusal(library, name, problem)
    _refuse_users(library, needed)
    _execute(library)
    return library


def needed_by(definitions: Definitions, config: Any) -> list[Definition]:
    """Return the definitions that a config names, with what they need themselves."""
    wanted = {d.name for word in words(config) if (d := definitions.of(word))}
    return definitions.closure(sorted(wanted))


def _refusal(library: Library, name: str, reason: str) -> UnsupportedError:
    path, first = library.definitions.path, library.definitions.found[name][0].first
    return UnsupportedError(
        f"{name} is not translated: {reason}",
        where=f"{path.name}, line {first}",
        hint="change that line in a copy of the source, so that it computes the same",
    )


def _refuse_users(library: Library, needed: Iterable[Definition]) -> None:
    """Refuse what uses something that is refused."""
    needed = list(needed)
    while True:
        further = {
            d.name: library.refused[use]
            for d in needed
            if d.name not in library.refused
            for use in sorted(_uses(library, d))
            if use in library.refused
        }
        if not further:
            return
        library.refused |= further


def _uses(library: Library, definition: Definition) -> set[str]:
    """Return the names that a definition uses once it is translated: aliases of Keras are gone."""
    name = definition.name
    return library.blocks.names(name) if name in library.blocks.found else set(definition.uses)


def words(structure: Any) -> Iterator[str]:
    """Yield every text in a config that may name a class or function."""
    if isinstance(structure, str):
        if len(structure) < 200:
            yield structure
    elif isinstance(structure, Mapping):
        for value in structure.values():
            yield from words(value)
    elif isinstance(structure, list | tuple):
        for value in structure:
            yield from words(value)


def _execute(library: Library) -> None:
    """Make the translated definitions live, in a module of their own."""
    blocks = library.blocks
    module = types.ModuleType(OWN)
    space, scope = vars(module), dict(blocks.helpers)
    space.update(blocks.helpers)
    listed = [b for found in blocks.found.values() for b in found]
    for place, block in enumerate(sorted(listed, key=lambda b: b.node.lineno)):
        name = block.__name__
        used = blocks.names(name)
        if name in library.refused:
            continue
        lines = [line for bound, line in blocks.imports.items() if bound in used]
        try:
            for line in lines:
                exec(line, space)
            exec(compile(block.text, OWN, "exec", dont_inherit=True), space)
        except Exception as error:  # whatever the author's code does
            reason = f"it does not run in PyTorch ({type(error).__name__}: {error})"
            library.refused[name] = _refusal(library, name, reason)
            continue
        made = block if block.is_constant else space[name]
        imports = {bound: line for bound, line in blocks.imports.items() if bound in used}
        mark_own(made, Own(block.text, scope, imports, place))
        scope[name] = library.live[name] = made
