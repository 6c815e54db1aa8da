"""`assert model.output_shape == (None, 7, 7, 256)`: a comment, as PyTorch's modules tell no shapes.

Left where they stand, such lines would part the layers of a Sequential model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional.rewrite import Statement, text

SHAPES = m.Comparison(
    m.Attribute(attr=m.Name("output_shape") | m.Name("input_shape")),
    [m.ComparisonTarget(m.Equal(), m.Tuple() | m.List())],
)
ASSERTED = m.SimpleStatementLine([m.Assert(test=SHAPES)])


def with_comments(module: cst.Module) -> cst.Module:
    """Return a module in which assertions about a model's shapes are comments."""
    if "assert" not in module.code:
        return module
    changed: Any = module.visit(_Comments())
    assert isinstance(changed, cst.Module)
    return changed


class _Comments(cst.CSTTransformer):
    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        body, rest = _commented(updated_node.body)
        return updated_node.with_changes(body=body, footer=[*rest, *updated_node.footer])

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        body, rest = _commented(updated_node.body)
        return updated_node.with_changes(body=body, footer=[*rest, *updated_node.footer])


def _commented(statements: Sequence[Statement]) -> tuple[list[Statement], list[cst.EmptyLine]]:
    """Return the statements that stay, and the comments behind the last."""
    result: list[Statement] = []
    pending: list[cst.EmptyLine] = []
    for statement in statements:
        if isinstance(statement, cst.SimpleStatementLine) and m.matches(statement, ASSERTED):
            pending += [*statement.leading_lines, _comment(statement)]
        else:
            lines = [*pending, *getattr(statement, "leading_lines", ())]
            result.append(statement.with_changes(leading_lines=lines) if pending else statement)
            pending = []
    if not result and pending:  # a block needs a statement
        return [cst.SimpleStatementLine([cst.Pass()], leading_lines=pending)], []
    return result, pending


def _comment(statement: cst.SimpleStatementLine) -> cst.EmptyLine:
    small = cst.ensure_type(statement.body[0], cst.Assert)
    said = " ".join(text(small.test).split())
    note = statement.trailing_whitespace.comment
    return cst.EmptyLine(comment=cst.Comment(f"# {said}{f'  {note.value}' if note else ''}"))
