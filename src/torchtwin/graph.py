"""The Keras model as frozen data: layers, the nodes that call them, and the values between.

A `Value` is what one node makes; nodes stand in the order in which they can run. Layers are kept
apart from nodes because a layer may be called many times. `build` makes a Graph of a config in
the vocabulary of `upgrade`; passes replace graphs, never change them.
"""

from __future__ import annotations

import functools
import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Layout = tuple[int, ...]
"""For each physical axis, the Keras axis it holds: (0, 3, 1, 2) is channels-first."""

MODEL_CLASSES = ("Sequential", "Functional")


@dataclass(frozen=True)
class Ref:
    """A use of the value with this name."""

    value: str


@dataclass(frozen=True)
class Constant:
    """A tensor written in the config itself."""

    value: Any
    dtype: str


@dataclass(frozen=True)
class Value:
    """What a node makes. `shape` is Keras's, None where a length is free.

    `flattened` tells that the features are those of a tensor of that shape (without the batch)
    which was flattened in that layout, not in Keras's order.
    """

    name: str
    shape: tuple[int | None, ...] | None = None
    dtype: str = "float32"
    layout: Layout | None = None
    flattened: tuple[tuple[int, ...], Layout] | None = None


@dataclass(frozen=True)
class Fold:
    """A BatchNormalization, its path and config, that is part of the weights of a layer behind
    it (`before`: it comes first) or in front of it."""

    path: str
    config: Mapping[str, Any]
    before: bool


@dataclass(frozen=True)
class Layer:
    """A Keras layer: its class, its config, and for a nested model its graph.

    `folds` are the normalisations that its weights hold, in the order in which they came in.
    """

    name: str
    class_name: str
    config: Mapping[str, Any]
    path: str
    graph: Graph | None = None
    folds: tuple[Fold, ...] = ()

    @property
    def trainable(self) -> bool:
        return bool(self.config.get("trainable", True))


@dataclass(frozen=True)
class Node:
    """One call of a layer. `kind` tells a call from what passes insert.

    "call": the layer's result. "mask": the mask that the layer makes. "permute": the value of
    `args` in another layout. `masks` holds the mask that comes with each tensor argument.
    `flattened` is that of the input of a layer whose weights are reordered to fit, or of a Reshape
    that makes an image of it; `spread` is that of the result of a Dense. `used` are those of its
    outputs that the model needs.
    """

    name: str
    layer: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    outputs: tuple[str, ...]
    kind: str = "call"
    masks: tuple[str | None, ...] = ()
    layout: Layout | None = None
    flattened: tuple[tuple[int, ...], Layout] | None = None
    used: frozenset[str] = frozenset()
    spread: tuple[tuple[int, ...], Layout] | None = None

    @functools.cached_property
    def inputs(self) -> tuple[str, ...]:
        return tuple(ref.value for ref in refs((self.args, dict(self.kwargs))))

    @property
    def needs(self) -> set[str]:
        """All values that it uses, masks too."""
        return {*self.inputs, *(mask for mask in self.masks if mask)}


@dataclass(frozen=True)
class Graph:
    """A model, or a nested one. `inputs` and `outputs` name values, in Keras's order."""

    name: str
    path: str
    layers: Mapping[str, Layer]
    nodes: tuple[Node, ...]
    values: Mapping[str, Value]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    version: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)

    def users(self, value: str) -> list[Node]:
        """Return the nodes that use `value` as an argument or as a mask."""
        return [n for n in self.nodes if value in n.inputs or value in n.masks]


def refs(structure: Any) -> Iterator[Ref]:
    """Yield the tensor uses inside nested arguments, in order."""
    if isinstance(structure, Ref):
        yield structure
    elif isinstance(structure, Mapping):
        for value in structure.values():
            yield from refs(value)
    elif isinstance(structure, tuple | list):
        for value in structure:
            yield from refs(value)


def replaced(structure: Any, names: Mapping[str, Any]) -> Any:
    """Return `structure` with its refs replaced by what `names` has for them."""
    if isinstance(structure, Ref):
        return names.get(structure.value, structure)
    if isinstance(structure, Mapping):
        return {k: replaced(v, names) for k, v in structure.items()}
    if isinstance(structure, tuple | list):
        return type(structure)(replaced(v, names) for v in structure)
    return structure


def value_name(layer: str, node: int, tensor: int) -> str:
    """Return the name of output `tensor` of call number `node` of a layer."""
    return f"{layer}@{node}:{tensor}"


def check(graph: Graph) -> Graph:
    """Return `graph` when its invariants hold; raise AssertionError (a bug of ours) otherwise."""
    known: set[str] = set(graph.inputs)
    names: set[str] = set()
    for node in graph.nodes:
        needed = node.needs
        assert needed <= known, f"{node.name} runs before {sorted(needed - known)}"
        assert node.name not in names, f"two nodes are called {node.name}"
        assert node.layer in graph.layers, f"{node.name} calls an unknown layer"
        assert node.kind in ("call", "mask", "permute"), node.kind
        names.add(node.name)
        known.update(node.outputs)
    assert set(graph.outputs) <= known, "an output that no node makes"
    assert known <= set(graph.values), "a value without an entry"
    return graph


def runnable(
    nodes: Sequence[Node], inputs: Collection[str], *, branches: bool = False
) -> list[Node]:
    """Return the nodes in an order that runs, as they stand where possible, without those of a
    cycle. With `branches` a node follows the one that it uses."""
    waits = [node.needs.difference(inputs) for node in nodes]
    users: dict[str, list[int]] = {}
    for k, needed in enumerate(waits):
        for value in needed:
            users.setdefault(value, []).append(k)
    ready = [k for k, needed in enumerate(waits) if not needed]  # a heap: it is sorted
    order: list[int] = []
    done: set[int] = set()
    following: list[int] = []
    while ready:
        k = min(following) if branches and following else heapq.heappop(ready)
        if k in done:  # it followed another, and is still in the heap
            continue
        done.add(k)
        order.append(k)
        following = []
        for value in nodes[k].outputs:
            for user in users.pop(value, ()):
                waits[user].discard(value)
                if not waits[user]:
                    heapq.heappush(ready, user)
                    following.append(user)
    return [nodes[k] for k in order]


def meeting(graph: Graph, node: Node) -> Graph:
    """Return the graph with the free lengths of inputs as other inputs of the node have them."""
    shapes = [graph.values[name].shape or () for name in node.inputs]
    if len(shapes) < 2 or len({len(shape) for shape in shapes}) > 1:
        return graph
    known = [{n for n in lengths if n not in (None, 1)} for lengths in zip(*shapes, strict=True)]
    values = dict(graph.values)
    for name, shape in zip(node.inputs, shapes, strict=True):
        met = tuple(
            min(found) if n is None and k and len(found) == 1 else n
            for k, (n, found) in enumerate(zip(shape, known, strict=True))
        )
        values[name] = replace(values[name], shape=met)
    return replace(graph, values=values)
