"""A model inside TimeDistributed: steps become samples before it, and samples steps behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torchtwin.errors import UnsupportedError
from torchtwin.graph import Layer, Node, Ref


def expanded(nodes: Sequence[Node], layers: dict[str, Layer]) -> tuple[Node, ...]:
    """Return the nodes with the calls of such a model as three; add the layers that they need."""
    return tuple(part for node in nodes for part in _parts(node, layers))


def _parts(node: Node, layers: dict[str, Layer]) -> Iterator[Node]:
    layer = layers[node.layer]
    if layer.class_name != "TimeDistributed" or layer.graph is None:
        yield node
        return
    if len(layer.graph.outputs) != 1 or len(layer.graph.inputs) != 1 or len(node.inputs) != 1:
        raise UnsupportedError(
            "TimeDistributed around a model with several inputs or outputs", where=layer.path
        )
    shape = layer.graph.values[layer.graph.inputs[0]].shape or ()
    config = {"rank": len(shape) + 1}
    before, behind = f"{layer.name}/samples", f"{layer.name}/steps"
    for name, kind in ((before, "steps.ToSamples"), (behind, "steps.FromSamples")):
        layers[name] = Layer(name, kind, config, f"{layer.path}/{kind}")
    call = node.name.rpartition("@")[2]
    samples, each = f"{before}@{call}", f"{layer.name}/each@{call}"
    yield Node(samples, before, node.args, node.kwargs, (f"{samples}:0",), masks=node.masks)
    yield Node(each, layer.name, (Ref(f"{samples}:0"),), {}, (f"{each}:0",))
    given = Ref(node.inputs[0])
    yield Node(node.name, behind, (Ref(f"{each}:0"), given), {}, node.outputs)
