"""Loops that make layers: a list of layers made by the one loop and applied by the other."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional import blocks, flow
from torchtwin.translate.functional.along import of_expression
from torchtwin.translate.functional.apply import with_attributes
from torchtwin.translate.functional.naming import plural, weightless
from torchtwin.translate.functional.program import Refusal
from torchtwin.translate.functional.rewrite import (
    Statement,
    assign,
    body,
    expression,
    line,
    own,
    statements_of,
)
from torchtwin.translate.functional.values import TENSOR
from torchtwin.translate.search import findall

if TYPE_CHECKING:
    from torchtwin.translate.functional.making import Halves, Maker, Slot
    from torchtwin.translate.functional.split import Splitter


def split(splitter: Splitter, node: cst.For, after: set[str]) -> Halves:
    """Split a loop into one that makes layers and one that applies them."""
    from torchtwin.translate.functional.making import Halves

    kinds = splitter.program.kinds
    kinds.bind_iteration(node.target, node.iter, splitter.env)
    env = dict(splitter.env)
    kinds.step(node, env)
    applies = any(
        env[n].kind == TENSOR for n in (*flow.reads(node), *flow.written(node)) if n in env
    )
    if not splitter.program.makes_layers(node) or not applies:
        kinds.step(node, splitter.env)
        changed = splitter.attributed(node)
        return Halves(call=[changed]) if applies else Halves(init=[changed])
    if splitter.slots is not None:
        raise NeedsBlock(node, "layers are made in loops inside one another")
    before, taken = dict(splitter.env), copy(splitter.attributes.taken)
    try:
        return _lists(splitter, node, after | set(flow.reads(node)))
    except NeedsBlock:
        splitter.env, splitter.attributes.taken, splitter.slots = before, taken, None
    try:
        inner = blocks.extracted(splitter, node, after)
    except Refusal:  # None in the lists at the turns that make no layer
        return _lists(splitter, node, after | set(flow.reads(node)), loose=True)
    return _lists(splitter, inner, after | set(flow.reads(node)))


class NeedsBlock(Refusal):
    """What a turn of a loop makes is more than one layer: it becomes a class of its own."""


def _lists(splitter: Splitter, node: cst.For, after: set[str], *, loose: bool = False) -> Halves:
    """One list for each layer that a turn makes."""
    from torchtwin.translate.functional.making import Halves

    kinds = splitter.program.kinds
    splitter.slots, depth, splitter.depth = [], splitter.depth, 0
    splitter.program.kinds.flow(node.body.body, probe := dict(splitter.env))
    for name, value in probe.items():  # what a turn leaves is what the next one finds
        if name in splitter.env and value.kind > splitter.env[name].kind:
            splitter.env[name] = value
    _forget_shapes(splitter, node)
    kinds.bind_iteration(node.target, node.iter, splitter.env)
    halves = splitter.block(statements_of(node.body), after)
    slots, splitter.slots, splitter.depth = splitter.slots, None, depth
    _forget_shapes(splitter, node)
    if not slots:
        raise Refusal(node, "layers are made in a loop in a way that is not followed")
    names = {slot.name for slot in slots}
    weighty = [slot for slot in slots if not _weightless(splitter, slot.creation)]
    if not loose and (len(weighty) > 1 or any(slot.nested for slot in slots)):
        raise NeedsBlock(node, "several layers are made at each turn of a loop")
    if any(names & set(flow.reads(slot.creation)) for slot in slots):
        raise NeedsBlock(node, "layers are made of layers at each turn of a loop")
    if any(findall(s, m.Break() | m.Continue()) for s in halves.init):
        raise Refusal(node, "a loop that makes layers is left early")
    target, over = without_tensors(splitter, node.target, node.iter)
    kept = {slot.name: splitter.attributes.numbered(plural(slot.base)) for slot in slots}
    init = _made(halves.init, slots, kept, target, over)
    strict = kinds.of(node.iter, splitter.env) == TENSOR
    return Halves(init, [_applied(splitter, node, halves.call, kept, strict)])


def _forget_shapes(splitter: Splitter, node: cst.For) -> None:
    """What a loop assigns is, at its next turn, no longer the input or of a known size."""
    from torchtwin.translate.functional.values import Value

    for name in flow.bound(node):
        if name in splitter.env and (splitter.env[name].origin or splitter.env[name].last):
            splitter.env[name] = Value(splitter.env[name].kind, splitter.env[name].attribute)


def _weightless(splitter: Splitter, creation: cst.BaseExpression) -> bool:
    if not isinstance(creation, cst.Call):
        return False
    name = splitter.program.names.qualified(creation.func) or ""
    last = name.rpartition(".")[2]
    return name.startswith("keras.layers.") and weightless(last)


def _made(
    statements: list[Statement],
    slots: list[Slot],
    kept: dict[str, str],
    target: cst.BaseExpression,
    over: cst.BaseExpression,
) -> list[Statement]:
    """Return what fills the lists: comprehensions where nothing else is done on the way."""
    assert isinstance(target, cst.BaseAssignTargetExpression)
    if not statements:
        clause = cst.CompFor(target, over)
        return [assign(f"self.{kept[s.name]}", cst.ListComp(s.creation, clause)) for s in slots]
    empty: list[Statement] = [assign(f"self.{kept[s.name]}", cst.List([])) for s in slots]
    adding: list[Statement] = []
    for slot in slots:
        append = cst.Attribute(own(kept[slot.name]), cst.Name("append"))
        adding.append(line(cst.Expr(cst.Call(append, [cst.Arg(slot.creation)]))))
    return [*empty, cst.For(target, over, body([*statements, *adding]))]


def _applied(
    splitter: Splitter,
    node: cst.For,
    statements: list[Statement],
    kept: dict[str, str],
    strict: bool,
) -> cst.For:
    """Return the loop over the lists, and over what it went over where that is still needed."""
    layers = [(cst.Name(name), own(attribute)) for name, attribute in kept.items()]
    needed = {name for s in statements for name in flow.reads(s)}
    target: cst.BaseExpression = node.target
    over = with_attributes(node.iter, splitter.env)
    used = flow.targets(target) & needed
    index: cst.BaseExpression | None = None
    if used and isinstance(over, cst.Call) and isinstance(over.func, cst.Name):
        function, args = over.func.value, [arg.value for arg in over.args]
        if function == "range" and len(args) == 1 and isinstance(target, cst.Name):
            index, used = target, set()
        elif function == "enumerate" and len(args) == 1 and isinstance(target, cst.Tuple):
            index, target, over = target.elements[0].value, target.elements[1].value, args[0]
            index = index if flow.targets(index) & needed else None
            used = flow.targets(target) & needed
    pairs: list[tuple[cst.BaseExpression, cst.BaseExpression]] = list(layers)
    if used:
        pairs = [*layers, *_parts(target, over, needed)]
    names: cst.BaseExpression = pairs[0][0]
    values: cst.BaseExpression = pairs[0][1]
    if len(pairs) > 1:
        names = cst.Tuple([cst.Element(name) for name, _ in pairs], lpar=[], rpar=[])
        values = _zip([value for _, value in pairs], strict)
    if index is not None:
        grouped = names.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        inner = grouped if isinstance(names, cst.Tuple) else names
        names = cst.Tuple([cst.Element(index), cst.Element(inner)], lpar=[], rpar=[])
        values = cst.Call(cst.Name("enumerate"), [cst.Arg(values)])
    assert isinstance(names, cst.BaseAssignTargetExpression)
    return node.with_changes(target=names, iter=values, body=body(statements))


def _zip(values: list[cst.BaseExpression], strict: bool) -> cst.Call:
    args = [cst.Arg(value) for value in values]
    if strict:
        equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
        args.append(cst.Arg(cst.Name("True"), cst.Name("strict"), equal))
    return cst.Call(cst.Name("zip"), args)


def _parts(
    target: cst.BaseExpression, over: cst.BaseExpression, needed: set[str]
) -> list[tuple[cst.BaseExpression, cst.BaseExpression]]:
    """Return the parts of a zip that are needed, or the whole."""
    if _zipped(target, over):
        assert isinstance(target, cst.Tuple)
        assert isinstance(over, cst.Call)
        pairs = zip(target.elements, over.args, strict=True)
        return [(e.value, a.value) for e, a in pairs if flow.targets(e.value) & needed]
    return [(target, over)]


def _zipped(target: cst.BaseExpression, over: cst.BaseExpression) -> bool:
    """Whether a loop goes over a zip, and names each part of it."""
    if not isinstance(target, cst.Tuple) or not isinstance(over, cst.Call):
        return False
    zipped = isinstance(over.func, cst.Name) and over.func.value == "zip"
    return zipped and len(target.elements) == len(over.args)


def without_tensors(
    splitter: Maker, target: cst.BaseExpression, over: cst.BaseExpression
) -> tuple[cst.BaseExpression, cst.BaseExpression]:
    """Return what a loop goes over without the tensors among it: of equal length, or refused."""
    kinds = splitter.program.kinds
    if kinds.of(over, splitter.env) != TENSOR:
        return target, splitter.for_init(over)
    if _zipped(target, over):
        assert isinstance(target, cst.Tuple)
        assert isinstance(over, cst.Call)
        pairs = [
            (element.value, arg.value)
            for element, arg in zip(target.elements, over.args, strict=True)
            if kinds.of(arg.value, splitter.env) != TENSOR
        ]
        if len(pairs) == 1:
            return pairs[0]
        if pairs:
            names = cst.Tuple([cst.Element(name) for name, _ in pairs], lpar=[], rpar=[])
            return names, cst.Call(cst.Name("zip"), [cst.Arg(value) for _, value in pairs])
        return without_tensors(splitter, target.elements[0].value, over.args[0].value)
    if isinstance(over, cst.Call) and isinstance(over.func, cst.Name) and over.args:
        inner = over.args[0].value
        if over.func.value in {"reversed", "list", "tuple", "sorted"}:
            target, known = without_tensors(splitter, target, inner)
            return target, over.with_changes(args=[cst.Arg(known)])
        if over.func.value == "enumerate" and isinstance(target, cst.Tuple):
            index, element = (e.value for e in target.elements)
            element, known = without_tensors(splitter, element, inner)
            pair = cst.Tuple([cst.Element(index), cst.Element(element)], lpar=[], rpar=[])
            return pair, over.with_changes(args=[cst.Arg(known), *over.args[1:]])
    return _counted(splitter, target, over)


def _counted(
    splitter: Maker, target: cst.BaseExpression, over: cst.BaseExpression
) -> tuple[cst.BaseExpression, cst.BaseExpression]:
    """Return the plain values along with a container of tensors, by name or written out."""
    method, container = "", over
    if isinstance(over, cst.Call) and isinstance(over.func, cst.Attribute):
        method, container = over.func.attr.value, over.func.value
    if isinstance(container, cst.Name):
        known = splitter.along(container.value)
    else:
        known = of_expression(splitter.program, container)
    if known is None or (method and method not in {"keys", "values", "items"}):
        raise Refusal(over, "layers are made in a loop over tensors")
    source = splitter.for_init(expression(known.source))
    if method == "items" and isinstance(target, cst.Tuple) and known.keys:
        return target.elements[0].value, source
    if known.keys and method in {"", "keys"}:
        return target, source
    return cst.Name("_"), source
