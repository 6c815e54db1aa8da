"""What could not be translated: it stays where it is, is marked there, and is listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from torchtwin.translate.functional import Desugared


@dataclass(frozen=True, order=True)
class Unresolved:
    """A name of the program that is not PyTorch yet: its line in the input, and why."""

    line: int
    name: str
    reason: str


@dataclass
class Refusals:
    """Collects what was refused, by line, and marks statements."""

    lines: dict[cst.CSTNode, int] = field(default_factory=dict)
    found: set[Unresolved] = field(default_factory=set)

    def add(self, node: cst.CSTNode, name: str, reason: str) -> str:
        self.found.add(Unresolved(self.lines.get(node, 0), name, reason))
        return reason

    def numbered(self, original: cst.Module, changed: Desugared) -> cst.Module:
        """Return a changed module whose nodes have the lines of the original; note its refusals.

        Nodes that were moved or written twice are copied, so that each has a place of its own.
        """
        for name, line, reason in changed.unresolved:
            self.found.add(Unresolved(line, name, reason))
        wrapper = MetadataWrapper(original, unsafe_skip_copy=True)
        places = wrapper.resolve(PositionProvider)
        module = changed.module.deep_clone()
        self._number(changed.module, module, places)
        return module

    def _number(self, before: cst.CSTNode, after: cst.CSTNode, places: Mapping[Any, Any]) -> int:
        inner = [
            self._number(old, new, places)
            for old, new in zip(before.children, after.children, strict=True)
        ]
        known = places.get(before)
        line = known.start.line if known is not None else next((n for n in inner if n), 0)
        self.lines[after] = line
        return line

    def sorted(self) -> tuple[Unresolved, ...]:
        return tuple(sorted(self.found))


def marked(statement: cst.CSTNode, reasons: list[str]) -> cst.CSTNode:
    """Return a statement below a comment for each reason."""
    lines = [
        cst.EmptyLine(comment=cst.Comment(f"# torchtwin: {' '.join(reason.split())}"))
        for reason in dict.fromkeys(reasons)
    ]
    leading = getattr(statement, "leading_lines", ())
    return statement.with_changes(leading_lines=[*leading, *lines])
