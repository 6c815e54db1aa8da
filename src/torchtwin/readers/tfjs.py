"""Reads a layers model of TensorFlow.js: a model.json, and shards with the weights beside it.

Keras's converter writes it, and `model.save` in JavaScript. The manifest lists the weights by
name, in groups; the shards of a group are one run of bytes. Graph models hold no layers.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from torchtwin.errors import UnreadableModel, UnsupportedError
from torchtwin.readers import hdf5, manifest, plain
from torchtwin.readers.names import grouped
from torchtwin.source import Ordered, Source, Tree

FORMAT, FILE = "TensorFlow.js model", "model.json"
KEYS = {"weightsManifest", "modelTopology", "weights_manifest", "model_topology"}
NODES = ("inboundNodes", "inputLayers", "outputLayers")
KERAS = "convert the Keras model that it was made from"


def accepts(path: Path, _start: bytes) -> bool:
    file = path / FILE
    return path.is_dir() and file.is_file() and is_tfjs(plain.parsed(plain.contents(file), FILE))


def read(path: Path) -> Source:
    return source(path / FILE, plain.parsed(plain.contents(path / FILE), FILE))


def is_tfjs(model: dict[str, Any]) -> bool:
    return bool(KEYS & set(model)) or model.get("format") in ("layers-model", "graph-model")


def source(path: Path, model: dict[str, Any]) -> Source:
    """Return what a parsed model.json and the shards beside it hold."""
    topology = model.get("modelTopology", model.get("model_topology"))
    nodes = isinstance(topology, dict) and "node" in topology
    if model.get("format") == "graph-model" or nodes:
        raise UnsupportedError(
            "it is a graph-model of TensorFlow.js, which holds no Keras layers", hint=KERAS
        )
    if not isinstance(topology, str | dict):
        raise UnreadableModel("it has no modelTopology, the architecture", hint=KERAS)
    topology = _object(topology, "modelTopology")
    config = _config(topology)
    arrays = manifest.arrays(path, model.get("weightsManifest", model.get("weights_manifest")))
    weights: Ordered | Tree | None = None
    if arrays is not None and all("/vars/" in array.name for array in arrays):
        weights = Tree({array.name: array for array in arrays})
    elif arrays is not None:
        weights = grouped(arrays, config)
    training = topology.get("training_config")
    version = str(topology.get("keras_version") or "2")
    return Source(
        config=config,
        version=version if re.match(r"\d", version) else "2",  # "tfjs-layers 3.9.0" follows Keras 2
        format=FORMAT,
        weights=weights,
        compile=hdf5.compiled(dict(training)) if isinstance(training, dict) else None,
        origin=path,
    )


def _object(value: Any, what: str) -> dict[str, Any]:
    """Return a JSON object, which may be written as a text."""
    if isinstance(value, str):
        return plain.parsed(value, what)
    if not isinstance(value, dict):
        raise UnreadableModel(f"its {what} is a JSON {type(value).__name__}, not an object")
    return value


def _config(topology: dict[str, Any]) -> dict[str, Any]:
    """Return class and config of the model, with the keys that Python has."""
    given = topology.get("model_config", topology.get("modelConfig"))
    model = _object(topology if given is None else given, "modelTopology")
    if '"className":' in json.dumps(model):
        model = in_python(model, "")
    if "class_name" not in model or "config" not in model:
        raise UnreadableModel("its modelTopology has no class_name and config", hint=KERAS)
    return {"class_name": model["class_name"], "config": model["config"]}


def in_python(value: Any, key: str) -> Any:
    """Return a config of JavaScript as TensorFlow.js writes it for Python.

    The rules, and what is left as it is, are those of its serialization_utils.ts.
    """
    if isinstance(value, str):
        return _snake(value)
    if isinstance(value, list):
        named = key in NODES and bool(value) and isinstance(value[0], str)
        return [v if named and k == 0 else in_python(v, key) for k, v in enumerate(value)]
    if not isinstance(value, dict):
        return value
    kept = ("name", "className", "class_name")
    return {
        _snake(name): v if name in kept and isinstance(v, str) else in_python(v, name)
        for name, v in value.items()
    }


def _snake(name: str) -> str:
    """Return `kernel_size` for `kernelSize` (tfjs-layers/src/utils/generic_utils.ts)."""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    name = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    return f"private{name}" if name[:1] == "_" else name
