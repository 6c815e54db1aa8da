"""What could not be translated: it stays where it is, is marked there, and is listed."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst


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
