"""Puts a penalty behind every layer that has an activity regulariser.

Keras adds the penalty to the loss, divided by the batch (keras/src/layers/layer.py, `__call__`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from torchtwin.errors import UntrainedError
from torchtwin.graph import Graph, Layer, Node, Ref, replaced

KIND = "steps.ActivityPenalty"
SUMS = {"L1": ("l1",), "L2": ("l2",), "L1L2": ("l1", "l2")}


def activity_penalties(graph: Graph) -> Graph:
    """Return the graph with a node behind each output that is regularised, nested models too."""
    layers: dict[str, Layer] = {}
    for name, layer in graph.layers.items():
        inner = layer.graph
        layers[name] = layer if inner is None else replace(layer, graph=activity_penalties(inner))
    nodes: list[Node] = []
    values = dict(graph.values)
    behind: dict[str, Ref] = {}
    for node in graph.nodes:
        args, kwargs = replaced(node.args, behind), replaced(dict(node.kwargs), behind)
        nodes.append(replace(node, args=args, kwargs=kwargs))
        factors = _factors(graph.layers[node.layer])
        if any(factors.values()):
            penalty = _penalty(node, layers, factors)
            nodes.append(penalty)
            (given,), (result,) = node.outputs, penalty.outputs
            values[result] = replace(values[given], name=result)
            behind[given] = Ref(result)
    outputs = tuple(behind[o].value if o in behind else o for o in graph.outputs)
    return replace(graph, layers=layers, nodes=tuple(nodes), values=values, outputs=outputs)


def _penalty(node: Node, layers: dict[str, Layer], factors: Mapping[str, float]) -> Node:
    """Return the node that charges a call for its result."""
    if len(node.outputs) != 1:
        raise UntrainedError(
            "an activity regulariser on a layer with several results", where=node.layer
        )
    call = node.name.rpartition("@")[2]
    name = f"{node.layer}/activity" + (f"_{call}" if call.isdecimal() and int(call) else "")
    layers[name] = Layer(name, KIND, dict(factors), f"{layers[node.layer].path}/activity")
    return Node(f"{name}@{call}", name, (Ref(node.outputs[0]),), {}, (f"{name}@{call}:0",))


def _factors(layer: Layer) -> dict[str, float]:
    """Return the l1 and l2 that a layer's activity is charged with."""
    if layer.graph is None and any(map(_regularised, layer.config.values())):
        raise UntrainedError(
            "an activity regulariser inside a wrapper is not translated", where=layer.path
        )
    if layer.class_name == "ActivityRegularization":
        return {k: _shortest(layer.config.get(k) or 0.0) for k in ("l1", "l2")}
    entry = layer.config.get("activity_regularizer")
    if entry is None:
        return {}
    if not isinstance(entry, Mapping) or entry.get("class_name") not in SUMS:
        raise UntrainedError(f"the activity regulariser {entry!r}", where=layer.path)
    config = entry.get("config") or {}
    return {k: _shortest(config.get(k, 0.01)) for k in SUMS[entry["class_name"]]}


def _shortest(factor: Any) -> float:
    """Return 0.01 for 0.009999999776482582: Keras writes its float32 numbers in full."""
    return float(str(np.float32(factor)))


def _regularised(value: Any) -> bool:
    """Tell whether a config value holds a layer with an activity regulariser."""
    if isinstance(value, Mapping):
        return value.get("activity_regularizer") is not None or any(
            map(_regularised, value.values())
        )
    return isinstance(value, list | tuple) and any(map(_regularised, value))
