"""A model that is a class of its author's, as a Functional model of that one layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.graph import MODEL_CLASSES
from torchtwin.rule import rule_of


def as_functional(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the config of a Functional model that calls an author's model, whose source is known.

    Other models are returned as they are. Raises UnsupportedError where the file does not tell
    the input's shape.
    """
    class_name = str(entry.get("registered_name") or entry["class_name"])
    if entry["class_name"] in MODEL_CLASSES or not _is_known(class_name):
        return entry
    name = str(entry["config"].get("name") or "model")
    shapes, several = _shapes(entry, f"{name} ({class_name})")
    given = shapes if several else [shapes]
    words = [f"{name}_input{f'_{k}' if several else ''}" for k in range(len(given))]
    layers: list[dict[str, Any]] = [
        {
            "class_name": "InputLayer", "name": word, "inbound_nodes": [],
            "config": {"name": word, "batch_shape": [None, *shape[1:]], "dtype": "float32"},
        }
        for word, shape in zip(words, given, strict=True)
    ]  # fmt: skip
    tensors = [_tensor(word) for word in words]
    call = {"args": [tensors if several else tensors[0]], "kwargs": {}}
    config = {**entry["config"], "name": name}
    own = {"class_name": entry["class_name"], "registered_name": class_name, "config": config}
    layers.append({**own, "name": name, "inbound_nodes": [call]})
    return {
        "class_name": "Functional",
        "config": {
            "name": f"{name}_model",
            "own": True,
            "layers": layers,
            "input_layers": [[word, 0, 0] for word in words],
            "output_layers": [[name, 0, 0]],
        },
    }


def _shapes(entry: Mapping[str, Any], where: str) -> tuple[list[Any], bool]:
    """Return the shape of the input, or of several, and whether it is several."""
    built = entry.get("build_config")
    shapes = built.get("input_shape") if isinstance(built, Mapping) else None
    several = isinstance(shapes, list) and all(isinstance(s, list) for s in shapes)
    if not isinstance(shapes, list) or not shapes or not (several or _is_shape(shapes)):
        raise UnsupportedError(
            "the file does not tell the shape of the model's input",
            where=where,
            hint="call the model once on an array, and save it as .keras: .h5 does not keep it",
        )
    return shapes, several


def _is_known(class_name: str) -> bool:
    try:
        rule_of(class_name)
    except UnsupportedError:
        return False
    return True


def _is_shape(shape: list[Any]) -> bool:
    return all(n is None or isinstance(n, int) for n in shape)


def _tensor(word: str) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [word, 0, 0]}}
