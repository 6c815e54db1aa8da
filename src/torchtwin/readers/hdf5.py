"""Reads HDF5 files: full models of Keras 1 to 3, and weights-only files of both layouts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torchtwin.errors import UnreadableModel
from torchtwin.readers import archive, hdf, plain
from torchtwin.readers.window import Window
from torchtwin.source import Array, Ordered, Source

OWN_WEIGHTS = "top_level_model_weights"


def accepts(_path: Path, start: bytes) -> bool:
    return start.startswith(hdf.SIGNATURE)


def read(path: Path) -> Source:
    window = Window.of(path)
    root = hdf.opened(window)
    config = hdf.text(root, "model_config")
    if config is None:
        return _weights_only(path, root, window)
    model = plain.parsed(config, "model_config")
    stored = hdf.member(root, "model_weights")
    training = hdf.text(root, "training_config")
    version = _version(root, stored)
    _note_backend(model, root, stored)
    return Source(
        config=model,
        version=version or "1",
        format="HDF5 model",
        weights=ordered(stored, window) if stored is not None else None,
        compile=compiled(plain.parsed(training, "training_config")) if training else None,
        optimizer=_optimizer(root, window),
        origin=path,
    )


def _weights_only(path: Path, root: Any, window: Window) -> Source:
    """Return a Source without a config: only good for `weights=`."""
    if archive.is_weights(root):
        tree, optimizer = archive.tree(window)
        return Source({}, "3", "weights file", tree, optimizer=optimizer, origin=path)
    if hdf.texts(root, "layer_names") is None:
        raise UnreadableModel(
            "it is an HDF5 file, but holds neither a Keras model nor its weights: no model_config,"
            " no layer_names"
        )
    config: dict[str, Any] = {}
    _note_backend(config, root, None)
    version = _version(root) or "1"  # Keras names it since 1.1
    return Source(config, version, "weights file", ordered(root, window), origin=path)


def ordered(stored: Any, window: Window) -> Ordered:
    """Return the arrays of each layer, in the order of the file's own lists."""
    if not hdf.is_group(stored):
        raise UnreadableModel("its model_weights are not a group")
    names = hdf.texts(stored, "layer_names")
    if names is None:
        raise UnreadableModel("its weights have no list of layers (layer_names)")
    if len(set(names)) < len(names):
        raise UnreadableModel("its list of layers names a layer twice")
    groups = {name: _group(stored, name, window) for name in names}
    if own := hdf.member(stored, OWN_WEIGHTS):
        groups[OWN_WEIGHTS] = _listed(own, window)
    return Ordered(groups)


def _group(stored: Any, name: str, window: Window) -> tuple[Array, ...]:
    group = hdf.member(stored, name)
    if not hdf.is_group(group):
        raise UnreadableModel(f"its list of layers names '{name}', which it does not hold")
    return _listed(group, window)


def _listed(group: Any, window: Window) -> tuple[Array, ...]:
    """Return the arrays that the group's `weight_names` lists, in that order."""
    arrays = []
    for name in hdf.texts(group, "weight_names") or []:
        dataset = hdf.member(group, name)
        if dataset is None or hdf.is_group(dataset):
            raise UnreadableModel(f"'{group.name}' lists the weight '{name}' but does not hold it")
        arrays.append(hdf.array(dataset, name, window))
    return tuple(arrays)


def _optimizer(root: Any, window: Window) -> tuple[Array, ...]:
    group = hdf.member(root, "optimizer_weights")
    return _listed(group, window) if hdf.is_group(group) else ()


def _version(*groups: Any) -> str:
    found = (hdf.text(group, "keras_version") for group in groups if group is not None)
    return next((version for version in found if version), "")


def _note_backend(config: dict[str, Any], *groups: Any) -> None:
    """Keep the backend in the config: Theano stored convolution kernels mirrored."""
    for group in groups:
        backend = hdf.text(group, "backend") if group is not None else None
        if backend:
            config["backend"] = backend


def compiled(training: dict[str, Any]) -> dict[str, Any]:
    """Name the optimizer as the newer formats do."""
    optimizer = training.pop("optimizer_config", None)
    return {"optimizer": optimizer, **training} if optimizer is not None else training
