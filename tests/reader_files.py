"""Model files made by hand or by Keras, and ways to change them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from reader_support import mlp, randomized

DENSE = {"class_name": "Dense", "config": {"name": "dense", "units": 2}}
SEQUENTIAL = {"class_name": "Sequential", "config": {"name": "m", "layers": [DENSE]}}


def archive_at(path: Path) -> Path:
    """Save a small model with its optimizer."""
    model = randomized(mlp(keras))
    model.compile(keras.optimizers.Adam(amsgrad=True), "mse")  # more than ten variables
    model.optimizer.build(model.trainable_variables)
    model.save(path)
    return path


def repacked(archive: Path, target: Path, change: Callable[[dict[str, bytes]], Any]) -> Path:
    """Copy an archive whose members `change` changes; what it returns goes to the ZipFile."""
    with zipfile.ZipFile(archive) as old:
        members = {info.filename: old.read(info) for info in old.infolist()}
    options = change(members) or {}
    with zipfile.ZipFile(target, "w", **options) as new:
        for name, data in members.items():
            new.writestr(name, data)
    return target


def legacy(path: Path, config: str | bytes | None, **attributes: Any) -> Path:
    """Write an HDF5 model with one Dense layer, by hand."""
    with h5py.File(path, "w") as file:
        if config is not None:
            file.attrs["model_config"] = config
            file.attrs["keras_version"] = "2.2.4"
        group = file if config is None else file.create_group("model_weights")
        group.attrs["layer_names"] = np.array([b"dense"])
        for name, value in attributes.items():
            group.attrs[name] = value
        layer = group.create_group("dense")
        layer.attrs["weight_names"] = np.array([b"dense/kernel:0", b"dense/bias:0"])
        layer["dense/kernel:0"] = np.arange(6, dtype="f4").reshape(3, 2)
        layer["dense/bias:0"] = np.arange(2, dtype="f4")
    return path
