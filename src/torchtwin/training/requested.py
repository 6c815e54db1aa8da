"""Joins what `compile` was given with what is asked for instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.training.optimizers import upgraded_optimizer
from torchtwin.training.parsing import entry_of, parsed

KINDS = {
    "optimizer": "optimizers",
    "loss": "losses",
    "metrics": "metrics",
    "callbacks": "callbacks",
}


def requested(compiled: Mapping[str, Any] | None, version: str, asked: Mapping[str, Any]) -> Any:
    """Return the compile config with what is asked for in the place of its own; None for nothing.

    The optimizer of the file is brought from its Keras's `version` to Keras 3's vocabulary.

    What is asked for are entries, texts such as "Adam(1e-4)", objects of Keras, or lists and
    dicts of these. A new loss takes the place of the loss weights too.
    """
    given = {key: _entries(value, KINDS[key]) for key, value in asked.items() if value is not None}
    if not given and not compiled:
        return None
    result = {**(compiled or {}), **given}
    if compiled and "optimizer" not in given:
        result["optimizer"] = upgraded_optimizer(compiled.get("optimizer"), version)
    if "loss" in given:
        result["loss_weights"] = None
    return result


def _entries(value: Any, kind: str) -> Any:
    """Return a value of `asked` as entries: texts are read."""
    if isinstance(value, str):
        return parsed(value, kind)
    if isinstance(value, Mapping) and not {"class_name", "config"} <= set(value):
        return {key: _entries(part, kind) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_entries(part, kind) for part in value]
    return entry_of(value)
