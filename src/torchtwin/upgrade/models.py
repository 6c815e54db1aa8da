"""Upgrades models: Sequential and Functional, alone, nested or inside a wrapper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnreadableModel
from torchtwin.upgrade import merge
from torchtwin.upgrade.context import Context
from torchtwin.upgrade.layers import MODELS, check_entry, upgraded_layer
from torchtwin.upgrade.values import dtype, is_own, plain
from torchtwin.view import defaults

SHAPE_KEYS = ("batch_shape", "batch_input_shape")
SEQUENCES = frozenset({"LSTM", "GRU", "SimpleRNN", "TimeDistributedDense"})


def upgraded_model(
    entry: Mapping[str, Any], context: Context, name: str | None = None
) -> dict[str, Any]:
    """Return {"class_name", "config"} of a model in Keras 3's form."""
    class_name, config = str(entry["class_name"]), entry["config"]
    if not is_own(entry) or not _has_layers(class_name, config):
        return _authors(entry)
    given = config["layers"] if isinstance(config, Mapping) else config
    if not isinstance(given, list):
        kind = type(given).__name__
        raise UnreadableModel(f"the 'layers' of a {class_name} are no list but a {kind}")
    for layer in given:
        check_entry(layer, context)
    if class_name == "Sequential":
        if merge.is_branched(given):
            return merge.branched(given, name or "model", context)
        return {"class_name": "Sequential", "config": _sequential(config, context, name)}
    layers = [upgraded_layer(layer, context) for layer in config["layers"]]
    kept = {
        "name": str(config.get("name") or name or "model"),
        "trainable": bool(config.get("trainable", True)),
        "layers": layers,
        "input_layers": config["input_layers"],
        "output_layers": config["output_layers"],
    }
    return {"class_name": "Functional", "config": kept}


def _has_layers(class_name: str, config: Any) -> bool:
    if class_name == "Sequential":
        return isinstance(config, list) or "layers" in config
    return isinstance(config, Mapping) and {"layers", "input_layers"} <= set(config)


def _authors(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Keep a subclassed model as it is: the graph refuses it by name.

    One of the author's may be called as one of Keras, whose config is then not what is known of it.
    """
    kept = ("class_name", "config", "registered_name", "module", "build_config")
    result = {k: plain(entry[k]) for k in kept if entry.get(k) is not None}
    class_name = str(entry["class_name"])
    if class_name in defaults() or (class_name in MODELS and not is_own(entry)):
        result["class_name"] = f"own>{class_name}"
    return result


def _sequential(config: Any, context: Context, name: str | None) -> dict[str, Any]:
    if isinstance(config, list):
        config = {"layers": config}
    layers = sequential_layers(config["layers"], config.get("build_input_shape"), context)
    return {
        "name": str(config.get("name") or name or "sequential"),
        "trainable": bool(config.get("trainable", True)),
        "layers": layers,
    }


def sequential_layers(
    given: list[Any], built: Any, context: Context, *, with_input: bool = True
) -> list[dict[str, Any]]:
    """Return the upgraded layers, behind an InputLayer if a shape for it is in the file."""
    layers = [upgraded_layer(layer, context) for layer in given]
    if with_input and layers and layers[0]["class_name"] != "InputLayer":
        shape = plain(built) or _input_shape(given[0])
        if shape:
            layers.insert(0, _input_layer(shape, given[0], layers))
    return layers


def _input_shape(entry: Mapping[str, Any]) -> Any:
    """Return the shape that a Sequential's first layer was told, or that a first model has."""
    config = entry.get("config")
    if isinstance(config, list):
        return _input_shape(config[0]) if config else None
    if not isinstance(config, Mapping):
        return None
    for key in SHAPE_KEYS:
        if config.get(key):
            return plain(config[key])
    if "layers" in config:
        first = config["layers"][0] if config["layers"] else {}
        return plain(config.get("build_input_shape")) or _input_shape(first)
    if config.get("input_shape"):
        return [None, *plain(config["input_shape"])]
    if told := _told(str(entry.get("class_name")), config):
        return told
    built = entry.get("build_config")
    if isinstance(built, Mapping) and built.get("input_shape"):
        return plain(built["input_shape"])
    inner = config.get("layer")
    return _input_shape(inner) if isinstance(inner, Mapping) and _is_rnn(entry) else None


def _told(class_name: str, config: Mapping[str, Any]) -> list[Any] | None:
    """Return the shape that Keras 1's and Embedding's `input_dim` and `input_length` tell."""
    length, size = plain(config.get("input_length")), config.get("input_dim")
    if class_name == "Embedding":
        return [None, *(length if isinstance(length, list) else [length])] if length else None
    if not size:
        return None
    steps = class_name in SEQUENCES or class_name.endswith("1D")
    return [None, length, size] if steps else [None, size]


def _is_rnn(entry: Mapping[str, Any]) -> bool:
    return entry.get("class_name") == "Bidirectional"


def _input_layer(
    shape: list[Any], first: Mapping[str, Any], layers: list[dict[str, Any]]
) -> dict[str, Any]:
    names = {layer["name"] for layer in layers}
    name = f"{layers[0]['name']}_input"
    while name in names:
        name += "_"
    config = first.get("config")
    kind = dtype(config.get("dtype")) if isinstance(config, Mapping) else None
    kind = kind if isinstance(kind, str) else "float32"
    kind = "float32" if kind.startswith("mixed_") else kind
    return {
        "class_name": "InputLayer",
        "name": name,
        "config": {"name": name, "batch_shape": shape, "dtype": kind},
    }
