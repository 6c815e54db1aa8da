"""Upgrades one layer: its class name, the names of its arguments, their values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnreadableModel
from torchtwin.upgrade import conv_arrays, keras1, keras2, merge
from torchtwin.upgrade.arguments import check_layer
from torchtwin.upgrade.context import Context
from torchtwin.upgrade.values import (
    ACTIVATION_KEYS,
    OBJECT_KEYS,
    activation,
    dtype,
    is_own,
    named_object,
    plain,
)
from torchtwin.view import defaults

MODELS = frozenset({"Sequential", "Functional", "Model"})
INNER_KEYS = ("layer", "backward_layer", "cell")

SILENT_LAYERS = (
    *("InputLayer", "Lambda", "SpatialDropout", "CategoryEncoding", "Discretization", "Hashed"),
    *("FlaxLayer", "JaxLayer", "Pipeline", "Random", "TFSMLayer", "TorchModuleWrapper"),
)
"""Layers whose config does not say whether they are trainable."""

RENAMED_CLASSES = {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "LSTMV1": "LSTM",
    "LSTMV2": "LSTM",
    "GRUV1": "GRU",
    "GRUV2": "GRU",
    "UnifiedLSTM": "LSTM",
    "UnifiedGRU": "GRU",
    "DenseFeaturesV2": "DenseFeatures",
    "Conv1d": "Conv1D",
    "Conv2d": "Conv2D",
    "MaxPool1D": "MaxPooling1D",
    "MaxPool2D": "MaxPooling2D",
    "MaxPool3D": "MaxPooling3D",
    "AvgPool1D": "AveragePooling1D",
    "AvgPool2D": "AveragePooling2D",
    "AvgPool3D": "AveragePooling3D",
    "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "GlobalMaxPool3D": "GlobalMaxPooling3D",
    "GlobalAvgPool1D": "GlobalAveragePooling1D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalAvgPool3D": "GlobalAveragePooling3D",
    "Convolution1DTranspose": "Conv1DTranspose",
    "Convolution2DTranspose": "Conv2DTranspose",
    "Convolution3DTranspose": "Conv3DTranspose",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
    "DepthwiseConvolution2D": "DepthwiseConv2D",
    **keras1.CLASSES,
}


def upgraded_layer(entry: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return a layer's entry in Keras 3's vocabulary; a nested model is a layer too."""
    check_entry(entry, context)
    name = str(entry.get("name") or _config(entry).get("name") or snake(str(entry["class_name"])))
    context.count(str(entry["class_name"]))
    with context.inside(name):
        context.count_numbers(_config(entry))
        own = is_own(entry) and not context.is_custom(entry)
        if str(entry["class_name"]) == "Pipeline" and own:
            entry = _as_sequential(entry, name, context)
        if str(entry["class_name"]) in MODELS and is_own(entry):
            from torchtwin.upgrade.models import upgraded_model  # models are made of layers

            result = upgraded_model(entry, context, name)
        elif is_own(entry) and not context.is_custom(entry):
            result = _own_layer(entry, name, context)
            if str(entry.get("module")).startswith("keras.src."):  # not a public class
                result.setdefault("module", entry["module"])
        else:
            result = _custom_layer(entry, context)
        result["name"] = name
        if "inbound_nodes" in entry:
            calls = [plain(c) if isinstance(c, list) else c for c in entry["inbound_nodes"] or ()]
            result["inbound_nodes"] = keras2.causal_calls(result["config"], calls)
        return result


def check_entry(entry: Any, context: Context) -> None:
    """Refuse what is no serialised object before its parts are looked at."""
    if not isinstance(entry, Mapping):
        raise UnreadableModel(
            f"a layer is a {type(entry).__name__}, no object", where=context.where
        )
    if not isinstance(entry.get("class_name"), str):
        kind = type(entry.get("class_name")).__name__
        raise UnreadableModel(f"the class_name of a layer is a {kind}", where=context.where)
    if not isinstance(entry.get("config"), Mapping | list):
        name = entry["class_name"]
        raise UnreadableModel(f"the config of a {name} is no object", where=context.where)


def _as_sequential(entry: Mapping[str, Any], name: str, context: Context) -> dict[str, Any]:
    """Return a Pipeline, whose layers may have the same name, as the model that it is."""
    layers, names = [], set[str]()
    for layer in _config(entry).get("layers") or ():
        check_entry(layer, context)
        word = first = str(_config(layer).get("name") or snake(layer["class_name"]))
        while word in names:
            word = f"{first}_{len(names)}"
        names.add(word)
        layers.append({**layer, "config": {**_config(layer), "name": word}})
    built = (entry.get("build_config") or {}).get("input_shape")
    config = {"name": name, "layers": layers, "build_input_shape": built}
    return {**entry, "class_name": "Sequential", "config": config}


def _config(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    config = entry.get("config")
    return config if isinstance(config, Mapping) else {}


def _own_layer(entry: Mapping[str, Any], name: str, context: Context) -> dict[str, Any]:
    given = str(entry["class_name"])
    config: dict[str, Any] = {"name": name, **entry["config"]}
    if _is_operation(entry, context):
        return {"class_name": given, "config": plain(config), "module": "keras.ops"}
    if given == "Merge":
        given, config = merge.settled(config, context)
    cls = RENAMED_CLASSES.get(given, given)
    keras1.rename(given, cls, config, context)
    for key, value in config.items():
        config[key] = _value(key, value, context)
    cls = keras2.settle(cls, config, context)
    check_layer(cls, config, context)
    if conversion := conv_arrays.conversion(cls, config, context):
        context.convert(name, conversion)
    return {"class_name": cls, "config": config}


def _is_operation(entry: Mapping[str, Any], context: Context) -> bool:
    """Tell a call of keras.ops from a layer, which may have the same name: Add, Average, Softmax.

    Keras 3's HDF5 writer leaves the module out; layers say there whether they are trainable.
    """
    if entry.get("module") is not None:
        return ".ops." in f"{entry['module']}."
    return (
        context.major >= 3
        and bool(entry.get("inbound_nodes"))
        and "trainable" not in entry["config"]
        and not entry["class_name"].startswith(SILENT_LAYERS)
    )


def _value(key: str, value: Any, context: Context) -> Any:
    if key == "dtype":
        return dtype(value)
    if key in ACTIVATION_KEYS:
        return activation(value, context)
    if OBJECT_KEYS.fullmatch(key):
        return named_object(value)
    if key in INNER_KEYS and isinstance(value, Mapping) and "class_name" in value:
        return upgraded_layer(value, context)
    if key == "cells" and isinstance(value, list):
        return [upgraded_layer(cell, context) for cell in value]
    return plain(value)


def _custom_layer(entry: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Keep an author's layer as it is, apart from what every layer has."""
    full = str(entry["class_name"])
    short = full.rpartition(">")[2]
    result: dict[str, Any] = {"class_name": short}
    registered = str(entry.get("registered_name") or (full if ">" in full else ""))
    if short in defaults():  # one of the author's may be called as one of Keras: it is none there
        registered = registered if ">" in registered else f"own>{short}"
        result["class_name"] = registered
    if registered:
        result["registered_name"] = registered
    if entry.get("module"):
        result["module"] = entry["module"]
    config = {k: _custom_value(k, v, context) for k, v in _config(entry).items()}
    return {**result, "config": config}


def _custom_value(key: str, value: Any, context: Context) -> Any:
    """Keep the arguments of an author's layer as they are given to its class."""
    if key == "dtype":
        return dtype(value)
    if key in INNER_KEYS and isinstance(value, Mapping) and "class_name" in value:
        return upgraded_layer(value, context)
    if isinstance(value, Mapping) and value.get("class_name") == "__tuple__":
        return tuple(_custom_value("", v, context) for v in value["items"])
    if isinstance(value, Mapping) and "class_name" in value:
        dropped = ("shared_object_id", "build_config", "compile_config")
        return {k: _custom_value("", v, context) for k, v in value.items() if k not in dropped}
    if isinstance(value, list):
        return [_custom_value("", v, context) for v in value]
    return plain(value)


def snake(class_name: str) -> str:
    """Return the name that Keras gives a layer of this class."""
    name = re.sub(r"\W+", "", class_name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
