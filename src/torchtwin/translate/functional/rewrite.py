"""Small changes of syntax trees: names moved onto `self`, statements made from text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar, cast

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional import flow
from torchtwin.translate.search import findall

Node = TypeVar("Node", bound=cst.CSTNode)
Statement = cst.BaseStatement
Line = cst.SimpleStatementLine | cst.BaseCompoundStatement


class _Names(cst.CSTTransformer):
    """Replaces names where they are read, but not attributes, keywords or what is bound."""

    def __init__(self, change: Callable[[str], cst.BaseExpression | None]) -> None:
        super().__init__()
        self.change = change
        self.hidden: list[set[str]] = []

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        if any(original_node.value in names for names in self.hidden):
            return updated_node
        return self.change(original_node.value) or updated_node

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        return updated_node.with_changes(attr=original_node.attr)

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)

    def leave_Param(self, original_node: cst.Param, updated_node: cst.Param) -> cst.Param:
        return updated_node.with_changes(name=original_node.name)

    def leave_AssignTarget(
        self, original_node: cst.AssignTarget, updated_node: cst.AssignTarget
    ) -> cst.AssignTarget:
        return updated_node.with_changes(target=_kept(original_node.target, updated_node.target))

    def leave_For(self, original_node: cst.For, updated_node: cst.For) -> cst.For:
        return updated_node.with_changes(target=_kept(original_node.target, updated_node.target))

    def leave_CompFor(self, original_node: cst.CompFor, updated_node: cst.CompFor) -> cst.CompFor:
        return updated_node.with_changes(target=_kept(original_node.target, updated_node.target))

    def visit_ListComp(self, node: cst.ListComp) -> None:
        self._hide(node)

    def leave_ListComp(
        self, original_node: cst.ListComp, updated_node: cst.ListComp
    ) -> cst.BaseExpression:
        self.hidden.pop()
        return updated_node

    def visit_GeneratorExp(self, node: cst.GeneratorExp) -> None:
        self._hide(node)

    def leave_GeneratorExp(
        self, original_node: cst.GeneratorExp, updated_node: cst.GeneratorExp
    ) -> cst.BaseExpression:
        self.hidden.pop()
        return updated_node

    def visit_DictComp(self, node: cst.DictComp) -> None:
        self._hide(node)

    def leave_DictComp(
        self, original_node: cst.DictComp, updated_node: cst.DictComp
    ) -> cst.BaseExpression:
        self.hidden.pop()
        return updated_node

    def _hide(self, node: cst.BaseComp) -> None:
        clause: cst.CompFor | None = node.for_in
        names: set[str] = set()
        while clause:
            names |= flow.targets(clause.target)
            clause = clause.inner_for_in
        self.hidden.append(names)

    def visit_Lambda(self, node: cst.Lambda) -> None:
        self.hidden.append({p.name.value for p in node.params.params})

    def leave_Lambda(
        self, original_node: cst.Lambda, updated_node: cst.Lambda
    ) -> cst.BaseExpression:
        self.hidden.pop()
        return updated_node


def _kept(before: cst.BaseExpression, after: cst.BaseExpression) -> cst.BaseExpression:
    """Return an assignment's target with its own names, but what it reads replaced."""
    if isinstance(before, cst.Name):
        return before
    if isinstance(before, cst.Tuple | cst.List) and isinstance(after, cst.Tuple | cst.List):
        pairs = zip(before.elements, after.elements, strict=True)
        parts = [a.with_changes(value=_kept(b.value, a.value)) for b, a in pairs]
        return after.with_changes(elements=parts)
    return after


def own(name: str) -> cst.Attribute:
    """Return `self.name`."""
    return cst.Attribute(cst.Name("self"), cst.Name(name))


def renamed(node: Node, change: Callable[[str], cst.BaseExpression | None]) -> Node:
    """Return the tree with the names that are read replaced where `change` gives something."""
    return cast(Node, node.visit(_Names(change)))


def on_self(statements: Iterable[Statement], names: Collection[str]) -> list[Statement]:
    """Return the statements with these names read from `self`."""
    return [renamed(s, lambda name: own(name) if name in names else None) for s in statements]


def expression(text: str) -> cst.BaseExpression:
    """Return an expression from its text."""
    return cst.parse_expression(text)


def assign(target: str, value: cst.BaseExpression) -> cst.SimpleStatementLine:
    """Return `target = value`."""
    place = expression(target)
    assert isinstance(place, cst.BaseAssignTargetExpression)
    return cst.SimpleStatementLine([cst.Assign([cst.AssignTarget(place)], value)])


def line(node: cst.BaseSmallStatement) -> cst.SimpleStatementLine:
    """Return a line of one small statement."""
    return cst.SimpleStatementLine([node])


def body(statements: Sequence[Statement]) -> cst.IndentedBlock:
    """Return an indented block, with `pass` where there is nothing."""
    return cst.IndentedBlock(list(statements) or [line(cst.Pass())])


def statements_of(suite: cst.BaseSuite) -> list[Statement]:
    """Return the statements of a block, also of one on the line of its head."""
    if isinstance(suite, cst.IndentedBlock):
        return list(suite.body)
    assert isinstance(suite, cst.SimpleStatementSuite)
    return [line(small.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)) for small in suite.body]


def module_of(statements: Iterable[Statement]) -> cst.Module:
    """Return a module of these statements."""
    return cst.Module([cast(Line, statement) for statement in statements])


def tupled(names: Sequence[str]) -> cst.BaseExpression:
    """Return `a`, or `a, b` without parentheses."""
    if len(names) == 1:
        return cst.Name(names[0])
    return cst.Tuple([cst.Element(cst.Name(name)) for name in names], lpar=[], rpar=[])


def bare(statement: Node) -> Node:
    """Return a statement without the comments and blank lines before it."""
    if hasattr(statement, "leading_lines"):
        statement = statement.with_changes(leading_lines=[])
    if hasattr(statement, "trailing_whitespace"):
        statement = statement.with_changes(trailing_whitespace=cst.TrailingWhitespace())
    return statement


def text(node: cst.CSTNode) -> str:
    """Return the source of a node."""
    return cst.Module([]).code_for_node(node)


def plain(node: cst.BaseExpression) -> cst.BaseExpression:
    """Return an expression without parentheses around it."""
    return node.with_changes(lpar=[], rpar=[])


class _Blank(cst.CSTTransformer):
    def leave_EmptyLine(
        self, original_node: cst.EmptyLine, updated_node: cst.EmptyLine
    ) -> cst.EmptyLine:
        return updated_node if updated_node.comment else cst.EmptyLine(indent=False)


def tidy(node: Node) -> Node:
    """Return a tree whose blank lines are empty, however deep they stand."""
    return cast(Node, node.visit(_Blank()))


def attributes_of(statement: Statement) -> list[str]:
    """Return the attributes of self that a statement assigns."""
    target = m.AssignTarget(m.Attribute(m.Name("self"), m.Name()))
    found: list[str] = []
    for node in findall(statement, target):
        assert isinstance(node.target, cst.Attribute)
        found.append(node.target.attr.value)
    return found
