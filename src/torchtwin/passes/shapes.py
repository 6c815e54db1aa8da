"""Finds the shape and dtype of every value by running each layer's piece on the meta device.

All refusals are collected: behind a layer that is not translated shapes are unknown, and there
only the classes of layers are still checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torchtwin.apply import apply
from torchtwin.errors import UnsupportedError, merged
from torchtwin.graph import Graph, Layer, Layout, Node, Value
from torchtwin.rule import ANY, rule_of


def infer_shapes(graph: Graph) -> Graph:
    """Return the graph with the shape of every value; raise all refusals at once."""
    graph, refusals = with_shapes(graph)
    if refusals:
        raise merged(refusals)
    if graph.notes.get("own"):  # how many results an author's model has, its call has told
        return replace(graph, outputs=graph.nodes[-1].outputs)
    return graph


def with_shapes(graph: Graph) -> tuple[Graph, list[UnsupportedError]]:
    """Return the graph with the shapes that can be known, and all refusals, each once."""
    inference = _Inference(graph)
    inference.run()
    return inference.graph, list({str(r): r for r in inference.refusals}.values())


class _Inference:
    def __init__(self, graph: Graph) -> None:
        self.layers = dict(graph.layers)
        self.values = dict(graph.values)
        self.graph = replace(graph, layers=self.layers, values=self.values)
        self.refusals: list[UnsupportedError] = []
        self.modules: dict[str, Any] = {}
        self.nodes: list[Node] = []
        self.inner: dict[str, Graph] = {}
        self.called: dict[str, list[tuple[int | None, ...] | None]] = {}

    def run(self) -> None:
        for node in self.graph.nodes:
            layer = self.graph.layers[node.layer]
            known = all(self.values[name].shape is not None for name in node.needs)
            try:
                if layer.graph is not None:
                    node = self._nested(node, layer)
                elif known:
                    node = self._call(node)
                else:
                    rule_of(layer.class_name)
            except UnsupportedError as refusal:
                refusal.where = refusal.where or f"{layer.path} ({layer.class_name})"
                self.refusals.append(refusal)
            self.nodes.append(node)
        self.graph = replace(self.graph, nodes=tuple(self.nodes))

    def _call(self, node: Node) -> Node:
        values = {m: self.values[m] for m in node.masks if m}
        values |= {n: self._wanted(node, n) for n in node.inputs}
        local = replace(self.graph, values=values)
        applied = apply(local, node, module=self.modules.get(node.layer))
        self.modules[node.layer] = applied.module
        return self._with_values(node, [replace(v, layout=None) for v in applied.values])

    def _wanted(self, node: Node, name: str) -> Value:
        """Return a value in the layout that the node's rule wants."""
        layer, value = self.graph.layers[node.layer], self.values[name]
        assert value.shape is not None
        wanted = rule_of(layer.class_name).wanted(layer.config, len(value.shape))
        layout: Layout | None = None if wanted == ANY else wanted
        return replace(value, layout=layout)

    def _with_values(self, node: Node, values: list[Value]) -> Node:
        names = tuple(f"{node.name}:{k}" for k in range(len(values)))
        self.values |= {n: replace(v, name=n) for n, v in zip(names, values, strict=True)}
        return replace(node, outputs=names)

    def _as_called(self, node: Node, inner: Graph) -> Graph:
        """Return a nested graph for what its calls say of training; they must say the same."""
        flags = {n.kwargs.get("training") for n in self.graph.nodes if n.layer == node.layer}
        if flags == {None}:
            return inner
        if flags != {False}:
            raise UnsupportedError(
                "a nested model is called both in training and in inference mode",
                hint="save the two calls as models of their own",
            )
        return _in_inference(inner)

    def _nested(self, node: Node, layer: Layer) -> Node:
        """Infer a nested model for the shapes that it is called on.

        What differs between two calls is free: the one program must fit both.
        """
        assert layer.graph is not None
        first = self.inner.setdefault(layer.name, self._as_called(node, layer.graph))
        given = [self.values[name] for name in node.inputs]
        if len(given) != len(first.inputs):
            raise UnsupportedError(f"{len(given)} inputs, the model takes {len(first.inputs)}")
        called = _with_inputs(first, [value.shape for value in given])
        shapes = [called.values[name].shape for name in called.inputs]
        joined = [
            _join(own, before)
            for own, before in zip(shapes, self.called.get(layer.name, shapes), strict=True)
        ]
        self.called[layer.name] = joined
        called = infer_shapes(called)
        inner = called if joined == shapes else infer_shapes(_with_inputs(first, joined))
        self.layers[layer.name] = replace(layer, graph=inner)
        return self._with_values(node, [called.values[name] for name in called.outputs])


def _in_inference(graph: Graph) -> Graph:
    """Return the graph of a model called with training=False, as Keras 2 hands it on."""
    nodes = tuple(replace(n, kwargs={**n.kwargs, "training": False}) for n in graph.nodes)
    return replace(graph, nodes=nodes)


def _with_inputs(graph: Graph, shapes: Sequence[tuple[int | None, ...] | None]) -> Graph:
    """Return the graph for inputs of these shapes, where its own are free."""
    values = dict(graph.values)
    for name, shape in zip(graph.inputs, shapes, strict=True):
        declared = values[name].shape
        if shape is not None and declared is not None:
            values[name] = replace(values[name], shape=_meet(declared, shape))
    return replace(graph, values=values)


def _join(
    one: tuple[int | None, ...] | None, other: tuple[int | None, ...] | None
) -> tuple[int | None, ...] | None:
    if one is None or other is None:
        return None
    return tuple(a if a == b else None for a, b in zip(one, other, strict=True))


def _meet(own: tuple[int | None, ...], given: tuple[int | None, ...]) -> tuple[int | None, ...]:
    if len(own) != len(given):
        raise UnsupportedError(f"the nested model takes rank {len(own)}, it is given {len(given)}")
    return tuple(b if a is None else a for a, b in zip(own, given, strict=True))
