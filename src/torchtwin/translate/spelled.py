"""Names of optimizers, losses and metrics that reach `compile` through variables.

What a variable holds is known when the program runs: `by_name` looks its string up among those
that the program spells and Keras knows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import libcst as cst
import libcst.matchers as m

from torchtwin.errors import TorchTwinError
from torchtwin.expr import Expr, call
from torchtwin.translate.canonical import is_foreign
from torchtwin.translate.parts.structures import by_name
from torchtwin.translate.search import findall
from torchtwin.translate.values import source_of

if TYPE_CHECKING:
    from torchtwin.translate.program import Program


def looked_up(
    program: Program,
    before: cst.BaseExpression,
    after: cst.BaseExpression,
    of: Callable[[str], Expr],
) -> cst.BaseExpression:
    """Return an argument of `compile`, looked up by name where it may be a string."""
    if not isinstance(before, cst.Name | cst.Attribute | cst.Subscript | cst.Call):
        return after
    if not _may_be_string(program, before):
        return after
    known = {}
    for name in _spelled(program.module):
        try:
            known[name] = of(name)
        except TorchTwinError:
            continue
    return program.node(call(by_name, source_of(after), known)) if known else after


def _may_be_string(program: Program, node: cst.BaseExpression) -> bool:
    """Tell whether a value is not known to be an object of Keras's or a function."""
    if isinstance(node, cst.Call):
        return not is_foreign(program.names.of(node.func)) and not isinstance(node.func, cst.Name)
    name = node.value if isinstance(node, cst.Name) else ""
    if not name:
        return True
    if findall(program.module, m.FunctionDef(name=m.Name(name)) | m.ClassDef(name=m.Name(name))):
        return False
    given = [_value(found) for found in findall(program.module, _binds(name))]
    return any(value is None or _has_string(program, value) for value in given)


def _binds(name: str) -> m.OneOf[m.BaseMatcherNode]:
    own = m.Name(name)
    among = m.Tuple([m.ZeroOrMore(), m.Element(own), m.ZeroOrMore()])
    return m.OneOf(
        m.Assign(targets=[m.AssignTarget(target=own)]), m.AnnAssign(target=own),
        m.Param(name=own), m.For(target=own | among),
    )  # fmt: skip


def _value(node: cst.CSTNode) -> cst.BaseExpression | None:
    return node.value if isinstance(node, cst.Assign | cst.AnnAssign) else None


def _has_string(program: Program, node: cst.CSTNode) -> bool:
    """Tell whether a value may be a string, or hold one."""
    if isinstance(node, cst.Call):
        return not is_foreign(program.names.of(node.func))
    return isinstance(node, cst.SimpleString | cst.Name | cst.Attribute | cst.Subscript) or any(
        _has_string(program, part)
        for part in node.children
        if isinstance(part, cst.BaseExpression | cst.BaseElement | cst.BaseDictElement)
    )


def _spelled(module: cst.Module) -> list[str]:
    """Return the strings of a program that may be names, each once."""
    nodes = [n for n in findall(module, m.SimpleString()) if isinstance(n, cst.SimpleString)]
    found = dict.fromkeys(node.evaluated_value for node in nodes)
    return [s for s in found if isinstance(s, str) and s.isidentifier()]
