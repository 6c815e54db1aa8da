"""Builds the Graph of an upgraded config: Sequential and Functional, at any depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torchtwin.each_step import expanded
from torchtwin.errors import UnreadableModel, UnsupportedError
from torchtwin.graph import MODEL_CLASSES, Constant, Graph, Layer, Node, Ref, Value, value_name
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
    layers = dict(_layers(config, path, version))
    if len(layers) != len(config["layers"]):
        raise UnreadableModel("two layers have the same name", where=path)
    build_nodes = _sequential if class_name == "Sequential" else _functional
    calls, inputs, outputs = build_nodes(config, layers, version)
    nodes = _sorted(calls, inputs, outputs, path)
    nodes = expanded(nodes, layers)
    values = {v.name: v for v in _values(nodes, layers, inputs)}
    name = str(config.get("name") or "model")
    notes = {"own": config.get("own", False)}
    return checked(Graph(name, path, layers, nodes, values, inputs, outputs, version, notes))


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
    histories = _Histories(config, layers, version)
    for entry in config["layers"]:
        name = str(entry.get("name") or entry["config"]["name"])
        if layers[name].class_name == "InputLayer":
            continue
        for k, call in enumerate(entry.get("inbound_nodes") or []):
            args, kwargs = _arguments(call, histories)
            nodes.append(Node(f"{name}@{k}", name, args, kwargs, (value_name(name, k, 0),)))
    inputs = tuple(_tensors(config["input_layers"], histories))
    outputs = tuple(_tensors(config["output_layers"], histories))
    return _with_outputs(nodes, outputs), inputs, outputs


class _Histories:
    """Names the values that a config means by [layer, call, tensor]."""

    def __init__(
        self, config: Mapping[str, Any], layers: Mapping[str, Layer], version: str
    ) -> None:
        self.layers = layers
        self.shifted = {
            str(entry.get("name") or entry["config"]["name"])
            for entry in config["layers"]
            if entry["class_name"] == "Functional"
            or (entry["class_name"] == "Sequential" and version[:1] != "3")
        }

    def __call__(self, layer: str, call: int, tensor: int) -> str:
        """Return the value's name; Keras counts the making of a nested model as its call 0.

        Not so a Sequential since Keras 3, nor `keras_history` (keras/src/models/functional.py:
        `get_config` against `serialize_node`).
        """
        return value_name(layer, call - (layer in self.shifted), tensor)


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


def _arguments(call: Any, histories: _Histories) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of one entry of `inbound_nodes`: Keras 3's form, or that before it."""
    if isinstance(call, Mapping):
        args = tuple(_decoded(a) for a in call.get("args") or ())
        kwargs = {k: _decoded(v) for k, v in (call.get("kwargs") or {}).items()}
        # Keras 3 writes training=False for every Dropout, and trains it all the same: what
        # the model is called with goes before what is written here.
        kwargs.pop("training", None)
        return args, _said(kwargs)
    if isinstance(call, list) and call and isinstance(call[0], str):
        call = [call]
        single = True
    else:
        single = isinstance(call, list) and len(call) == 1
    if isinstance(call, list) and not all(_is_history(c) for c in call):
        raise UnsupportedError("a call whose arguments are nested in an unknown way")
    kwargs = {}
    tensors = []
    for entry in call:
        if len(entry) > 3 and isinstance(entry[3], Mapping):
            kwargs.update({k: _old_argument(v, histories) for k, v in entry[3].items()})
        constant = entry[0] == "_CONSTANT_VALUE"
        tensors.append(entry[2] if constant else Ref(histories(*entry[:3])))
    return (tensors[0] if single else tensors,), _said(kwargs)


def _said(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that say something: Keras 3 writes out `training` and `mask`."""
    return {k: v for k, v in kwargs.items() if v is not None and not (k == "mask" and _none(v))}


def _none(masks: Any) -> bool:
    return isinstance(masks, list) and all(mask is None for mask in masks)


def _is_history(entry: Any) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) >= 3
        and isinstance(entry[0], str)
        and isinstance(entry[1], int)
    )


def _old_argument(value: Any, histories: _Histories) -> Any:
    """Before Keras 3 a tensor among keyword arguments is a bare [layer, node, tensor]."""
    if isinstance(value, list):
        if len(value) == 3 and _is_history(value) and value[0] in histories.layers:
            return Ref(histories(*value))
        if len(value) in (3, 4) and value[0] == "_CONSTANT_VALUE":
            return value[2]
        return [_old_argument(v, histories) for v in value]
    if isinstance(value, Mapping):
        return {k: _old_argument(v, histories) for k, v in value.items()}
    return value


def _decoded(value: Any) -> Any:
    """Return Keras 3's serialised argument as data: refs, constants, slices, plain values."""
    if isinstance(value, list):
        return [_decoded(v) for v in value]
    if not isinstance(value, Mapping):
        return value
    inner: Any = value.get("config")
    match value.get("class_name"):
        case "__keras_tensor__":
            return Ref(value_name(*inner["keras_history"]))
        case "__tensor__" | "__numpy__":
            return Constant(inner["value"], str(inner["dtype"]))
        case "__tuple__":
            return [_decoded(v) for v in inner.get("items", value.get("items", ()))]
        case "__slice__":
            return slice(*(_decoded(inner[k]) for k in ("start", "stop", "step")))
        case "__ellipsis__":
            return ...
    return {k: _decoded(v) for k, v in value.items()}


def _tensors(structure: Any, histories: _Histories) -> Iterator[str]:
    """Yield value names of `input_layers` or `output_layers`; dicts go by sorted key, as Keras."""
    if isinstance(structure, Mapping):
        for key in sorted(structure):
            yield from _tensors(structure[key], histories)
    elif _is_history(structure):
        if structure[0] not in histories.layers:
            raise UnreadableModel(f"the model names a layer {structure[0]!r} that it does not have")
        yield histories(*structure[:3])
    elif isinstance(structure, list):
        for item in structure:
            yield from _tensors(item, histories)
    elif structure is not None:
        raise ValueError(f"{structure!r} is no tensor")


def _sorted(
    nodes: list[Node], inputs: Sequence[str], outputs: Sequence[str], path: str
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
            raise UnreadableModel(
                f"{value.partition('@')[0]!r} is used, and is neither a layer nor an input",
                where=path,
            )
        if (node := makers[value]).name not in needed:
            needed.add(node.name)
            pending += node.inputs
    waiting = [n for n in nodes if n.name in needed]
    known, order = set(inputs), []
    while waiting:
        ready = next((n for n in waiting if known.issuperset(n.inputs)), None)
        if ready is None:
            raise UnreadableModel("the layers form a cycle", where=waiting[0].layer)
        waiting.remove(ready)
        order.append(ready)
        known.update(ready.outputs)
    return tuple(order)


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
