"""Masks made explicit: Keras source to Keras source.

Keras hangs a mask on the tensor that an Embedding or Masking layer gives, and hands it on from
layer to layer without a word (keras/src/layers/layer.py, `Layer.__call__`). In PyTorch nothing
does so. Here the mask is a variable, where something uses it:

    x = self.embedding(tokens)          mask = self.embedding.compute_mask(tokens)
                                        x = self.embedding(tokens)
    x = self.lstm(x)                    x = self.lstm(x, mask=mask)

A class whose layers use the mask of its input gets an argument for it; one whose result has a mask
that is asked for, by a model around it or by the loss, keeps it as `output_mask`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.infer import Kinds
from torchtwin.translate.inventory import Inventory, is_layer
from torchtwin.translate.masking.flow import Flow
from torchtwin.translate.masking.layers import Layers
from torchtwin.translate.masking.writer import Writer
from torchtwin.translate.names import Names
from torchtwin.translate.refusals import Refusals
from torchtwin.translate.search import findall

TRAINING = frozenset({"compile", "fit", "evaluate", "train_on_batch", "test_on_batch"})
ROUNDS = 12


def explicit_masks(
    module: cst.Module, refusals: Refusals, functional: Collection[str] = ()
) -> cst.Module:
    """Return a module whose layers and models hand masks on themselves.

    `functional` are the classes that stand for functional models and their parts.
    """
    names = Names(module)
    inventory = Inventory(names).of(module)
    kinds = Kinds(names, inventory).run(module)
    layers = Layers(names, inventory, kinds.known, frozenset(functional))
    layers.globals = layers.local(cst.Module([s for s in module.body if not _defines(s)]))
    layers.calls = [c for c in findall(module, m.Call()) if isinstance(c, cst.Call)]
    trained = _trains(module)
    for _ in range(ROUNDS):
        before = layers.state()
        flows = list(_flows(layers, module))
        for flow in flows:
            _found(layers, flow, trained=trained)
        if before == layers.state():
            break
    chains = _chains(layers, flows, module, trained=trained)
    for flow in flows:
        for place, reason in flow.notes.refused:
            refusals.add(place, "mask", reason)
    parameters = {
        flow.function: [p for p in flow.notes.parameters if p in flow.notes.used]
        for flow in flows
        if flow.function is not None
    }
    changed = module.visit(Writer([f.notes for f in flows], parameters, chains, refusals))
    assert isinstance(changed, cst.Module)
    return changed


def class_names(module: cst.Module) -> set[str]:
    """Return the names of all classes that a program defines."""
    found = findall(module, m.ClassDef())
    return {node.name.value for node in found if isinstance(node, cst.ClassDef)}


def _defines(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.FunctionDef | cst.ClassDef)


def _trains(module: cst.Module) -> bool:
    """Tell whether a program trains a model in Keras's way: the loss then sees masks."""
    calls = findall(module, m.Call(func=m.Attribute()))
    attributes = [c.func for c in calls if isinstance(c, cst.Call)]
    return any(isinstance(a, cst.Attribute) and a.attr.value in TRAINING for a in attributes)


def _flows(layers: Layers, module: cst.Module) -> Iterator[Flow]:
    """Go through every function of the program, and through what is in none."""
    taken = {n.value for n in findall(module, m.Name()) if isinstance(n, cst.Name)}
    for cls, node in layers.inventory.classes.items():
        layer = is_layer(layers.inventory, cls)
        for method in node.body.body:
            if isinstance(method, cst.FunctionDef):
                name = method.name.value
                owner = cls if layer and name == "call" else f"{cls}.{name}"
                if name not in ("build", "compute_mask", "get_config"):
                    flow = Flow(layers, cls, owner, method)
                    flow.functional = name == "call" and cls in layers.functional
                    yield _run(flow)
    for name, function in layers.inventory.functions.items():
        yield _run(Flow(layers, "", name, function))
    flow = Flow(layers, "", "", None)
    flow.notes.taken |= taken
    flow.local = dict(layers.globals)
    flow.block([s for s in module.body if not _defines(s)])
    yield flow


def _run(flow: Flow) -> Flow:
    assert flow.function is not None
    names = findall(flow.function, m.Name())
    flow.notes.taken |= {n.value for n in names if isinstance(n, cst.Name)}
    flow.local = flow.layers.local(flow.function.body)
    flow.run()
    return flow


def _found(layers: Layers, flow: Flow, *, trained: bool) -> None:
    """Note what was found out of a function for its callers."""
    masked = [value for _, value in flow.returned if value.masked]
    if masked:
        counts = {len(value.parts or ()) for value in masked}
        layers.leaks[flow.owner] = counts.pop() if len(counts) == 1 else 0
        root = layers.inventory.root(flow.cls) if flow.cls == flow.owner else ""
        if trained and root == "keras.Model":
            layers.watched.add(flow.cls)
    flow.notes.written()
    layers.needed[flow.owner] = {p for p in flow.notes.parameters if p in flow.notes.used}
    if flow.function is not None:
        own = {name for name in flow.notes.used if name.endswith("mask")}
        layers.needed[flow.owner] |= own & set(flow.argument_names)


def _chains(
    layers: Layers, flows: list[Flow], module: cst.Module, *, trained: bool
) -> dict[cst.Call, list[int]]:
    """Return the Sequentials that hand masks on, and where masks end in each."""
    found: dict[cst.Call, list[int]] = {}
    for flow in flows:
        body = flow.function if flow.function is not None else module
        for node in findall(body, m.Call()):
            if node in found or layers.names.of(node.func) != "keras.Sequential":
                continue
            plan = flow.plan(node)
            asked = plan.needs or (plan.gives and trained) or node in layers.chains
            if plan.problem and plan.makes:
                flow.refuse(plan.problem)
            elif asked:
                found[node] = plan.stops
    return found
