"""Models as TensorFlow and TensorFlow.js keep them, and ways to damage the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tf_keras.protobuf import saved_metadata_pb2

Named = list[tuple[str, np.ndarray]]


def tfjs(hdf5: Path, folder: Path, **options: Any) -> Path:
    """Write an HDF5 model as TensorFlow.js's converter does (keras_h5_conversion.py)."""
    with h5py.File(hdf5) as file:
        top = {key: file.attrs[key] for key in ("keras_version", "backend")}
        top["model_config"] = json.loads(file.attrs["model_config"])
        if "training_config" in file.attrs:
            top["training_config"] = json.loads(file.attrs["training_config"])
        weights: Named = []
        for group in file["model_weights"].values():
            _listed(group, weights)
    return written(top, [weights], folder, **options)


def _listed(group: Any, weights: Named) -> None:
    if "weight_names" not in group.attrs:
        for inner in group.values():
            _listed(inner, weights)
        return
    for name in group.attrs["weight_names"]:
        weights.append((str(name).removesuffix(":0"), np.array(group[name])))


def written(
    topology: Any, groups: list[Named], folder: Path, *, shard: int = 1 << 22, quantised: str = "",
    prefix: str = "",
) -> Path:  # fmt: skip
    """Write a layers model with shards of so many bytes (write_weights.py, quantization.py)."""
    folder.mkdir(exist_ok=True)
    manifest = []
    for number, weights in enumerate(groups, 1):
        entries, data = [], b""
        for name, value in weights:
            entry = {"name": name, "shape": list(value.shape), "dtype": value.dtype.name}
            if quantised:
                value, entry["quantization"] = quantise(value, quantised)
            entries.append(entry)
            data += value.tobytes()
        parts = [data[k : k + shard] for k in range(0, len(data), shard)]
        names = [f"group{number}-shard{k}of{len(parts)}.bin" for k in range(1, len(parts) + 1)]
        for name, part in zip(names, parts, strict=True):
            (folder / name).write_bytes(part)
        manifest.append({"paths": [prefix + name for name in names], "weights": entries})
    model = {"format": "layers-model", "modelTopology": topology, "weightsManifest": manifest}
    (folder / "model.json").write_text(json.dumps(model))
    return folder / "model.json"


def quantise(value: np.ndarray, kind: str) -> tuple[np.ndarray, dict[str, Any]]:
    if kind == "float16":
        return value.astype(kind), {"dtype": kind}
    least, most = float(value.min()), float(value.max())
    scale = (most - least) / np.iinfo(kind).max or 1.0
    steps = np.round((value - least) / scale).astype(kind)
    return steps, {"dtype": kind, "scale": scale, "min": least}


def by_names(prefix: Path, weights: dict[str, Any]) -> Path:
    """Write a checkpoint that keeps names alone, as TensorFlow 1 does."""
    values = [tf.constant(value) for value in weights.values()]
    tf.raw_ops.SaveV2(
        prefix=str(prefix), tensor_names=list(weights), tensors=values,
        shape_and_slices=[""] * len(values),
    )  # fmt: skip
    return prefix


def with_metadata_inside(folder: Path) -> None:
    """Move the metadata of a SavedModel where TensorFlow 2.0 to 2.4 have it."""
    metadata = saved_metadata_pb2.SavedMetadata()
    metadata.ParseFromString((folder / "keras_metadata.pb").read_bytes())
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((folder / "saved_model.pb").read_bytes())
    nodes = model.meta_graphs[0].object_graph_def.nodes
    for told in metadata.nodes:
        nodes[told.node_id].user_object.metadata = told.metadata
    if nodes[0].user_object.identifier == "_tf_keras_network":
        nodes[0].user_object.identifier = "_tf_keras_model"  # until TensorFlow 2.2
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())
    (folder / "keras_metadata.pb").unlink()
