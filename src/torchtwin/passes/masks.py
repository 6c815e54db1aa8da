"""Makes Keras's silent masks values of the graph: where one is made, who uses it, where it ends.

Keras attaches a mask to a tensor and hands it on from layer to layer. Here each call gets the
masks of its inputs (`Node.masks`), a layer that makes a mask gets a node of kind "mask" in front
of the first use, and a mask that nothing uses is left out.
"""

from __future__ import annotations

from dataclasses import replace

from torchtwin.apply import apply, view_of
from torchtwin.expr import Var
from torchtwin.graph import Graph, Layer, Node, Ref
from torchtwin.rule import rule_of


def explicit_masks(graph: Graph) -> Graph:
    """Return the graph with masks as values; nested models get theirs inside."""
    layers = {name: _inside(layer) for name, layer in graph.layers.items()}
    graph = replace(graph, layers=layers)
    masks: dict[str, str | None] = dict.fromkeys(graph.inputs)
    nodes: list[Node] = []
    values = dict(graph.values)
    for node in graph.nodes:
        given = tuple(masks.get(name) for name in node.inputs)
        node = replace(node, masks=given if any(given) else ())
        nodes.append(node)
        made = _mask_of(replace(graph, values=values), node)
        if isinstance(made, Node):
            nodes.append(made)
            result = apply(replace(graph, values=values), made).values[0]
            values[made.outputs[0]] = replace(result, name=made.outputs[0])
            made = made.outputs[0]
        masks.update(dict.fromkeys(node.outputs, made))
    kept = _used(graph, nodes)
    needed = {v for node in kept for v in (*node.outputs, *graph.inputs)}
    values = {n: v for n, v in values.items() if n in needed}
    return replace(graph, nodes=tuple(kept), values=values)


def _inside(layer: Layer) -> Layer:
    return layer if layer.graph is None else replace(layer, graph=explicit_masks(layer.graph))


def _mask_of(graph: Graph, node: Node) -> Node | str | None:
    """Return the mask of a node's results: a known one, a node that makes it, or none."""
    layer = graph.layers[node.layer]
    if layer.graph is not None:
        return None  # as in Keras, unless its last layer makes one: none of the files has it
    rule = rule_of(layer.class_name)
    if rule.mask == "stop":
        return None
    if rule.mask == "pass":
        return next((m for m in node.masks if m), None)
    expr = rule.mask(view_of(graph, node))
    if expr is None:
        return None
    if isinstance(expr, Var):
        return expr.value
    args = tuple(Ref(name) for name in node.inputs)
    return Node(
        f"{node.name}.mask", node.layer, args, {}, (f"{node.name}.mask:0",), "mask", node.masks
    )


def _used(graph: Graph, nodes: list[Node]) -> list[Node]:
    """Return the nodes without the masks that nothing uses; calls keep the masks they read."""
    kept: list[Node] = []
    wanted: set[str] = set()
    for node in reversed(nodes):
        layer = graph.layers[node.layer]
        if node.kind == "mask":
            if not wanted.intersection(node.outputs):
                continue
        elif layer.graph is not None or not rule_of(layer.class_name).takes_mask:
            node = replace(node, masks=())
        wanted.update(m for m in node.masks if m)
        kept.append(node)
    return kept[::-1]
