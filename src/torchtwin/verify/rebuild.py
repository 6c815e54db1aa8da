"""The model as Keras 3 can build it where no Keras opens the file: its upgraded config and arrays.

What is judged then is the mathematics of the layers, not the reading of the file: config and
weights are those that torchtwin read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from torchtwin.program import Class, Submodule
from torchtwin.source import Array
from torchtwin.twin import Twin

NOTE = (
    "the model was rebuilt in Keras from the config and weights that torchtwin read, because no "
    "Keras installed opens the file: this proves the layers, not the reading of the file"
)

INNER = {"layer", "backward_layer", "cell", "cells"}
"""Arguments of wrappers that are layers themselves."""


def rebuilt(twin: Twin) -> dict[str, Any] | None:
    """Return the config, and each layer's arrays in the order of Keras's `Layer.weights`.

    None where arrays are of a dtype that numpy does not know.
    """
    stored: dict[tuple[str, str], Array] = {}
    for parameter in twin.parameters:
        if parameter.array is not None and not parameter.notation.constant:
            stored[parameter.layer, parameter.notation.variable] = parameter.array
    if any(array.dtype == "bfloat16" for array in stored.values()):
        return None
    arrays: dict[str, list[np.ndarray]] = {}
    for sub in _submodules(twin.program):
        ordered = _ordered(sub)
        found = [stored[sub.layer, n].read() for n in ordered if (sub.layer, n) in stored]
        arrays.setdefault(sub.layer, found)
    return {"config": with_modules(twin.keras.config), "arrays": arrays}


def _ordered(sub: Submodule) -> list[str]:
    """Return a layer's variables in the order of `Layer.weights`: what is trained comes first."""
    names = dict.fromkeys(n.variable for n in sub.weights.values() if not n.constant)
    return sorted(names, key=lambda name: name in sub.untrained)


def variables_in_order(program: Class) -> dict[tuple[str, str], int]:
    """Return the place of each (layer, variable) in the layer's `weights`."""
    return {
        (sub.layer, name): k for sub in _submodules(program) for k, name in enumerate(_ordered(sub))
    }


def with_modules(config: Any) -> Any:
    """Return a config in which the layers inside wrappers say where Keras finds their class."""
    if isinstance(config, list | tuple):
        return [with_modules(item) for item in config]
    if not isinstance(config, Mapping):
        return config
    result = {key: with_modules(value) for key, value in config.items()}
    for key in INNER & result.keys():
        value = result[key]
        result[key] = [_placed(v) for v in value] if isinstance(value, list) else _placed(value)
    return result


def _placed(entry: Any) -> Any:
    if not isinstance(entry, dict) or "class_name" not in entry or "module" in entry:
        return entry
    name = entry["class_name"]
    module = {"Functional": "keras.src.models.functional", "Sequential": "keras"}
    return {**entry, "module": module.get(name, "keras.layers"), "registered_name": None}


def _submodules(program: Class) -> Iterator[Submodule]:
    for sub in program.submodules:
        if isinstance(sub.constructor, Class):
            yield from _submodules(sub.constructor)
        else:
            yield sub
