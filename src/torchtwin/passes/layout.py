"""Gives every value a physical layout, and inserts the permutes that are left.

Keras is channels-last, PyTorch channels-first. A rule says what its PyTorch wants; values keep
the layout they have through rules that take any. Behind a Flatten the order of features would
differ: where everything that follows is Dense, its kernel is reordered instead of the tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torchtwin.apply import apply, piece_of, view_of
from torchtwin.graph import Graph, Layer, Layout, Node, Ref, Value, replaced
from torchtwin.rule import ANY, channels_first, rule_of

IMAGE_RANKS = (4, 5)


def assign_layouts(graph: Graph, layout: str) -> Graph:
    """Return the graph with layouts on all values and permutes as nodes.

    `layout` "torch" gives image inputs and outputs in PyTorch's order, "keras" keeps Keras's.
    """
    layers = {name: _inside(layer) for name, layer in graph.layers.items()}
    return _Assignment(replace(graph, layers=layers), layout).run()


def _inside(layer: Layer) -> Layer:
    """Nested models speak PyTorch's order among themselves, whatever the outermost does."""
    return (
        layer if layer.graph is None else replace(layer, graph=assign_layouts(layer.graph, "torch"))
    )


class _Assignment:
    def __init__(self, graph: Graph, layout: str) -> None:
        self.graph, self.torch = graph, layout == "torch"
        self.values: dict[str, Value] = dict(graph.values)
        self.nodes: list[Node] = []
        self.moved: dict[tuple[str, Layout | None], str] = {}
        self.modules: dict[str, Any] = {}

    def run(self) -> Graph:
        if self.torch:
            for name in self.graph.inputs:
                if self._rank(name) in IMAGE_RANKS:
                    self._set_layout(name, self._natural(name))
        for node in self.graph.nodes:
            self._assign(node)
        outputs = tuple(self._output(name) for name in self.graph.outputs)
        return replace(self.graph, nodes=tuple(self.nodes), values=self.values, outputs=outputs)

    def _rank(self, name: str) -> int:
        return len(self.values[name].shape or ())

    def _set_layout(self, name: str, layout: Layout | None) -> None:
        self.values[name] = replace(self.values[name], layout=layout)

    def _wanted(self, node: Node, name: str) -> Any:
        """Return the layout in which a node wants an input: ANY, None or a Layout."""
        layer = self.graph.layers[node.layer]
        if layer.graph is not None:
            inner = layer.graph.inputs[node.inputs.index(name)]
            return layer.graph.values[inner].layout
        return rule_of(layer.class_name).wanted(layer.config, self._rank(name))

    def _natural(self, name: str) -> Layout | None:
        """Return the layout that the first user with a preference wants."""
        pending, seen = [name], set()
        while pending:
            value = pending.pop(0)
            for node in self.graph.nodes:
                if value not in node.inputs or node.name in seen or node.kind != "call":
                    continue
                seen.add(node.name)
                wanted = self._wanted(node, value)
                if wanted != ANY:
                    if wanted is not None:
                        return tuple(wanted)
                    continue
                pending += [v for v in node.outputs if self._rank(v) == self._rank(name)]
        return None

    def _assign(self, node: Node) -> None:
        if node.kind == "mask":
            self.nodes.append(self._with(node, {n: self._in(n, None) for n in node.inputs}))
            return
        node = self._folded(node) or self._arranged(node)
        if self.graph.layers[node.layer].graph is None:
            module = self.modules.get(node.layer)
            applied = apply(replace(self.graph, values=self.values), node, module=module)
            self.modules[node.layer] = applied.module
            made = [value.layout for value in applied.values]
        else:
            inner = self.graph.layers[node.layer].graph
            made = [inner.values[name].layout for name in inner.outputs]  # type: ignore[union-attr]
        for name, layout in zip(node.outputs, made, strict=True):
            self._set_layout(name, layout)
        self.nodes.append(node)

    def _arranged(self, node: Node) -> Node:
        """Return the node with its inputs in the layouts that it wants."""
        wanted = {name: self._wanted(node, name) for name in node.inputs}
        if ANY in wanted.values():
            common = self._common([n for n, w in wanted.items() if w == ANY])
            wanted = {n: common if w == ANY else w for n, w in wanted.items()}
        return self._with(node, {name: self._in(name, w) for name, w in wanted.items()})

    def _common(self, names: Sequence[str]) -> Layout | None:
        """Return the layout in which inputs of one node can meet."""
        if len({self._rank(name) for name in names}) > 1:
            return None  # broadcasting counts axes from the end, in Keras's order
        found = dict.fromkeys(self.values[n].layout for n in names)
        order = sorted(found, key=lambda layout: layout is None)  # PyTorch's own where it is even
        return min(order, key=lambda layout: self._moves(names, layout))

    def _moves(self, names: Sequence[str], layout: Layout | None) -> int:
        """Return how many more permutes it takes to have these values in a layout."""
        return sum(self.values[n].layout != layout and (n, layout) not in self.moved for n in names)

    def _with(self, node: Node, names: dict[str, str]) -> Node:
        fresh = {old: Ref(new) for old, new in names.items()}
        return replace(
            node, args=replaced(node.args, fresh), kwargs=replaced(dict(node.kwargs), fresh)
        )

    def _in(self, name: str, layout: Layout | None) -> str:
        """Return the value in this layout, permuted by a node of its own when it has another."""
        value = self.values[name]
        plain = tuple(range(self._rank(name)))
        if (value.layout or plain) == (layout or plain):
            return name
        if (name, layout) not in self.moved:
            made = f"{name}.{len(self.moved)}"
            source = name.rpartition("@")[0]
            self.values[made] = replace(value, name=made, layout=layout)
            node = Node(made, source, (Ref(name),), {}, (made,), "permute", layout=layout)
            self.nodes.append(node)
            self.moved[name, layout] = made
        return self.moved[name, layout]

    def _output(self, name: str) -> str:
        rank, layout = self._rank(name), self.values[name].layout
        if not self.torch or rank not in IMAGE_RANKS:
            return self._in(name, None)
        images = any(
            v.layout is not None and len(v.shape or ()) == rank for v in self.values.values()
        )
        return self._in(name, channels_first(rank)) if images and layout is None else name

    def _folded(self, node: Node) -> Node | None:
        """Return a Flatten that takes its input as it lies, or a Dense that expects that order."""
        name = next(iter(node.inputs), "")
        flat = self.values[name].flattened if name else None
        class_name = self.graph.layers[node.layer].class_name
        if flat is not None and class_name == "Dense":
            return replace(node, flattened=flat)
        if flat is not None:
            for output in node.outputs:
                self.values[output] = replace(self.values[output], flattened=flat)
            return node
        value = self.values.get(name)
        flattens = class_name == "Flatten" or (
            class_name == "Reshape" and self._rank(node.outputs[0]) == 2
        )
        if not flattens or value is None or value.layout is None:
            return None
        if self.graph.layers[node.layer].config.get("data_format") == "channels_first":
            return None  # Keras itself moves the channels first
        lengths = tuple(n for n in (value.shape or ())[1:] if n is not None)
        free = len(lengths) + 1 < len(value.shape or ())
        if free:
            return None
        if sum(n != 1 for n in lengths) <= 1:
            return node  # the same order in any layout
        if not self._all_dense(node.outputs[0]):
            return None
        made = replace(self.values[node.outputs[0]], flattened=(lengths, value.layout))
        self.values[node.outputs[0]] = made
        return node

    def _all_dense(self, name: str) -> bool:
        """Whether every use of a flat value is a Dense of its own, or leads to one."""
        if name in self.graph.outputs:
            return False
        users = self.graph.users(name)
        return bool(users) and all(self._takes_any_order(node) for node in users)

    def _takes_any_order(self, node: Node) -> bool:
        layer = self.graph.layers[node.layer]
        if layer.graph is not None or len(node.inputs) != 1 or node.kind != "call":
            return False
        if layer.class_name == "Dense":
            return sum(other.layer == node.layer for other in self.graph.nodes) == 1
        if rule_of(layer.class_name).layout != ANY or piece_of(view_of(self.graph, node)).weights:
            return False
        return self._all_dense(node.outputs[0])
