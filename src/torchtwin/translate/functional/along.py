"""Plain values as many as the tensors in a container: what a loop that makes layers goes over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.program import Program, Refusal
from torchtwin.translate.functional.rewrite import (
    Statement,
    assign,
    expression,
    statements_of,
    text,
)
from torchtwin.translate.functional.values import TENSOR, empty, returns
from torchtwin.translate.search import findall


@dataclass(frozen=True)
class Along:
    """The source of values as many as there are tensors; `keys` if they are a dict's keys."""

    source: str
    keys: bool = False


def along(program: Program, statements: Sequence[Statement], name: str) -> Along | None:
    """Return what goes along with the container that a variable holds."""
    binding = [s for s in statements if name in flow.bound(s)]
    filling = [s for s in statements if name in flow.changed(s)]
    value = _assigned(binding[0], name) if len(binding) == 1 else None
    if value is None:
        return None
    if not filling:
        return _behind(program, statements, of_expression(program, value))
    only = filling[0]
    if not empty(value) or len(filling) != 1 or not isinstance(only, cst.For):
        return None
    if not isinstance(only.target, cst.Name) or flow.bound(only) & set(flow.reads(only.iter)):
        return None
    if _every_turn(statements_of(only.body), name, None):
        return Along(text(only.iter))
    if _every_turn(statements_of(only.body), name, only.target.value):
        return Along(text(only.iter), keys=True)
    return None


def _behind(program: Program, statements: Sequence[Statement], found: Along | None) -> Along | None:
    """Return what goes along with the tensors over which a comprehension goes."""
    name = found.source if found is not None else ""
    if not name.isidentifier() or not any(name in flow.bound(s) for s in statements):
        return found
    env = dict(program.globals)
    program.kinds.flow(statements, env)
    if env[name].kind != TENSOR:
        return found
    known = along(program, statements, name)
    return Along(known.source) if known is not None else None


def _assigned(node: Statement, name: str) -> cst.BaseExpression | None:
    for found in findall(node, m.Assign()):
        target = found.targets[0].target
        if isinstance(target, cst.Name) and target.value == name:
            return found.value if isinstance(node, cst.SimpleStatementLine) else None
    return None


def of_expression(program: Program, node: cst.BaseExpression) -> Along | None:
    """Return what goes along with a container that is written out, or made by a function."""
    if isinstance(node, cst.List | cst.Tuple) and node.elements:
        starred = any(isinstance(e, cst.StarredElement) for e in node.elements)
        return None if starred else Along(f"range({len(node.elements)})")
    if isinstance(node, cst.Dict) and node.elements:
        keys = [text(e.key) for e in node.elements if isinstance(e, cst.DictElement)]
        return Along(f"[{', '.join(keys)}]", True) if len(keys) == len(node.elements) else None
    if isinstance(node, cst.ListComp | cst.DictComp):
        clause = node.for_in
        if clause.ifs or clause.inner_for_in:
            return None
        keyed = isinstance(node, cst.DictComp) and text(node.key) == text(clause.target)
        return Along(text(clause.iter), keyed) if keyed or isinstance(node, cst.ListComp) else None
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name):
        function = program.functions.get(node.func.value)
        return _of_function(program, function) if function is not None else None
    return None


def _of_function(program: Program, function: cst.FunctionDef) -> Along | None:
    values = returns(function)
    if len(values) != 1:
        return None
    statements = statements_of(function.body)
    value = values[0]
    if isinstance(value, cst.Name):
        found = along(program, statements, value.value)
    else:
        found = of_expression(program, value)
    local = {n for s in statements for n in flow.bound(s)}
    local |= {p.name.value for p in function.params.params}
    if found is None or set(flow.reads(expression(found.source))) & local:
        return None
    return found


def _every_turn(statements: Sequence[Statement], name: str, key: str | None) -> bool:
    """Whether statements fill a container exactly once, in whichever branch."""
    count = 0
    for statement in statements:
        if name not in flow.changed(statement):
            continue
        if isinstance(statement, cst.If):
            other = statement.orelse
            if other is None or not _every_turn(statements_of(statement.body), name, key):
                return False
            rest = [other] if isinstance(other, cst.If) else statements_of(other.body)
            if not _every_turn(rest, name, key):
                return False
        elif not _fills(statement, name, key):
            return False
        count += 1
    return count == 1


def _fills(statement: Statement, name: str, key: str | None) -> bool:
    if key is None:
        append = m.Call(func=m.Attribute(m.Name(name), m.Name("append")))
        return m.matches(statement, m.SimpleStatementLine([m.Expr(append)]))
    index = m.SubscriptElement(m.Index(m.Name(key)))
    target = m.AssignTarget(m.Subscript(m.Name(name), [index]))
    return m.matches(statement, m.SimpleStatementLine([m.Assign([target])]))


def of_parameters(program: Program, function: cst.FunctionDef) -> dict[str, Along]:
    """Return what goes along with the parameters of a function, if all its calls agree."""
    from torchtwin.translate.functional.values import placed

    found: dict[str, set[Along | None]] = {}
    areas: list[tuple[cst.CSTNode, list[Statement], set[str]]] = []
    for node in program.functions.values():
        inner = statements_of(node.body)
        local = {n for s in inner for n in flow.bound(s)}
        areas.append((node.body, inner, local | {p.name.value for p in node.params.params}))
    outside = [s for s in program.module.body if not isinstance(s, cst.FunctionDef)]
    areas += [(s, list(outside), set()) for s in outside]
    for area, statements, local in areas:
        for call in findall(area, m.Call(func=m.Name(function.name.value))):
            for name, arg in placed(function, call).items():
                value = arg.value
                if isinstance(value, cst.Name):
                    known = along(program, statements, value.value)
                else:
                    known = of_expression(program, value)
                if known is not None and set(flow.reads(expression(known.source))) & local:
                    known = None
                found.setdefault(name, set()).add(known)
    return {
        name: each
        for name, several in found.items()
        if len(several) == 1 and (each := next(iter(several))) is not None
    }


class _Bare(cst.CSTVisitor):
    """Finds uses of a dict other than `inputs[key]`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.found = name, False

    def visit_Subscript(self, node: cst.Subscript) -> bool:
        for element in node.slice:
            element.visit(self)
        if not isinstance(node.value, cst.Name):
            node.value.visit(self)
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self.found |= node.value == self.name


def in_order(name: str, known: Along | None, statements: Sequence[Statement]) -> list[Statement]:
    """Return what puts a dict of tensors in the order that the layers are made in, if it matters.

    A Functional model finds its inputs by their keys: the caller's order must not matter.
    """
    visitor = _Bare(name)
    for statement in statements:
        statement.visit(visitor)
    if not visitor.found:
        return []
    if known is None:
        raise Refusal(statements[0], f"the order of the keys of {name} is not known")
    key = "key" if name != "key" else "each"
    return [assign(name, expression(f"{{{key}: {name}[{key}] for {key} in {known.source}}}"))]
