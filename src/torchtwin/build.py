"""Builds the Graph of an upgraded config: Sequential and Functional, at any depth."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torchtwin.build_calls import Histories, arguments, tensors
from torchtwin.call_arguments import placed
from torchtwin.each_step import expanded
from torchtwin.errors import UnreadableModel, UnsupportedError
from torchtwin.graph import (
    MODEL_CLASSES,
    Graph,
    Layer,
    Node,
    Ref,
    Value,
    runnable,
    value_name,
)
from torchtwin.graph import check as checked
from torchtwin.own_model import as_functional
from torchtwin.source import Source

DEEPEST = 40
"""Models nested deeper than this are refused; real ones stay under five."""

APPLICATIONS = ("LayerScale", "StochasticDepth", "CustomScaleLayer")
"""Layers that keras.applications defines, as others do by the same names."""


def build(source: Source) -> Graph:
    """Return the graph of an upgraded `source`.

    Raises UnreadableModel for a config whose parts do not fit together, UnsupportedError for
    a model that is not Sequential or Functional.
    """
    try:
        return build_model(as_functional(source.config), "", source.version)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise UnreadableModel(
            f"the model's config does not fit together ({type(error).__name__}: {error})",
            hint="save the model again with the Keras that made it",
        ) from error


def build_model(entry: Mapping[str, Any], path: str, version: str) -> Graph:
    """Return the graph of one model config: the whole, a nested one or one inside a wrapper."""
    class_name = entry["class_name"]
    if path.count("/") > DEEPEST:
        raise UnreadableModel("models are nested too deep", where=path)
    if class_name not in MODEL_CLASSES or "layers" not in entry["config"]:
        raise UnsupportedError(
            f"{class_name} is a class of its author, not a Sequential or Functional model",
            where=path or str(entry["config"].get("name", "")),
            hint="give the Python source that defines it: --custom FILE",
        )
    config = entry["config"]
    layers = _unique(_layers(config, path, version), path)
    build_nodes = _sequential if class_name == "Sequential" else _functional
    calls, inputs, outputs = build_nodes(config, layers, version)
    nodes = _sorted(calls, inputs, outputs, path, layers)
    nodes = expanded(nodes, layers)
    values = {v.name: v for v in _values(nodes, layers, inputs)}
    name = str(config.get("name") or "model")
    notes = {"own": config.get("own", False)}
    return checked(Graph(name, path, layers, nodes, values, inputs, outputs, version, notes))


def _unique(named: Iterable[tuple[str, Layer]], path: str) -> dict[str, Layer]:
    layers: dict[str, Layer] = {}
    for name, layer in named:
        if name in layers:
            raise UnreadableModel(f"a duplicate: two layers are called '{name}'", where=path)
        layers[name] = layer
    return layers


def _layers(config: Mapping[str, Any], path: str, version: str) -> Iterator[tuple[str, Layer]]:
    for entry in config["layers"]:
        inner = entry["config"]
        name = str(entry.get("name") or inner["name"])
        where = f"{path}/{name}" if path else name
        class_name = _own_name(entry)
        wrapped = inner.get("layer") if class_name == "TimeDistributed" else entry
        is_model = isinstance(wrapped, Mapping) and wrapped.get("class_name") in MODEL_CLASSES
        graph = build_model(wrapped, where, version) if is_model else None
        yield name, Layer(name, class_name, inner, where, graph)


def _own_name(entry: Mapping[str, Any]) -> str:
    """Return the class name, with its package when it is registered by the model's author.

    An operation may have a layer's name, so it is "ops.Add".
    """
    if entry.get("module") == "keras.ops":
        return f"ops.{entry['class_name']}"
    registered, module = entry.get("registered_name"), str(entry.get("module") or "keras.")
    if entry["class_name"] in APPLICATIONS and not module.startswith("keras."):
        return f"{module}>{entry['class_name']}"
    return str(registered if registered and ">" in registered else entry["class_name"])


def _sequential(
    config: Mapping[str, Any], layers: Mapping[str, Layer], _version: str
) -> tuple[list[Node], tuple[str, ...], tuple[str, ...]]:
    names = list(layers)
    if not names or layers[names[0]].class_name != "InputLayer":
        raise UnsupportedError(
            "the Sequential model was never built: its input shape is nowhere in the file",
            where=str(config.get("name", "")),
            hint="call model.build(input_shape), or add an Input, and save it again",
        )
    value = value_name(names[0], 0, 0)
    inputs, nodes = (value,), []
    for name in names[1:]:
        output = value_name(name, 0, 0)
        nodes.append(Node(f"{name}@0", name, (Ref(value),), {}, (output,)))
        value = output
    return nodes, inputs, (value,)


def _functional(
    config: Mapping[str, Any], layers: Mapping[str, Layer], version: str
) -> tuple[list[Node], tuple[str, ...], tuple[str, ...]]:
    nodes = []
    histories = Histories(config, layers, version)
    for entry in config["layers"]:
        name = str(entry.get("name") or entry["config"]["name"])
        calls = entry.get("inbound_nodes") or []
        if not isinstance(calls, list):
            raise UnreadableModel(f"the inbound_nodes of {name!r} are no list", where=name)
        if layers[name].class_name == "InputLayer":
            if any(calls):
                raise UnreadableModel(f"the input {name!r} is called on others", where=name)
            continue
        for k, call in enumerate(calls):
            args, kwargs = placed(layers[name], *arguments(call, histories))
            nodes.append(Node(f"{name}@{k}", name, args, kwargs, (value_name(name, k, 0),)))
    inputs = tuple(tensors(config["input_layers"], histories))
    outputs = tuple(tensors(config["output_layers"], histories))
    if not inputs or not outputs:
        raise UnreadableModel("the model has no outputs" if inputs else "the model has no inputs")
    if len(set(inputs)) < len(inputs):
        raise UnreadableModel("the model lists an input twice: a duplicate in its input_layers")
    return _with_outputs(nodes, outputs), inputs, outputs


def _with_outputs(nodes: list[Node], outputs: Sequence[str]) -> list[Node]:
    """Give each node as many outputs as others use of it; lowering finds the rest."""
    used = {*outputs, *(v for node in nodes for v in node.inputs)}
    highest: dict[str, int] = {}
    for value in used:
        maker, _, tensor = value.rpartition(":")
        highest[maker] = max(highest.get(maker, 0), int(tensor))
    result = []
    for node in nodes:
        count = highest.get(node.name, 0) + 1
        made = tuple(f"{node.name}:{k}" for k in range(count))
        result.append(replace(node, outputs=made, used=frozenset(used.intersection(made))))
    return result


def _sorted(
    nodes: list[Node],
    inputs: Sequence[str],
    outputs: Sequence[str],
    path: str,
    layers: Collection[str],
) -> tuple[Node, ...]:
    """Return the nodes that outputs need, in an order that runs, the config's where possible."""
    makers = {value: node for node in nodes for value in node.outputs}
    needed: set[str] = set()
    pending = list(outputs)
    while pending:
        value = pending.pop()
        if value in inputs:
            continue
        if value not in makers:
            raise UnreadableModel(_unmade(value, layers), where=path)
        if (node := makers[value]).name not in needed:
            needed.add(node.name)
            pending += node.inputs
    wanted = [node for node in nodes if node.name in needed]
    order = runnable(wanted, inputs)
    if len(order) < len(wanted):
        run = {node.name for node in order}
        stuck = next(node for node in wanted if node.name not in run)
        raise UnreadableModel("the layers form a cycle", where=stuck.layer)
    return tuple(order)


def _unmade(value: str, layers: Collection[str]) -> str:
    """Say what is wrong with a value that is used, and that nothing makes."""
    layer, _, number = value.rpartition("@")
    if layer not in layers:
        return f"{layer!r} is used, and is neither a layer nor an input"
    call, _, tensor = number.partition(":")
    return f"node index {call}, tensor index {tensor} of the layer {layer!r} is used: it has none"


def _values(
    nodes: Sequence[Node], layers: Mapping[str, Layer], inputs: Sequence[str]
) -> Iterator[Value]:
    for name in inputs:
        config = layers[name.rpartition("@")[0]].config
        shape = config.get("batch_shape")
        if not isinstance(shape, list | tuple):
            raise UnreadableModel("an input without a shape", where=name.rpartition("@")[0])
        dtype = str(config.get("dtype") or "float32")
        yield Value(name, (None, *shape[1:]), dtype)
    for node in nodes:
        for output in node.outputs:
            yield Value(output)
