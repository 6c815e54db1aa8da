"""What desugaring may have got wrong without noticing: layers that would be made at every call."""

from __future__ import annotations

from collections.abc import Collection

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional.program import Program
from torchtwin.translate.functional.values import INPUTS, MODELS, SEQUENTIALS


def makes_layers_when_called(
    program: Program, module: cst.Module, classes: Collection[str]
) -> bool:
    """Whether the `call` of a new class uses what makes layers: a closure, a method, an object."""
    makers = _makers(program, module)
    for node in module.body:
        if isinstance(node, cst.ClassDef) and node.name.value in classes:
            calls = m.findall(node, m.FunctionDef(m.Name("call")))
            if any(_mentioned(method) & makers for method in calls):
                return True
            if any(_creates(program, inner) for inner in m.findall(node, m.Lambda())):
                return True
    return False


def _makers(program: Program, module: cst.Module) -> set[str]:
    """Return the names of functions, methods and plain classes that make layers somewhere."""
    bodies: dict[str, list[cst.CSTNode]] = {}
    named = m.AssignTarget(m.Name())
    for node in m.findall(module, m.FunctionDef() | m.ClassDef() | m.Assign([named], m.Lambda())):
        if isinstance(node, cst.Assign):
            name = cst.ensure_type(node.targets[0].target, cst.Name).value
        else:
            name = cst.ensure_type(node, cst.FunctionDef | cst.ClassDef).name.value  # type: ignore[arg-type]
        if name not in program.layer_classes and not name.startswith("__"):
            bodies.setdefault(name, []).append(node)
    found = {n for n, each in bodies.items() if any(_creates(program, node) for node in each)}
    while more := {
        n
        for n, each in bodies.items()
        if n not in found and any(_mentioned(b) & found for b in each)
    }:
        found |= more
    return found


def _creates(program: Program, node: cst.CSTNode) -> bool:
    calls = m.findall(node, m.Call())
    return any(isinstance(c, cst.Call) and program.kinds.makes_layer(c.func) for c in calls)


def _mentioned(node: cst.CSTNode) -> set[str]:
    return {n.value for n in m.findall(node, m.Name()) if isinstance(n, cst.Name)}


def is_functional(program: Program, module: cst.Module) -> bool:
    """Whether models are made of tensors somewhere: keras.Input outside of a Sequential."""
    inside: set[cst.CSTNode] = set()
    calls = [c for c in m.findall(module, m.Call()) if isinstance(c, cst.Call)]
    for call in calls:
        if program.names.qualified(call.func) in SEQUENTIALS:
            lists = [a.value for a in call.args if isinstance(a.value, cst.List | cst.Tuple)]
            inside.update(e.value for each in lists for e in each.elements)
        if m.matches(call.func, m.Attribute(attr=m.Name("add"))):
            inside.update(a.value for a in call.args)
    names = [program.names.qualified(c.func) for c in calls if c not in inside]
    return any(name in INPUTS | MODELS for name in names)
