"""Copies of plain assignments that nobody reads are left out."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.rewrite import Statement, module_of


class _Pruned(cst.CSTTransformer):
    """Removes copies of plain assignments whose variables nobody reads."""

    def __init__(self, copies: set[int], needed: set[str]) -> None:
        super().__init__()
        self.copies, self.needed, self.removed = copies, needed, False

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> Any:
        if id(original_node) in self.copies and not flow.bound(original_node) & self.needed:
            self.removed = True
            return cst.RemoveFromParent()
        return updated_node

    def leave_If(self, original_node: cst.If, updated_node: cst.If) -> Any:
        empty = not updated_node.body.body and updated_node.orelse is None
        return cst.RemoveFromParent() if empty and original_node.body.body else updated_node

    def leave_For(self, original_node: cst.For, updated_node: cst.For) -> Any:
        return updated_node if updated_node.body.body else cst.RemoveFromParent()

    def leave_Else(self, original_node: cst.Else, updated_node: cst.Else) -> Any:
        return updated_node if updated_node.body.body else cst.RemoveFromParent()


def pruned(statements: list[Statement], copies: set[int]) -> list[Statement]:
    """Return statements without the copies of plain assignments that are not needed."""
    while True:
        needed = {name for s in statements for name in _reads_but(s, copies)}
        visitor = _Pruned(copies, needed)
        module = module_of(statements).visit(visitor)
        statements = list(module.body)
        if not visitor.removed:
            return statements


def _reads_but(statement: Statement, copies: set[int]) -> set[str]:
    """Return what a statement reads, except what a copy reads to make itself."""
    if id(statement) in copies:
        return set(flow.reads(statement)) - flow.bound(statement)
    return set(flow.reads(statement))
