"""Serialised values as plain ones: tuples as lists, dtypes as text, objects as class and config."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnreadableModel
from torchtwin.upgrade.context import Context

KERAS_HOMES = ("keras", "tf_keras", "tensorflow", "builtins", "keras_nlp", "keras_hub")
ACTIVATION_KEYS = frozenset({"activation", "recurrent_activation"})
OBJECT_KEYS = re.compile(r"\w+_(initializer|regularizer|constraint)")

RENAMED_ACTIVATIONS = {"swish": "silu", "hard_swish": "hard_silu"}
RENAMED_OBJECTS = {
    "Uniform": "RandomUniform",
    "Normal": "RandomNormal",
    "Zero": "Zeros",
    "One": "Ones",
    "OrthogonalInitializer": "Orthogonal",
    "IdentityInitializer": "Identity",
    "L1l2": "L1L2",
    "Maxnorm": "MaxNorm",
    "Nonneg": "NonNeg",
    "Unitnorm": "UnitNorm",
    "WeightRegularizer": "L1L2",
    "L1L2Regularizer": "L1L2",
    "L1Regularizer": "L1L2",
    "L2Regularizer": "L1L2",
}
DISTRIBUTIONS = {"normal": "truncated_normal"}


def plain(value: Any) -> Any:
    """Return a config value without the marks of serialisation."""
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if not isinstance(value, Mapping):
        return value
    match value.get("class_name"):
        case "__tuple__" | "TensorShape":
            return [plain(v) for v in value["items"]]
        case "__tensor__" | "__numpy__":
            return plain(value["config"]["value"])
    if value.get("type") == "ndarray" and set(value) == {"type", "value"}:  # by Keras 2
        return plain(value["value"])
    return {k: plain(v) for k, v in value.items() if k not in ("shared_object_id", "build_config")}


def is_own(entry: Mapping[str, Any]) -> bool:
    """Tell whether a serialised object's class is Keras's own, not its author's."""
    registered = entry.get("registered_name")
    if isinstance(registered, str) and ">" in registered:
        return False
    if ">" in str(entry.get("class_name")):
        return False
    module = entry.get("module")
    return module is None or str(module).split(".")[0] in KERAS_HOMES


def dtype(value: Any) -> Any:
    """Return a dtype or its policy as text; a policy with more to say stays a dict."""
    if not isinstance(value, Mapping):
        return value
    config = value.get("config")
    if isinstance(config, Mapping) and isinstance(config.get("name"), str):
        return config["name"]
    if isinstance(config, str):
        return config
    return {"class_name": value.get("class_name"), "config": plain(config)}


def activation(value: Any, context: Context) -> Any:
    """Return an activation as a name, or as class and config where it is more than that.

    Keras 3 computes another "hard_sigmoid" than the versions before it.
    """
    if isinstance(value, Mapping):
        name = value.get("config")
        if value.get("class_name") == "function" and isinstance(name, str) and is_own(value):
            value = name
        elif value.get("class_name") == "function" or not is_own(value):
            kept = ("class_name", "config", "registered_name", "module")
            return {k: plain(value[k]) for k in kept if value.get(k) is not None}
        else:
            return _activation_object(value, context)
    if value is None:
        return "linear"
    if not isinstance(value, str):
        return plain(value)
    if context.major < 3 and value == "hard_sigmoid":
        return "keras2_hard_sigmoid"
    return RENAMED_ACTIVATIONS.get(value, value)


def _activation_object(value: Mapping[str, Any], context: Context) -> Any:
    """A layer used as an activation, such as LeakyReLU."""
    from torchtwin.upgrade.layers import upgraded_layer  # layers build on values

    if not isinstance(value.get("config"), Mapping):
        return plain(value)
    entry = upgraded_layer(value, context)
    return {"class_name": entry["class_name"], "config": entry["config"]}


def named_object(value: Any) -> Any:
    """Return an initializer, regularizer or constraint as {"class_name", "config"}, or None."""
    if value is None:
        return None
    if isinstance(value, str):
        return {"class_name": class_name(value), "config": {}}
    if not isinstance(value, Mapping):
        return plain(value)
    if not isinstance(value.get("class_name", value.get("name")), str):
        raise UnreadableModel("an initializer, regularizer or constraint has no class")
    if "class_name" not in value:  # Keras 1 wrote {"name": ..., arguments}
        rest = {k: plain(v) for k, v in value.items() if k != "name"}
        if "m" in rest:
            rest["max_value"] = rest.pop("m")
        return {"class_name": class_name(str(value["name"])), "config": rest}
    if not is_own(value):
        kept = ("class_name", "config", "registered_name")
        return {k: plain(value[k]) for k in kept if value.get(k) is not None}
    config = value.get("config")
    if not isinstance(config, Mapping):
        return {"class_name": class_name(str(value["class_name"])), "config": plain(config)}
    config = {k: plain(v) for k, v in config.items() if k != "dtype"}
    if config.get("distribution") in DISTRIBUTIONS:
        config["distribution"] = DISTRIBUTIONS[config["distribution"]]
    return {"class_name": class_name(str(value["class_name"])), "config": config}


def class_name(name: str) -> str:
    """Return Keras 3's name of an initializer, regularizer or constraint."""
    if name == name.lower():
        name = "".join(part.capitalize() for part in name.split("_"))
    return RENAMED_OBJECTS.get(name, name)
