"""What `compile` was given, in one vocabulary: identifiers, and objects as class and config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.upgrade.values import is_own, plain

STRUCTURES = ("loss", "loss_weights", "metrics", "weighted_metrics")


def plain_compile(compiled: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the compile config with its optimizer, losses and metrics as entries.

    An entry is an identifier, as Keras's `get` functions take it, or {"class_name", "config"}.
    What is not Keras's own keeps the name under which it was registered, so that nothing of
    Keras's is taken for it.
    """
    if not compiled:
        return None
    result = {key: entries(compiled.get(key)) for key in STRUCTURES}
    result["optimizer"] = entries(compiled.get("optimizer"))
    result["jit_compile"] = compiled.get("jit_compile")
    return result


def entries(value: Any) -> Any:
    """Return an entry, or a structure of them, without the marks of serialisation."""
    value = plain(value)
    if isinstance(value, list):
        return [entries(v) for v in value]
    if not isinstance(value, Mapping):
        return value
    if "class_name" not in value or "config" not in value:
        return {k: entries(v) for k, v in value.items()}
    if value["class_name"] == "function" and isinstance(value["config"], str):
        return value["config"]
    config = value["config"]
    config = {k: entries(v) for k, v in config.items()} if isinstance(config, Mapping) else config
    return {"class_name": _class_name(value), "config": config}


def _class_name(entry: Mapping[str, Any]) -> str:
    name = str(entry["class_name"])
    if is_own(entry):
        return name
    if name.startswith("Custom>"):  # tf.keras 2.11 and 2.12 registered its new optimizers so
        return name.partition(">")[2]
    return str(entry.get("registered_name") or f"{entry.get('module')}>{name}")
