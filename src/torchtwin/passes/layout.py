"""Gives every value a physical layout, and inserts the permutes that are left.

Keras is channels-last, PyTorch channels-first. A rule says what its PyTorch wants; values keep
the layout they have through rules that take any. Behind a Flatten the order of features would
differ: where everything that follows is Dense, its kernel is reordered instead of the tensor, and
so is that of a Dense before a Reshape to an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torchtwin.apply import BY_FEATURE, apply, piece_of, view_of
from torchtwin.graph import Graph, Layer, Layout, Node, Ref, Value, replaced
from torchtwin.precision import policy_is_plain
from torchtwin.rule import ANY, channels_first, rule_of

IMAGE_RANKS = (4, 5)
MERGES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
"""Layers that can meet a vector beside an image: its further axes lie behind the batch."""


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
        self.spread: dict[str, tuple[tuple[int, ...], Layout]] = {}

    def run(self) -> Graph:
        for node in self.graph.nodes:
            self._spread_before(node)
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
        """Return the layout of images that the first user with a preference wants."""
        pending, seen = [name], set()
        while pending:
            value = pending.pop(0)
            for node in self.graph.nodes:
                if value not in node.inputs or node.name in seen or node.kind != "call":
                    continue
                seen.add(node.name)
                wanted = self._wanted(node, value)
                if wanted != ANY:
                    if _of_images(wanted):
                        return tuple(wanted)
                    continue
                pending += [v for v in node.outputs if self._rank(v) == self._rank(name)]
        return None

    def _assign(self, node: Node) -> None:
        if node.kind == "mask":
            self.nodes.append(self._with(node, {n: self._in(n, None) for n in node.inputs}))
            return
        node = self._folded(node) or self._arranged(node)
        node = replace(node, spread=self.spread.get(node.name))
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
            if node.spread is not None:
                self.values[name] = replace(self.values[name], flattened=node.spread)
        self.nodes.append(node)

    def _arranged(self, node: Node) -> Node:
        """Return the node with its inputs in the layouts that it wants."""
        wanted = {name: self._wanted(node, name) for name in node.inputs}
        if ANY in wanted.values():
            common = self._common([n for n, w in wanted.items() if w == ANY], node)
            vectors = {n for n in wanted if common and self._rank(n) < len(common)}
            wanted = {
                n: None if n in vectors else common if w == ANY else w for n, w in wanted.items()
            }
        return self._with(node, {name: self._in(name, w) for name, w in wanted.items()})

    def _common(self, names: Sequence[str], node: Node) -> Layout | None:
        """Return the layout in which inputs of one node can meet."""
        ranks = {self._rank(name) for name in names}
        if len(ranks) > 1:
            vectors = ranks == {2, max(ranks)} and not any(node.masks)
            if not vectors or self.graph.layers[node.layer].class_name not in MERGES:
                return None  # broadcasting counts axes from the end, in Keras's order
            names = [name for name in names if self._rank(name) > 2]
            image = self._common(names, node)
            return image if image == channels_first(max(ranks)) else None
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
        rank = self._rank(name)
        if not self.torch or rank not in IMAGE_RANKS:
            return self._in(name, None)
        layouts = {v.layout for v in self.values.values() if v.layout and len(v.layout) == rank}
        if _of_images(self.values[name].layout):
            return name
        return self._in(name, channels_first(rank) if any(map(_of_images, layouts)) else None)

    def _folded(self, node: Node) -> Node | None:
        """Return a Flatten that takes its input as it lies, or what expects that order."""
        name = next(iter(node.inputs), "")
        flat = self.values[name].flattened if name else None
        if flat is not None:
            return self._any_order(node, flat)
        value = self.values.get(name)
        if value is None or value.layout is None or not self._flattens(node):
            return None
        lengths = _known_lengths(value)
        if lengths is None:
            return None
        if sum(n != 1 for n in lengths) <= 1:
            return node  # the same order in any layout
        if not self._all_dense(node.outputs[0]):
            return None
        made = replace(self.values[node.outputs[0]], flattened=(lengths, value.layout))
        self.values[node.outputs[0]] = made
        return node

    def _any_order(self, node: Node, flat: tuple[tuple[int, ...], Layout]) -> Node:
        """Return a node whose input has its features in PyTorch's order."""
        class_name = self.graph.layers[node.layer].class_name
        if class_name not in ("Dense", "Reshape"):
            for output in node.outputs:
                self.values[output] = replace(self.values[output], flattened=flat)
        weighted = class_name in ("Dense", "Reshape", *BY_FEATURE)
        return replace(node, flattened=flat) if weighted else node

    def _flattens(self, node: Node) -> bool:
        layer = self.graph.layers[node.layer]
        if layer.config.get("data_format") == "channels_first":
            return False  # Keras itself moves the channels first
        return layer.class_name == "Flatten" or (
            layer.class_name == "Reshape" and self._rank(node.outputs[0]) == 2
        )

    def _all_dense(self, name: str) -> bool:
        """Whether every use of a flat value is a Dense of its own, or leads to one."""
        if name in self.graph.outputs:
            return False
        users = self.graph.users(name)
        return bool(users) and all(
            self._is_own_dense(node) or (self._hands_on(node) and self._all_dense(node.outputs[0]))
            for node in users
        )

    def _is_own_dense(self, node: Node) -> bool:
        """Tell whether a node is the one call of a Dense whose kernel can be reordered."""
        layer = self.graph.layers[node.layer]
        return (
            layer.class_name == "Dense"
            and node.kind == "call"
            and not layer.config.get("lora_rank")
            and layer.config.get("quantization_config") is None
            and policy_is_plain(layer.config.get("dtype"))
            and sum(other.layer == node.layer for other in self.graph.nodes) == 1
        )

    def _hands_on(self, node: Node) -> bool:
        """Tell whether a node gives features in the order in which it takes them."""
        layer = self.graph.layers[node.layer]
        if layer.graph is not None or len(node.inputs) != 1 or node.kind != "call":
            return False
        if layer.class_name in BY_FEATURE:
            return sum(other.layer == node.layer for other in self.graph.nodes) == 1
        wanted = rule_of(layer.class_name).layout
        return wanted == ANY and not piece_of(view_of(self.graph, node)).weights

    def _spread_before(self, node: Node) -> None:
        """Let the Dense before a Reshape to an image give the order that the image will have."""
        layer = self.graph.layers[node.layer]
        if layer.class_name != "Reshape" or self._rank(node.inputs[0]) != 2:
            return
        image = self.values[node.outputs[0]]
        lengths = _known_lengths(image)
        if self._rank(image.name) not in IMAGE_RANKS or lengths is None:
            return
        layout = self._natural(image.name)
        if layout is None or sum(n != 1 for n in lengths) <= 1:
            return
        value = node.inputs[0]
        while len(self.graph.users(value)) == 1 and value not in self.graph.outputs:
            maker = next((n for n in self.graph.nodes if value in n.outputs), None)
            if maker is None:
                return
            if self._is_own_dense(maker) and self._rank(maker.inputs[0]) == 2:
                self.spread[maker.name] = (lengths, layout)
                return
            if not self._hands_on(maker):
                return
            value = maker.inputs[0]


def _of_images(layout: Layout | None) -> bool:
    """Tell whether a layout has the channels, Keras's last axis, before the spatial axes."""
    rank = len(layout or ())
    return layout in [channels_first(rank, leading) for leading in range(1, rank - 1)]


def _known_lengths(value: Value) -> tuple[int, ...] | None:
    """Return a value's lengths behind the batch, None where one is free."""
    lengths = tuple(n for n in (value.shape or ())[1:] if n is not None)
    return lengths if len(lengths) + 1 == len(value.shape or ()) else None
