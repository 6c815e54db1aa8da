"""Functions that build, defined inside another function: moved out of it, with what they need."""

from __future__ import annotations

from typing import Any

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.program import Program
from torchtwin.translate.functional.rewrite import Statement, body, statements_of
from torchtwin.translate.functional.values import STATIC, TENSOR, Env, Value
from torchtwin.translate.search import findall

SPACE = cst.SimpleWhitespace("")


def with_lifted(program: Program) -> cst.Module:
    """Return the module with nested functions that make layers as functions of their own."""
    statements: list[Statement] = []
    for node in program.module.body:
        if isinstance(node, cst.FunctionDef):
            statements += _lifted(program, node)
        else:
            statements.append(node)
    return program.module.with_changes(body=statements)


def _lifted(program: Program, outer: cst.FunctionDef) -> list[Statement]:
    """Return the functions that were inside, and the one around them."""
    inner = statements_of(outer.body)
    found = {
        s.name.value: s
        for s in inner
        if isinstance(s, cst.FunctionDef) and program.makes_layers(s.body)
    }
    if not found:
        return [outer]
    closures = {name: _closure(program, outer, node, set(found)) for name, node in found.items()}
    if any(closure is None for closure in closures.values()):
        return [outer]
    known = {name: closure or [] for name, closure in closures.items()}
    visitor = _Calls(known)
    rest = [s for s in inner if s not in found.values()]
    before: list[Statement] = []
    for name, node in found.items():
        none, equal = cst.Name("None"), cst.AssignEqual(SPACE, SPACE)
        params = [cst.Param(cst.Name(n), equal=equal, default=none) for n in known[name]]
        moved: Any = node.visit(visitor)
        given = moved.params.with_changes(params=[*moved.params.params, *params])
        lines = [cst.EmptyLine(indent=False)] * 2 if before else outer.leading_lines
        before.append(moved.with_changes(params=given, leading_lines=lines))
    changed: Any = [s.visit(visitor) for s in rest]
    blank = [cst.EmptyLine(indent=False)] * 2
    return [*before, outer.with_changes(body=body(changed), leading_lines=blank)]


def _closure(
    program: Program, outer: cst.FunctionDef, node: cst.FunctionDef, siblings: set[str]
) -> list[str] | None:
    """Return the plain values of the outer function that an inner one reads; None if others."""
    name = node.name.value
    uses = len(findall(program.module, m.Name(name)))
    if uses != len(findall(outer, m.Call(func=m.Name(name)))) + 1:
        return None
    if name in program.functions or node.params.star_kwarg or node.params.kwonly_params:
        return None
    params = {p.name.value for p in outer.params.params}
    env: Env = {**program.globals, **{n: Value(STATIC) for n in params}}
    statements = statements_of(outer.body)
    program.kinds.flow(statements, env)
    local = params | {n for s in statements for n in flow.bound(s)}
    closure = [n for n in dict.fromkeys(flow.free(node)) if n in local and n not in siblings]
    for each in closure:
        times = sum(each in flow.bound(s) for s in statements)
        if (each in env and env[each].kind == TENSOR) or times + (each in params) != 1:
            return None
        if any(each in flow.bound(s) for s in statements if isinstance(s, cst.For | cst.While)):
            return None
    return closure


class _Calls(cst.CSTTransformer):
    """Gives the calls of lifted functions what they read before from around them."""

    def __init__(self, closures: dict[str, list[str]]) -> None:
        super().__init__()
        self.closures = closures

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        func = original_node.func
        names = self.closures.get(func.value, []) if isinstance(func, cst.Name) else []
        equal = cst.AssignEqual(SPACE, SPACE)
        added = [cst.Arg(cst.Name(n), cst.Name(n), equal) for n in names]
        if not added:
            return updated_node
        args = [a.with_changes(comma=cst.MaybeSentinel.DEFAULT) for a in updated_node.args]
        return updated_node.with_changes(args=[*args, *added])
