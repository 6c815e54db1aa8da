"""Reads the calls of a config: which values a layer is called on, and with which arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torchtwin.errors import UnreadableModel, UnsupportedError
from torchtwin.graph import Constant, Layer, Ref, value_name

HIGHEST = 10_000
"""The number of a call, or of one of its results: no model comes near it."""


class Histories:
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
        _check(layer, call, tensor)
        return value_name(layer, call - (layer in self.shifted), tensor)


def _check(layer: Any, call: Any, tensor: Any) -> None:
    """Refuse what names no value; a number from a file could be of any size."""
    numbers = (("node", call), ("tensor", tensor))
    if not isinstance(layer, str):
        raise UnreadableModel(f"a call is of {layer!r}, which is no layer's name")
    for what, number in numbers:
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < HIGHEST:
            raise UnreadableModel(f"the {what} index {number!r} of {layer!r} is none", where=layer)


def arguments(call: Any, histories: Histories) -> tuple[tuple[Any, ...], dict[str, Any]]:
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
    if not isinstance(call, list):
        raise UnreadableModel(f"an entry of inbound_nodes is a {type(call).__name__}, not a list")
    if not all(_is_history(c) for c in call):
        raise UnsupportedError("a call (inbound_nodes) with arguments nested in an unknown way")
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


def _old_argument(value: Any, histories: Histories) -> Any:
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
            layer, node, tensor = inner["keras_history"]
            _check(layer, node, tensor)
            return Ref(value_name(layer, node, tensor))
        case "__tensor__" | "__numpy__":
            return Constant(inner["value"], str(inner["dtype"]))
        case "__tuple__":
            return [_decoded(v) for v in inner.get("items", value.get("items", ()))]
        case "__slice__":
            return slice(*(_decoded(inner[k]) for k in ("start", "stop", "step")))
        case "__ellipsis__":
            return ...
    return {k: _decoded(v) for k, v in value.items()}


def tensors(structure: Any, histories: Histories) -> Iterator[str]:
    """Yield value names of `input_layers` or `output_layers`; dicts go by sorted key, as Keras."""
    if isinstance(structure, Mapping):
        for key in sorted(structure):
            yield from tensors(structure[key], histories)
    elif _is_history(structure):
        if structure[0] not in histories.layers:
            raise UnreadableModel(f"the model names a layer {structure[0]!r} that it does not have")
        yield histories(*structure[:3])
    elif isinstance(structure, list):
        for item in structure:
            yield from tensors(item, histories)
    elif structure is not None:
        raise UnreadableModel(
            f"among the inputs and outputs (input_layers, output_layers) is {structure!r}"
        )
