"""Keras 1's Merge: one class for what Add, Concatenate, Dot and others do today.

A Sequential model could begin with a Merge of other models. Such a model becomes a Functional
one, with the layers of its branches side by side, as its weights are in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.upgrade.context import Context

CLASSES = {
    "sum": "Add",
    "mul": "Multiply",
    "concat": "Concatenate",
    "ave": "Average",
    "max": "Maximum",
    "dot": "Dot",
}

Entries = list[dict[str, Any]]


def settled(config: Mapping[str, Any], context: Context) -> tuple[str, dict[str, Any]]:
    """Return the class and config that a Merge is today."""
    mode = config.get("mode", "sum")
    if not isinstance(mode, str) or mode not in CLASSES:
        raise UnsupportedError(
            f"a Merge in the mode {mode!r} is not translated",
            where=context.where,
            hint="rebuild it with the merging layers of Keras 2 or 3",
        )
    kept = {k: config[k] for k in ("name", "trainable", "dtype") if k in config}
    if mode == "concat":
        kept["axis"] = config.get("concat_axis", -1)
    if mode == "dot":
        kept |= {"axes": config.get("dot_axes", -1), "normalize": False}
    return CLASSES[mode], kept


def is_branched(layers: Any) -> bool:
    """Tell whether a Sequential's layers begin with a Merge of other models."""
    return bool(
        isinstance(layers, list)
        and layers
        and layers[0].get("class_name") == "Merge"
        and layers[0]["config"].get("layers")
    )


def branched(layers: list[Any], name: str, context: Context) -> dict[str, Any]:
    """Return the Functional model of a Sequential that begins with a Merge."""
    entries, inputs, output = _chain(layers, context)
    config = {
        "name": name,
        "trainable": True,
        "layers": entries,
        "input_layers": [[k, 0, 0] for k in inputs],
        "output_layers": [[output, 0, 0]],
    }
    return {"class_name": "Functional", "config": config}


def _chain(layers: list[Any], context: Context) -> tuple[Entries, list[str], str]:
    """Return the entries of layers one after the other, the names of the inputs, the last name."""
    from torchtwin.upgrade.models import sequential_layers  # models know about branches

    if not is_branched(layers):
        entries = sequential_layers(layers, None, context)
        if not entries or entries[0]["class_name"] != "InputLayer":
            raise UnsupportedError(
                "a branch of the model has no input shape in the file", where=context.where
            )
        entries[0]["inbound_nodes"] = []
        inputs, rest = [entries[0]["name"]], entries[1:]
        return _linked(entries[:1], rest, inputs, inputs)
    entries, inputs, ends = [], [], []
    for branch in layers[0]["config"]["layers"]:
        config = branch.get("config")
        inner = config.get("layers") if isinstance(config, Mapping) else config
        if branch.get("class_name") != "Sequential" or not isinstance(inner, list):
            raise UnsupportedError(
                f"a Merge of a {branch.get('class_name')} is not translated", where=context.where
            )
        more, starts, end = _chain(inner, context)
        entries += more
        inputs += starts
        ends.append(end)
    rest = sequential_layers(layers, None, context, with_input=False)
    return _linked(entries, rest, inputs, ends)


def _linked(
    before: Entries, rest: Entries, inputs: list[str], ends: list[str]
) -> tuple[Entries, list[str], str]:
    for entry in rest:
        entry["inbound_nodes"] = [[[name, 0, 0, {}] for name in ends]]
        ends = [entry["name"]]
    return before + rest, inputs, ends[0]
