"""Makes Keras's silent masks values of the graph: where one is made, who uses it, where it ends.

Keras attaches a mask to a tensor and hands it on from layer to layer. Here each call gets the
masks of its inputs (`Node.masks`), a layer that makes a mask gets a node of kind "mask" in front
of the first use, and a mask that nothing uses is left out. A nested model that uses the mask of
an input takes it as a further input, and gives those of its outputs as further outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torchtwin.apply import apply, view_of
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Var
from torchtwin.graph import Graph, Node, Ref, refs
from torchtwin.recurrent import RECURRENT
from torchtwin.rule import rule_of

Masks = Mapping[str, str | None]
"""The mask of each value, by name."""


def given_masks(graph: Graph) -> Graph:
    """Return the graph with masks that calls name themselves (`mask=...`) as the nodes' masks."""
    layers = {
        name: layer if layer.graph is None else replace(layer, graph=given_masks(layer.graph))
        for name, layer in graph.layers.items()
    }
    nodes = (  # of an operation `mask` is an argument like any other
        node if layers[node.layer].class_name.startswith("ops.") else _with_given(node)
        for node in graph.nodes
    )
    return replace(graph, layers=layers, nodes=tuple(nodes))


def _with_given(node: Node) -> Node:
    if not any(True for _ in refs(node.kwargs.get("mask"))):
        return node
    kwargs = {k: v for k, v in node.kwargs.items() if k != "mask"}
    masks = _flat(node.kwargs["mask"])
    bare = replace(node, kwargs=kwargs)
    if len(masks) > len(bare.inputs):
        raise UnsupportedError("more masks than inputs", where=node.layer)
    rest = [None] * (len(bare.inputs) - len(masks))
    return replace(bare, masks=(*masks, *rest))


def _flat(structure: Any) -> list[str | None]:
    if isinstance(structure, list | tuple):
        return [name for part in structure for name in _flat(part)]
    return [structure.value if isinstance(structure, Ref) else None]


def explicit_masks(graph: Graph, *, of_outputs: bool = False) -> Graph:
    """Return the graph with masks as values, inside nested models too.

    With `of_outputs`, the masks that come with its outputs are further outputs.
    """
    return _Explicit(graph, {}).run(None if of_outputs else ())


class _Explicit:
    """Follows the masks through one model; `given` are those of its inputs."""

    def __init__(self, graph: Graph, given: Masks) -> None:
        self.graph = graph
        self.given = given
        self.masks: dict[str, str | None] = {**dict.fromkeys(graph.inputs), **given}
        self.values = dict(graph.values)
        self.layers = dict(graph.layers)
        self.nodes: list[Node] = []
        self.inner: dict[str, Masks] = {}

    def run(self, wanted: Sequence[str] | None) -> Graph:
        """Return the graph; `wanted` are outputs whose masks are outputs too, None for all."""
        for given in self.graph.nodes:
            masks = given.masks or tuple(self.masks.get(name) for name in given.inputs)
            node = replace(given, masks=masks if any(masks) else ())
            if self.layers[node.layer].graph is not None:
                self._nested(node)
            elif given.masks or not self._misses(node):
                self._call(node, node)
            else:
                self._call(replace(node, masks=()), node)
            if self._takes_away(node):
                self.masks |= dict.fromkeys(node.inputs)
        outputs = self.graph.outputs if wanted is None else wanted
        made = tuple(self.masks.get(name) for name in outputs)
        further = tuple(dict.fromkeys(m for m in made if m and m not in self.given.values()))
        nodes = self._used({*self.graph.outputs, *further})
        needed = {*self.graph.inputs, *(v for node in nodes for v in (*node.outputs, *node.inputs))}
        needed |= {m for node in nodes for m in node.masks if m} | {*further}
        inputs = (*self.graph.inputs, *(m for m in self.given.values() if m in needed))
        return replace(
            self.graph,
            layers=self.layers,
            nodes=tuple(nodes),
            values={name: value for name, value in self.values.items() if name in needed},
            inputs=tuple(dict.fromkeys(inputs)),
            outputs=(*self.graph.outputs, *further),
            notes={**self.graph.notes, "masks": made},
        )

    def _local(self) -> Graph:
        return replace(self.graph, layers=self.layers, values=self.values)

    def _takes_away(self, node: Node) -> bool:
        """Tell whether what comes after sees no masks on this layer's inputs: Keras 3's
        MultiHeadAttention takes them off its arguments, also for the layers that follow."""
        old = self.graph.version[:1] in ("1", "2")
        return not old and self.layers[node.layer].class_name == "MultiHeadAttention"

    def _misses(self, node: Node) -> bool:
        """Tell whether the layer does not see the mask: Keras 3 gives a recurrent layer that of
        its sequence only where no initial state comes with it."""
        arguments = (*node.args, *node.kwargs.values())
        several = sum(any(True for _ in refs(part)) for part in arguments) > 1
        old = self.graph.version[:1] in ("1", "2")
        return several and not old and self.layers[node.layer].class_name in RECURRENT

    def _call(self, node: Node, masked: Node) -> None:
        """Add a call; `masked` is the same call with the masks that go on through it."""
        self.nodes.append(node)
        for output, made in zip(node.outputs, self._made(masked), strict=False):
            if isinstance(made, Node):
                self.nodes.append(made)
                name = made.outputs[0]
                self.values[name] = replace(apply(self._local(), made).values[0], name=name)
                self.masks[output] = name
            else:
                self.masks[output] = made

    def _made(self, node: Node) -> tuple[Node | str | None, ...]:
        """Return the masks of a node's results: known ones, a node that makes one, or none."""
        rule = rule_of(self.layers[node.layer].class_name)
        handed_on = self.layers[node.layer].class_name in RECURRENT
        if rule.mask == "stop" or (handed_on and not node.masks):
            return ()
        if rule.mask == "pass":
            return (next((m for m in node.masks if m), None),)
        made = rule.mask(view_of(self._local(), node))
        if isinstance(made, tuple):
            return tuple(m.value if isinstance(m, Var) else None for m in made)
        if made is None:
            return ()
        if isinstance(made, Var):
            return (made.value,)
        name = f"{node.name}.mask"
        return (replace(node, name=name, outputs=(f"{name}:0",), kind="mask"),)

    def _nested(self, node: Node) -> None:
        """Give a nested model the masks that it uses, and take those that it makes."""
        layer = self.layers[node.layer]
        inner = layer.graph
        assert inner is not None
        pairs = zip(inner.inputs, node.masks, strict=False)
        given = {name: f"{name}.mask" for name, mask in pairs if mask}
        if node.layer not in self.inner:
            self.inner[node.layer] = given
            values = dict(inner.values)
            for name, mask in zip(inner.inputs, node.masks, strict=False):
                if mask:
                    values[given[name]] = replace(self.values[mask], name=given[name])
            wanted = None if self._masks_matter(node) else ()
            inner = _Explicit(replace(inner, values=values), given).run(wanted)
            self.layers[node.layer] = replace(layer, graph=inner)
        elif self.inner[node.layer] != given:
            raise UnsupportedError(
                "a nested model that is called with a mask and without one",
                where=layer.path,
                hint="make the calls alike in Keras: mask both inputs, or none",
            )
        self._further(node, inner)

    def _further(self, node: Node, inner: Graph) -> None:
        """Add the masks to the arguments and the results of a nested model's call."""
        count = len(node.outputs)
        outputs = tuple(f"{node.name}:{k}" for k in range(len(inner.outputs)))
        for name, own in list(zip(outputs, inner.outputs, strict=True))[count:]:
            self.values[name] = replace(inner.values[own], name=name)
        outside = dict(zip((f"{n}.mask" for n in inner.inputs), node.masks, strict=False))
        more = tuple(Ref(mask) for n in inner.inputs if (mask := outside.get(n)))
        outside |= dict(zip(inner.outputs[count:], outputs[count:], strict=True))
        for output, mask in zip(node.outputs, inner.notes["masks"], strict=False):
            self.masks[output] = outside.get(mask)
        node = replace(node, args=(*node.args, *more), outputs=outputs, masks=())
        self.nodes.append(node)

    def _masks_matter(self, node: Node) -> bool:
        """Tell whether anything behind a nested model could use the mask of a result."""
        reached = {*node.outputs}
        for other in self.graph.nodes:
            if not reached.intersection(other.inputs):
                continue
            layer = self.layers[other.layer]
            if layer.graph is not None or rule_of(layer.class_name).takes_mask:
                return True
            if rule_of(layer.class_name).mask != "stop":
                reached.update(other.outputs)
        return bool(reached.intersection(self.graph.outputs)) and bool(self.graph.path)

    def _used(self, outputs: set[str]) -> list[Node]:
        """Return the nodes without the masks that nothing uses; calls keep the masks they read."""
        kept: list[Node] = []
        wanted = set(outputs)
        for node in reversed(self.nodes):
            layer = self.layers[node.layer]
            if node.kind == "mask":
                if not wanted.intersection(node.outputs):
                    continue
            elif layer.graph is None and not rule_of(layer.class_name).takes_mask:
                node = replace(node, masks=())
            wanted.update(m for m in node.masks if m)
            wanted.update(node.inputs)
            kept.append(node)
        return kept[::-1]
