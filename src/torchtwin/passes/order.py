"""Puts each branch in one run of lines: what a person writes, and values that live shortly.

Configs list layers by depth, so that branches alternate line by line. Here a node follows the one
that it uses as long as it can run.
"""

from __future__ import annotations

from dataclasses import replace

from torchtwin.graph import Graph, Layer, runnable


def depth_first(graph: Graph) -> Graph:
    """Return the graph with its nodes in an order that follows branches, nested models too."""
    layers = {name: _inside(layer) for name, layer in graph.layers.items()}
    nodes = runnable(graph.nodes, graph.inputs, branches=True)
    return replace(graph, nodes=tuple(nodes), layers=layers)


def _inside(layer: Layer) -> Layer:
    return layer if layer.graph is None else replace(layer, graph=depth_first(layer.graph))
