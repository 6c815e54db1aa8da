"""Changes a graph for inference alone: no dropout, no noise, normalisations in the weights.

A BatchNormalization that has its statistics is a factor and an offset for each channel. Behind a
layer that sums over its inputs and adds a bias, or before one that pads nothing, they become part
of kernel and bias: `Fold` tells of which layer's, `torchtwin.inference` computes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torchtwin.graph import Fold, Graph, Layer, Node, Ref, replaced
from torchtwin.precision import policy_is_plain

DROPPED = frozenset(
    [
        *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
        *("GaussianNoise", "GaussianDropout", "AlphaDropout", "StochasticDepth"),
        *("ActivityRegularization", "steps.ActivityPenalty"),
    ]
)
"""Layers that do nothing in inference."""

CONVOLUTIONS = frozenset(f"Conv{k}D" for k in (1, 2, 3))
TRANSPOSED = frozenset(f"Conv{k}DTranspose" for k in (1, 2, 3))
DEPTHWISE = frozenset(f"DepthwiseConv{k}D" for k in (1, 2))
SEPARABLE = frozenset(f"SeparableConv{k}D" for k in (1, 2))
FOLDED = CONVOLUTIONS | TRANSPOSED | DEPTHWISE | SEPARABLE | {"Dense"}

EXACT = ("float32", "float64")
"""Dtypes in which a product of weights is rounded no more than the weights are."""


def for_inference(graph: Graph) -> Graph:
    """Return the graph, whose shapes are known, for inference alone; nested models too."""
    layers = {name: _layer(layer) for name, layer in graph.layers.items()}
    nodes = tuple(_in_inference(node) for node in graph.nodes)
    graph = _without_noise(replace(graph, layers=layers, nodes=nodes))
    while (folded := _one_folded(graph)) is not None:
        graph = folded
    return graph


def _layer(layer: Layer) -> Layer:
    inner = None if layer.graph is None else for_inference(layer.graph)
    return replace(layer, graph=inner, config=_without_rates(layer.config))


def _without_rates(config: Any) -> Any:
    """Return a config whose layer, and layers inside it, drop nothing and are not frozen.

    A frozen normalisation has a module of its own, for training; here all of them stand still.
    """
    if isinstance(config, Mapping):
        made = {k: _without_rates(v) for k, v in config.items()}
        for name in ("dropout", "recurrent_dropout"):
            if isinstance(made.get(name), int | float):
                made[name] = 0.0
        return made | ({"trainable": True} if "trainable" in made else {})
    if isinstance(config, list):
        return [_without_rates(v) for v in config]
    return config


def _in_inference(node: Node) -> Node:
    return replace(node, kwargs={k: v for k, v in node.kwargs.items() if (k, v) != STILL})


STILL = ("training", False)


def _without_noise(graph: Graph) -> Graph:
    """Return the graph without the calls that hand on what they are given."""
    same: dict[str, str] = {}
    nodes = []
    for node in graph.nodes:
        node = _renamed(node, same)
        given = node.inputs[0] if len(node.inputs) == 1 else ""
        idle = graph.layers[node.layer].class_name in DROPPED and not node.kwargs.get("training")
        if node.kind == "call" and idle and given and len(node.outputs) == 1:
            before, after = graph.values[given], graph.values[node.outputs[0]]
            if (before.shape, before.dtype) == (after.shape, after.dtype):
                same[node.outputs[0]] = given
                continue
        nodes.append(node)
    outputs = tuple(same.get(name, name) for name in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs)


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    """Return a node that uses other values."""
    fresh = {old: Ref(new) for old, new in names.items()}
    return replace(
        node, args=replaced(node.args, fresh), kwargs=replaced(dict(node.kwargs), fresh),
        masks=tuple(names.get(m, m) if m else m for m in node.masks),
    )  # fmt: skip


def _one_folded(graph: Graph) -> Graph | None:
    """Return the graph with one normalisation less, None where all that can be folded are."""
    for norm in graph.nodes:
        if not _is_norm(graph, norm):
            continue
        maker = _maker(graph, norm)
        if maker is not None:
            return _behind(graph, maker, norm)
        users = [] if norm.outputs[0] in graph.outputs else graph.users(norm.outputs[0])
        if users and all(_takes_before(graph, norm, user) for user in users):
            return _before(graph, norm, users)
    return None


def _is_norm(graph: Graph, node: Node) -> bool:
    layer = graph.layers[node.layer]
    return (
        layer.class_name == "BatchNormalization"
        and node.kind == "call"
        and len(node.inputs) == 1
        and not node.kwargs.get("training")
        and isinstance(layer.config.get("axis", -1), int)
        and graph.values[node.inputs[0]].dtype in EXACT
        and graph.values[node.outputs[0]].dtype in EXACT
    )


def _channels(layer: Layer, rank: int) -> int:
    """Return the axis of a layer's channels, in Keras's order."""
    return 1 if layer.config.get("data_format") == "channels_first" else rank - 1


def _foldable(graph: Graph, node: Node, norm: Node, value: str) -> bool:
    """Tell whether a node's weights are its own, and its channels those of a normalisation."""
    layer, rank = graph.layers[node.layer], len(graph.values[value].shape or ())
    return (
        layer.class_name in FOLDED
        and node.kind == "call"
        and len(node.inputs) == 1
        and sum(other.layer == node.layer for other in graph.nodes) == 1
        and graph.values[value].dtype in EXACT
        and not any(layer.config.get(k) for k in ("lora_rank", "quantization_config"))
        and policy_is_plain(layer.config.get("dtype"))
        and graph.layers[norm.layer].config.get("axis", -1) % rank == _channels(layer, rank)
    )


def _maker(graph: Graph, norm: Node) -> Node | None:
    """Return the node whose result a normalisation alone uses, and can be part of."""
    value = norm.inputs[0]
    maker = next((n for n in graph.nodes if value in n.outputs), None)
    if maker is None or value in graph.outputs or len(graph.users(value)) != 1:
        return None
    linear = graph.layers[maker.layer].config.get("activation") in (None, "linear")
    return maker if linear and _foldable(graph, maker, norm, value) else None


def _takes_before(graph: Graph, norm: Node, user: Node) -> bool:
    """Tell whether a node can take a normalisation into its weights: where it pads nothing."""
    layer, value = graph.layers[user.layer], norm.outputs[0]
    if value not in user.inputs or layer.class_name in TRANSPOSED | SEPARABLE:
        return False
    kernel = layer.config.get("kernel_size", 1)
    pointwise = math.prod(kernel) == 1 if isinstance(kernel, list | tuple) else kernel == 1
    unpadded = layer.config.get("padding", "valid") == "valid" or pointwise
    return unpadded and _foldable(graph, user, norm, value)


def _behind(graph: Graph, maker: Node, norm: Node) -> Graph:
    """Return the graph in which a node makes what the normalisation made of its result."""
    layers = _with_fold(graph, maker, norm, before=False)
    made = replace(maker, outputs=norm.outputs)
    nodes = [made if n is maker else n for n in graph.nodes if n is not norm]
    return replace(graph, layers=layers, nodes=tuple(nodes))


def _before(graph: Graph, norm: Node, users: list[Node]) -> Graph:
    """Return the graph in which nodes take what the normalisation took."""
    for user in users:
        graph = replace(graph, layers=_with_fold(graph, user, norm, before=True))
    names = {norm.outputs[0]: norm.inputs[0]}
    nodes = tuple(_renamed(n, names) for n in graph.nodes if n is not norm)
    return replace(graph, nodes=nodes)


def _with_fold(graph: Graph, node: Node, norm: Node, *, before: bool) -> dict[str, Layer]:
    layer, other = graph.layers[node.layer], graph.layers[norm.layer]
    fold = Fold(other.path, other.config, before)
    config = {**layer.config, "use_bias": True}
    return {
        **graph.layers,
        layer.name: replace(layer, config=config, folds=(*layer.folds, fold)),
    }
