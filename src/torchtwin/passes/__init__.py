"""Passes over the graph, each a function from Graph to Graph, in the order they need."""

from __future__ import annotations

from torchtwin.graph import Graph, check
from torchtwin.passes.activity import activity_penalties
from torchtwin.passes.inference import for_inference
from torchtwin.passes.layout import assign_layouts
from torchtwin.passes.masks import explicit_masks, given_masks
from torchtwin.passes.order import depth_first
from torchtwin.passes.shapes import infer_shapes

__all__ = ["run_passes"]


def run_passes(
    graph: Graph, layout: str, *, trains: bool = False, inference: bool = False
) -> Graph:
    """Return the graph with shapes, explicit masks and layouts, branch by branch.

    `layout` is "torch" or "keras": the order of axes in the model's own signature. Where the
    model `trains`, activity regularisers are in the graph, and the masks of its outputs are
    further outputs. For `inference` alone what acts in training is left out, see `for_inference`.

    Raises UnsupportedError that lists every layer which is not translated.
    """
    steps = (
        *((activity_penalties,) if trains else ()),
        given_masks,
        infer_shapes,
        lambda g: explicit_masks(g, of_outputs=trains),
        *((for_inference,) if inference else ()),
        lambda g: assign_layouts(g, layout),
        depth_first,
    )
    for step in steps:
        graph = check(step(graph))
    return graph
