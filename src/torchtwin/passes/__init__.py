"""Passes over the graph, each a function from Graph to Graph, in the order they need."""

from __future__ import annotations

from torchtwin.graph import Graph, check
from torchtwin.passes.layout import assign_layouts
from torchtwin.passes.masks import explicit_masks, given_masks
from torchtwin.passes.order import depth_first
from torchtwin.passes.shapes import infer_shapes

__all__ = ["run_passes"]


def run_passes(graph: Graph, layout: str) -> Graph:
    """Return the graph with shapes, explicit masks and layouts, branch by branch.

    `layout` is "torch" or "keras": the order of axes in the model's own signature.
    Raises UnsupportedError that lists every layer which is not translated.
    """
    steps = (
        given_masks,
        infer_shapes,
        explicit_masks,
        lambda g: assign_layouts(g, layout),
        depth_first,
    )
    for step in steps:
        graph = check(step(graph))
    return graph
