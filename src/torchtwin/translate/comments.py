"""Comments that stood inside an expression which is written anew."""

from __future__ import annotations

import libcst as cst


def with_comments(
    original: cst.SimpleStatementLine, updated: cst.SimpleStatementLine
) -> cst.SimpleStatementLine:
    """Put the comments that an expression lost in rewriting above its statement."""
    kept = comments_of(updated)
    lost = [c for c in comments_of(original) if c not in kept]
    lines = [cst.EmptyLine(comment=cst.Comment(c)) for c in lost]
    return updated.with_changes(leading_lines=[*updated.leading_lines, *lines])


def comments_of(node: cst.CSTNode) -> list[str]:
    found: list[str] = []

    class Finder(cst.CSTVisitor):
        def visit_Comment(self, node: cst.Comment) -> None:  # noqa: N802
            found.append(node.value)

    node.visit(Finder())
    return found
