"""The body of a loop that makes several layers, as a layer class of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.program import Refusal
from torchtwin.translate.functional.rewrite import (
    Statement,
    assign,
    body,
    line,
    statements_of,
    tupled,
)
from torchtwin.translate.functional.values import LAYER, TENSOR
from torchtwin.translate.search import findall

if TYPE_CHECKING:
    from torchtwin.translate.functional.split import Splitter


def extracted(splitter: Splitter, node: cst.For, after: set[str]) -> cst.For:
    """Return the loop with the statements that make layers replaced by one layer."""
    statements = statements_of(node.body)
    making = [i for i, s in enumerate(statements) if splitter.program.makes_layers(s)]
    first, last = making[0], making[-1] + 1
    middle, rest = statements[first:last], statements[last:]
    _check(middle, node)
    needed = flow.at_entry(middle)
    written = set().union(*(flow.bound(s) for s in middle))
    read = after.union(*(flow.reads(s) for s in rest), flow.at_entry([*statements]))
    kinds, env = splitter.program.kinds, dict(splitter.env)
    for _ in range(2):
        kinds.bind_iteration(node.target, node.iter, env)
        kinds.flow(statements, env)
    outputs = [n for n in _order(middle) if n in written & read and env[n].kind == TENSOR]
    statics = [n for n in written & read if env[n].kind < TENSOR and n not in outputs]
    if statics or not outputs:
        name = ", ".join(sorted(statics)) or "nothing"
        raise Refusal(node, f"a loop that makes layers leaves {name} behind")
    inside = dict(splitter.env)
    kinds.bind_iteration(node.target, node.iter, inside)
    kinds.flow(statements[:first], inside)
    tensors = [n for n in needed if n in env and env[n].kind == TENSOR]
    plain = [n for n in needed if n in env and n not in tensors and _local(splitter, n, node)]
    name = _class(splitter, node, middle, (plain, tensors, outputs))
    made = cst.Call(cst.Name(name), [cst.Arg(cst.Name(n)) for n in plain])
    value = cst.Call(made, [cst.Arg(cst.Name(n)) for n in tensors])
    replaced: Statement = assign_names(outputs, value)
    return node.with_changes(body=body([*statements[:first], replaced, *rest]))


def assign_names(names: list[str], value: cst.BaseExpression) -> cst.SimpleStatementLine:
    """Return `a, b = value`."""
    if len(names) == 1:
        return assign(names[0], value)
    target = tupled(names)
    assert isinstance(target, cst.BaseAssignTargetExpression)
    return cst.SimpleStatementLine([cst.Assign([cst.AssignTarget(target)], value)])


def _order(statements: list[Statement]) -> list[str]:
    found: list[str] = []
    for statement in statements:
        found += [n for n in sorted(flow.bound(statement)) if n not in found]
    return found


def _local(splitter: Splitter, name: str, node: cst.For) -> bool:
    """Whether a variable is the class's own, not one of the module."""
    outer = splitter.program.globals.get(name)
    local = name in splitter.eventual or name in flow.bound(node)
    return local or outer is None or outer.kind == LAYER


def _check(middle: list[Statement], node: cst.For) -> None:
    for statement in middle:
        if findall(statement, m.Break() | m.Continue() | m.Return()):
            raise Refusal(node, "a loop that makes layers is left early")
        own = set().union(*(flow.bound(s) for s in middle))
        if outer := sorted(flow.changed(statement) - own):
            raise Refusal(node, f"a loop that makes layers fills {', '.join(outer)} on the way")


def _class(
    splitter: Splitter,
    node: cst.For,
    middle: list[Statement],
    names: tuple[list[str], list[str], list[str]],
) -> str:
    from torchtwin.translate.functional.classes import Design, layer_class

    plain, tensors, outputs = names
    program = splitter.program
    if id(node) not in program.blocks:
        name = program.fresh_class(f"{program.owner}Block")
        program.blocks[id(node)] = (node, name)
        program.layer_classes.add(name)
        returned = line(cst.Return(tupled(outputs)))
        design = Design(
            name=name,
            base=program.layer_base(),
            static=[cst.Param(cst.Name(n)) for n in plain],
            tensors=[cst.Param(cst.Name(n)) for n in tensors],
            body=[*middle, returned],
            layers={n for n in plain if splitter.kind_of_name(n) == LAYER},
        )
        program.pending.append(layer_class(program, design))
    return program.blocks[id(node)][1]
