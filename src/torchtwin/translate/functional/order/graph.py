"""The order in which a Functional model keeps its layers, and so its weights.

Layers come by their depth, the number of nodes to an output by the longest way, and among equals
as a walk back from the outputs meets them (keras/src/ops/function.py, map_graph).
"""

from __future__ import annotations

from collections.abc import Sequence

from torchtwin.translate.functional.order.symbols import Node, Tensor


def operations(outputs: Sequence[Tensor]) -> list[object]:
    """Return the layers and operations behind tensors, in Keras's order."""
    nodes, first = _walked(outputs)
    depths: dict[int, int] = {}
    deepest: dict[int, int] = {}
    known: dict[int, object] = {}
    for node in reversed(nodes):
        key = id(node.operation)
        depth = max(depths.setdefault(id(node), 0), deepest.get(key, 0))
        deepest[key] = depths[id(node)] = depth
        known[key] = node.operation
        for tensor in node.inputs:
            if tensor.node is not None:
                behind = id(tensor.node)
                depths[behind] = max(depth + 1, depths.get(behind, 0))
    return [known[key] for key in sorted(known, key=lambda k: (-deepest[k], first[k]))]


def _walked(outputs: Sequence[Tensor]) -> tuple[list[Node], dict[int, int]]:
    """Return nodes after what they need, and when a walk back first meets each operation."""
    nodes: list[Node] = []
    first: dict[int, int] = {}
    finished: set[int] = set()
    stack: list[tuple[Node, bool]] = []
    for output in outputs:
        if output.node is not None:
            stack.append((output.node, False))
        while stack:
            node, done = stack.pop()
            if done:
                if id(node) not in finished:
                    finished.add(id(node))
                    nodes.append(node)
                continue
            if id(node) in finished:
                continue
            first.setdefault(id(node.operation), len(first))
            stack.append((node, True))
            behind = [tensor.node for tensor in node.inputs if tensor.node is not None]
            stack += [(each, False) for each in reversed(behind)]
    return nodes, first
