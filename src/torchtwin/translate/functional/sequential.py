"""`model.add(...)` after `model = Sequential()`: the layers as the list that Sequential takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.resolver import Resolver
from torchtwin.translate.functional.rewrite import Statement, expression, text
from torchtwin.translate.functional.values import INPUTS, SEQUENTIALS
from torchtwin.translate.search import findall

INDENT = "    "


@dataclass
class _Run:
    """A Sequential that is being filled."""

    place: str  # the text of what it is assigned to
    start: cst.SimpleStatementLine
    call: cst.Call
    items: list[tuple[cst.BaseExpression, cst.SimpleStatementLine | None]]
    passed: list[Statement] = field(default_factory=list)  # what stands in between
    stack: list[Statement] = field(default_factory=list)  # what fills a list step by step


def with_lists(module: cst.Module, names: Resolver) -> cst.Module:
    """Return a module in which Sequential models are given their layers at once."""
    changed: Any = module.visit(_Lists(names))
    assert isinstance(changed, cst.Module)
    return changed


class _Lists(cst.CSTTransformer):
    def __init__(self, names: Resolver) -> None:
        super().__init__()
        self.names = names

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        return updated_node.with_changes(body=self._block(updated_node.body))

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        return updated_node.with_changes(body=self._block(updated_node.body))

    def _block(self, statements: Sequence[Statement]) -> list[Statement]:
        result: list[Statement] = []
        rest = list(statements)
        while rest:
            run = self._start(rest[0])
            if run is None:
                result.append(rest.pop(0))
                continue
            rest.pop(0)
            used = _filled(run, rest)
            if run.stack:  # a list of layers has no place for what says how large an input is
                run.items = [(each, at) for each, at in run.items if not self._is_input(each)]
            result += _finished(run)
            rest = rest[used:]
        return result

    def _is_input(self, node: cst.BaseExpression) -> bool:
        name = self.names.qualified(node.func) if isinstance(node, cst.Call) else None
        return name in INPUTS or (name or "").endswith("InputLayer")

    def _start(self, node: Statement) -> _Run | None:
        if not isinstance(node, cst.SimpleStatementLine) or len(node.body) != 1:
            return None
        small = node.body[0]
        if not isinstance(small, cst.Assign) or len(small.targets) != 1:
            return None
        call = small.value
        if not isinstance(call, cst.Call) or self.names.qualified(call.func) not in SEQUENTIALS:
            return None
        items: list[tuple[cst.BaseExpression, cst.SimpleStatementLine | None]] = []
        for arg in call.args:
            if arg.keyword is None or arg.keyword.value == "layers":
                if not isinstance(arg.value, cst.List):
                    return None
                items = [(element.value, None) for element in arg.value.elements]
        return _Run(text(small.targets[0].target), node, call, items)


def _added(run: _Run, node: Statement) -> cst.BaseExpression | None:
    """Return the layer of `model.add(layer)`."""
    if not isinstance(node, cst.SimpleStatementLine) or len(node.body) != 1:
        return None
    small = node.body[0]
    call = small.value if isinstance(small, cst.Expr) else None
    if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute):
        return None
    if call.func.attr.value != "add" or text(call.func.value) != run.place or len(call.args) != 1:
        return None
    return call.args[0].value


def _mentions(run: _Run, node: cst.CSTNode) -> bool:
    own = expression(run.place)
    if isinstance(own, cst.Name):
        return bool(findall(node, m.Name(own.value)))
    found = findall(node, m.Attribute())
    return any(isinstance(each, cst.Attribute) and text(each) == run.place for each in found)


def _filled(run: _Run, rest: list[Statement]) -> int:
    """Take what adds layers from the statements behind; return how many were taken."""
    used = 0
    between: list[Statement] = []
    for index, node in enumerate(rest):
        layer = _added(run, node)
        compound = layer is None and isinstance(node, cst.For | cst.If) and _only_adds(run, node)
        if layer is None and not compound:
            if _mentions(run, node) or isinstance(node, cst.FunctionDef | cst.ClassDef):
                break
            between.append(node)
            continue
        if between and not _independent(run, between):
            break
        run.passed += between
        between, used = [], index + 1
        if compound or run.stack:
            _step(run, node)
        elif layer is not None:
            assert isinstance(node, cst.SimpleStatementLine)
            run.items.append((layer, node))
    return used


def _independent(run: _Run, between: list[Statement]) -> bool:
    """Whether statements may as well stand before the layers that were added above them."""
    if run.stack:
        return False
    read = {name for layer, _ in run.items for name in flow.reads(layer)}
    simple = all(isinstance(node, cst.SimpleStatementLine) for node in between)
    return simple and not any(flow.written(node) & read for node in between)


def _only_adds(run: _Run, node: cst.For | cst.If) -> bool:
    """Whether a loop or condition has to do with the model in `model.add(...)` alone."""
    if not _mentions(run, node):
        return False
    adds = [s for s in findall(node, m.SimpleStatementLine()) if _added_in(run, s) is not None]
    removed: Any = node
    for statement in adds:
        removed = removed.deep_replace(statement, cst.SimpleStatementLine([cst.Pass()]))
    inside = [layer for s in adds if (layer := _added_in(run, s)) is not None]
    return not _mentions(run, removed) and not any(_mentions(run, layer) for layer in inside)


def _added_in(run: _Run, node: cst.CSTNode) -> cst.BaseExpression | None:
    return _added(run, node) if isinstance(node, cst.BaseStatement) else None


def _stack_name(run: _Run) -> str:
    return f"{run.place.rpartition('.')[2]}_layers".lstrip("_")


class _Appended(cst.CSTTransformer):
    def __init__(self, run: _Run) -> None:
        super().__init__()
        self.run = run

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        if original_node.attr.value == "add" and text(original_node.value) == self.run.place:
            return cst.Attribute(cst.Name(_stack_name(self.run)), cst.Name("append"))
        return updated_node


def _step(run: _Run, node: Statement) -> None:
    if not run.stack:
        run.stack.append(cst.SimpleStatementLine([cst.Pass()]))  # the list itself, made at the end
    changed: Any = node.visit(_Appended(run))
    run.stack.append(changed)


def _finished(run: _Run) -> list[Statement]:
    if not run.stack and not any(line for _, line in run.items):
        return [run.start]
    listed = _list(run.items)
    kept = [a for a in run.call.args if a.keyword is not None and a.keyword.value != "layers"]
    given: cst.BaseExpression = cst.Name(_stack_name(run)) if run.stack else listed
    call = run.call.with_changes(args=[cst.Arg(given), *kept])
    small = run.start.body[0].with_changes(value=call)
    made = run.start.with_changes(body=[small])
    if not run.stack:
        return [*run.passed, made]
    target = cst.AssignTarget(cst.Name(_stack_name(run)))
    first = run.start.with_changes(body=[cst.Assign([target], listed)])
    return [*run.passed, first, *run.stack[1:], made.with_changes(leading_lines=[])]


def _list(items: list[tuple[cst.BaseExpression, cst.SimpleStatementLine | None]]) -> cst.List:
    """Return a list with one layer a line, and the comments that stood at each."""
    if not items:
        return cst.List([])
    elements: list[cst.Element] = []
    for index, (layer, line) in enumerate(items):
        following = items[index + 1][1] if index + 1 < len(items) else None
        ending = index + 1 == len(items)
        after = _break(line, following, INDENT if not ending else "")
        elements.append(cst.Element(layer, cst.Comma(whitespace_after=after)))
    opening = cst.LeftSquareBracket(whitespace_after=_break(None, items[0][1], INDENT))
    return cst.List(elements, lbracket=opening)


def _break(
    before: cst.SimpleStatementLine | None, after: cst.SimpleStatementLine | None, indent: str
) -> cst.ParenthesizedWhitespace:
    """Return a line break with the comment behind one layer, and those before the next."""
    first = before.trailing_whitespace if before else cst.TrailingWhitespace()
    lines = [
        cst.EmptyLine(indent=True, whitespace=cst.SimpleWhitespace(INDENT), comment=each.comment)
        if each.comment
        else cst.EmptyLine(indent=False)
        for each in (after.leading_lines if after else ())
    ]
    return cst.ParenthesizedWhitespace(first, lines, True, cst.SimpleWhitespace(indent))
