"""What desugaring may have got wrong without noticing: layers that would be made at every call."""

from __future__ import annotations

from collections.abc import Collection

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional.program import Program
from torchtwin.translate.functional.values import INPUTS, MODELS, SEQUENTIALS
from torchtwin.translate.layer_lists import LAYERS, lists_of
from torchtwin.translate.search import findall


def makes_layers_when_called(
    program: Program, module: cst.Module, classes: Collection[str]
) -> bool:
    """Whether the `call` of a new class uses what makes layers: a closure, a method, an object."""
    makers = _makers(program, module)
    for node in module.body:
        if isinstance(node, cst.ClassDef) and node.name.value in classes:
            calls = findall(node, m.FunctionDef(m.Name("call")))
            if any(_mentioned(method) & makers for method in calls):
                return True
            if any(_creates(program, inner) for inner in findall(node, m.Lambda())):
                return True
    return False


COLLECTS = m.OneOf(*map(m.Name, ("append", "extend", "get_weights")))
"""What a loop does when it makes one thing of each layer."""
BY_PLACE = m.Call(
    func=m.Attribute(attr=m.Name("get_layer")),
    args=[m.AtLeastN(n=0), m.Arg(keyword=m.Name("index")), m.ZeroOrMore()],
)


def counts_layers(program: Program) -> bool:
    """Whether a program looks at the layers of a model by place, or at part of them.

    Inputs are layers in Keras, and so is what a class has no module for: only where a loop goes
    over all of them, and collects nothing, it makes no difference.
    """
    loops = findall(program.module, m.For(iter=LAYERS))
    whole = [
        loop.iter
        for loop in loops
        if isinstance(loop, cst.For) and not findall(loop.body, m.Attribute(attr=COLLECTS))
    ]
    return bool(findall(program.module, BY_PLACE)) or any(
        program.names.qualified(node) is None and not any(node is each for each in whole)
        for node in lists_of(program.module)
    )


def _makers(program: Program, module: cst.Module) -> set[str]:
    """Return the names of functions, methods and plain classes that make layers somewhere."""
    bodies: dict[str, list[cst.CSTNode]] = {}
    found: set[str] = set()
    for node in findall(module, m.FunctionDef() | m.ClassDef()):
        name = cst.ensure_type(node, cst.FunctionDef | cst.ClassDef).name.value  # type: ignore[arg-type]
        if name not in program.layer_classes and not name.startswith("__"):
            bodies.setdefault(name, []).append(node)
    for node in findall(module, m.Assign([m.AssignTarget(m.Name())])):
        assign = cst.ensure_type(node, cst.Assign)
        if _hands_out(program, assign.value):
            name = cst.ensure_type(assign.targets[0].target, cst.Name).value
            found.add(name)
    found |= {n for n, each in bodies.items() if any(_creates(program, node) for node in each)}
    while more := {
        n
        for n, each in bodies.items()
        if n not in found and any(_mentioned(b) & found for b in each)
    }:
        found |= more
    return found


def _creates(program: Program, node: cst.CSTNode) -> bool:
    calls = findall(node, m.Call())
    return any(isinstance(c, cst.Call) and program.kinds.makes_layer(c.func) for c in calls)


def _hands_out(program: Program, node: cst.BaseExpression) -> bool:
    """Whether a value holds what makes layers: a function without a name, a class of layers."""
    if any(_creates(program, inner) for inner in findall(node, m.Lambda())):
        return True
    if isinstance(node, cst.Name | cst.Attribute):
        return False  # another name for the class, which is known
    called = [c.func for c in findall(node, m.Call()) if isinstance(c, cst.Call)]
    return any(
        program.kinds.makes_layer(part) and not any(part is func for func in called)
        for part in findall(node, m.Name() | m.Attribute())
        if isinstance(part, cst.Name | cst.Attribute)
    )


def _mentioned(node: cst.CSTNode) -> set[str]:
    return {n.value for n in findall(node, m.Name()) if isinstance(n, cst.Name)}


def is_functional(program: Program, module: cst.Module) -> bool:
    """Whether models are made of tensors somewhere: keras.Input outside of a Sequential."""
    inside: set[cst.CSTNode] = set()
    calls = [c for c in findall(module, m.Call()) if isinstance(c, cst.Call)]
    for call in calls:
        if program.names.qualified(call.func) in SEQUENTIALS:
            lists = [a.value for a in call.args if isinstance(a.value, cst.List | cst.Tuple)]
            inside.update(e.value for each in lists for e in each.elements)
        if m.matches(call.func, m.Attribute(attr=m.Name("add"))):
            inside.update(a.value for a in call.args)
    names = [program.names.qualified(c.func) for c in calls if c not in inside]
    return any(name in INPUTS | MODELS for name in names)
