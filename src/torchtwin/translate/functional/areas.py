"""Functions and classes of a program in which models are made of tensors."""

from __future__ import annotations

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.places import Place, Region
from torchtwin.translate.functional.program import Program
from torchtwin.translate.functional.regions import region
from torchtwin.translate.functional.rewrite import Statement, body, statements_of
from torchtwin.translate.functional.values import STATIC, Env, Value
from torchtwin.translate.search import findall

BLANK = [cst.EmptyLine(indent=False)] * 2


def defined(program: Program, node: cst.FunctionDef | cst.ClassDef) -> Region:
    """Turn the models that a function or a class's methods make into classes before it."""
    if not program.has_model(node):
        return Region([node])
    if isinstance(node, cst.FunctionDef):
        done = _function(program, node, {}, frozenset())
    else:
        done = _class(program, node)
    if done.classes:
        first = done.classes[0].with_changes(leading_lines=node.leading_lines)
        done.classes = [first, *(c.with_changes(leading_lines=BLANK) for c in done.classes[1:])]
        done.statements = [done.statements[0].with_changes(leading_lines=BLANK)]
    return done


def _class(program: Program, node: cst.ClassDef) -> Region:
    result = Region([])
    methods: list[Statement] = []
    names = frozenset(f.name.value for f in node.body.body if isinstance(f, cst.FunctionDef))
    for method in statements_of(node.body):
        if isinstance(method, cst.FunctionDef) and program.has_model(method):
            done = _function(program, method, _own(method), names)
            result.classes += done.classes
            result.refused += done.refused
            result.inputs |= done.inputs
            methods += done.statements
        else:
            methods.append(method)
    result.statements = [node.with_changes(body=node.body.with_changes(body=methods))]
    return result


def _own(method: cst.FunctionDef) -> dict[str, str]:
    """Return names for the attributes of `self` that a method reads: their own, if free."""
    if not method.params.params:
        return {}
    owner = method.params.params[0].name.value
    taken = {n.value for n in findall(method, m.Name()) if isinstance(n, cst.Name)}
    found: dict[str, str] = {}
    for node in findall(method, m.Attribute(m.Name(owner), m.Name())):
        name = node.attr.value
        reads = [n for n in findall(method, m.Name(name)) if n is not node.attr]
        shared = any(not _is_attribute(method, n) for n in reads)
        found[name] = f"own_{name}" if shared and name in taken else name
    return found


def _is_attribute(method: cst.FunctionDef, name: cst.CSTNode) -> bool:
    found = findall(method, m.Attribute())
    return any(isinstance(a, cst.Attribute) and a.attr is name for a in found)


def _function(
    program: Program, function: cst.FunctionDef, own: dict[str, str], methods: frozenset[str]
) -> Region:
    """Turn the models that a function makes into classes."""
    env: Env = dict(program.globals)
    params = function.params
    given = [*params.posonly_params, *params.params, *params.kwonly_params]
    given += [p for p in (params.star_arg, params.star_kwarg) if isinstance(p, cst.Param)]
    env |= {p.name.value: Value(STATIC) for p in given}
    statements = statements_of(function.body)
    local = {p.name.value for p in given} | {n for s in statements for n in flow.bound(s)}
    owner = params.params[0].name.value if own else ""
    order = tuple(p.name.value for p in given)
    place = Place(function.name.value, local, order, owner, own, methods)
    done = region(program, statements, env, place)
    if not done.classes:
        return Region([function], refused=done.refused)
    first, *rest = done.statements
    lines = list(getattr(first, "leading_lines", []))
    while lines and lines[0].comment is None:
        lines = lines[1:]
    statements = [first.with_changes(leading_lines=lines), *rest]
    done.statements = [function.with_changes(body=body(statements))]
    return done
