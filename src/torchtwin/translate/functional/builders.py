"""Functions that make layers and apply them at once, as layer classes."""

from __future__ import annotations

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional.along import in_order, of_parameters
from torchtwin.translate.functional.calls import with_builders
from torchtwin.translate.functional.classes import Design, layer_class
from torchtwin.translate.functional.program import Builder, Program, Refusal
from torchtwin.translate.functional.rewrite import Statement
from torchtwin.translate.search import findall


def converted(program: Program, builder: Builder) -> list[Statement]:
    """Return the class of a function that builds, behind those of its loops."""
    function = builder.function
    params = function.params
    if params.star_kwarg or isinstance(params.star_arg, cst.Param) or function.decorators:
        raise Refusal(function, "a function that applies layers takes arguments by stars")
    if findall(function.body, m.Yield() | m.Global() | m.Nonlocal()):
        raise Refusal(function, "a function that applies layers is a generator or sets globals")
    own = [*params.posonly_params, *params.params, *params.kwonly_params]
    static = [_bare(p) for p in own if p.name.value not in builder.tensors]
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    for name in sorted(builder.optional):
        flag = cst.Name(builder.flag(name))
        static.append(cst.Param(flag, equal=equal, default=cst.Name("False")))
    tensors = [_bare(p) for p in own if p.name.value in builder.tensors]
    statements = list(function.body.body)
    docstring = None
    if m.matches(statements[0], m.SimpleStatementLine([m.Expr(m.SimpleString())])):
        docstring, statements = statements[0], statements[1:]
    body = [with_builders(program, s) for s in statements if isinstance(s, cst.BaseStatement)]
    design = Design(
        name=builder.name,
        base=program.layer_base(),
        static=static,
        tensors=tensors,
        flags={name: builder.flag(name) for name in builder.optional},
        body=body,
        docstring=docstring if isinstance(docstring, cst.SimpleStatementLine) else None,
        leading=function.leading_lines,
    )
    design.along = of_parameters(program, function)
    dicts = program.mappings.get(function.name.value, set())
    design.mappings = frozenset(dicts | {n for n, each in design.along.items() if each.keys})
    for name in sorted(design.mappings):
        design.body = [*in_order(name, design.along.get(name), body), *design.body]
    program.pending.clear()
    made = layer_class(program, design)
    blocks: list[Statement] = list(program.pending)
    program.pending.clear()
    return [*blocks, made]


def _bare(param: cst.Param) -> cst.Param:
    return param.with_changes(comma=cst.MaybeSentinel.DEFAULT)
