"""Puts each branch in one run of lines: what a person writes, and values that live shortly.

Configs list layers by depth, so that branches alternate line by line. Here a node follows the one
that it uses as long as it can run.
"""

from __future__ import annotations

from dataclasses import replace

from torchtwin.graph import Graph, Layer, Node


def depth_first(graph: Graph) -> Graph:
    """Return the graph with its nodes in an order that follows branches, nested models too."""
    known = set(graph.inputs)
    waiting, order = list(graph.nodes), []
    last: frozenset[str] = frozenset()
    while waiting:
        ready = [node for node in waiting if known.issuperset(_needs(node))]
        node = next((n for n in ready if not last.isdisjoint(_needs(n))), ready[0])
        waiting.remove(node)
        order.append(node)
        known.update(node.outputs)
        last = frozenset(node.outputs)
    layers = {name: _inside(layer) for name, layer in graph.layers.items()}
    return replace(graph, nodes=tuple(order), layers=layers)


def _needs(node: Node) -> set[str]:
    return {*node.inputs, *(mask for mask in node.masks if mask)}


def _inside(layer: Layer) -> Layer:
    return layer if layer.graph is None else replace(layer, graph=depth_first(layer.graph))
