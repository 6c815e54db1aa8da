"""Reads a `.keras` archive: a zip, or its folder, of config.json and model.weights.h5.

Keras 2.12 to 2.15 and Keras 3 write it. The weights are read from where they lie in the zip, so
that nothing of the size of the model is ever in memory.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torchtwin.errors import UnreadableModel
from torchtwin.readers import assets, hdf, members, plain
from torchtwin.readers.inside import inside
from torchtwin.readers.window import Window
from torchtwin.source import Array, Source, Tree

CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"


def accepts(path: Path, start: bytes) -> bool:
    if path.is_dir():
        return (path / CONFIG).is_file() and (path / WEIGHTS).is_file()
    return start[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def read(path: Path) -> Source:
    if path.is_dir():
        for name in (METADATA, WEIGHTS):
            inside(path / name, path / CONFIG)
        return _source(
            path,
            plain.contents(path / CONFIG),
            plain.contents(path / METADATA) if (path / METADATA).is_file() else None,
            Window.of(path / WEIGHTS),
        )
    with path.open("rb") as file:
        members.check_directory(file)
        return _of_zip(path, zipfile.ZipFile(file))


def _of_zip(path: Path, archive: zipfile.ZipFile) -> Source:
    with archive:
        found = members.members(archive)
        if CONFIG not in found:
            raise UnreadableModel(_stranger(set(found)))
        metadata = members.text(archive, found[METADATA]) if METADATA in found else None
        config = members.text(archive, found[CONFIG])
        window = members.window(path, archive, found[WEIGHTS]) if WEIGHTS in found else None
        others = [name for name in found if name.startswith("model.weights.")]
        if window is None and others:
            raise UnreadableModel(
                f"its weights are {others[0]}, which is not read: save them as h5"
            )
        source = _source(path, config, metadata, window)
        assets.place(source.config, _vocabularies(archive, found))
        return source


def _vocabularies(archive: zipfile.ZipFile, found: members.Members) -> dict[str, list[str]]:
    return {
        name.removeprefix("assets/"): assets.lines(members.text(archive, info))
        for name, info in found.items()
        if name.startswith("assets/") and name.endswith(f"/{assets.FILE}")
    }


def _source(path: Path, config: bytes, metadata: bytes | None, window: Window | None) -> Source:
    model = plain.parsed(config, CONFIG)
    if not {"class_name", "config"} <= set(model):
        raise UnreadableModel(f"its {CONFIG} has no class_name and config")
    version = str(plain.parsed(metadata, METADATA).get("keras_version", "")) if metadata else ""
    weights, optimizer = tree(window) if window else (None, ())
    compiled = model.pop("compile_config", None)
    return Source(
        config=model,
        version=version or "3",
        format="Keras archive",
        weights=weights,
        compile=compiled if isinstance(compiled, dict) else None,
        optimizer=optimizer,
        origin=path,
    )


def tree(window: Window) -> tuple[Tree, tuple[Array, ...]]:
    """Return the model's arrays and, apart from them, the optimizer's in their order."""
    arrays: dict[str, Array] = {}
    for path, array in hdf.walk(hdf.opened(window), window):
        key = path.replace("\\", "/")
        if key.rpartition("/")[0] in CONTAINERS:
            raise UnreadableModel(f"'{key}' in its weights is a dataset, where a group belongs")
        if key in arrays:
            raise UnreadableModel(f"its weights hold '{key}' twice")
        arrays[key] = array
    return split(arrays)


def split(arrays: Mapping[str, Array]) -> tuple[Tree, tuple[Array, ...]]:
    """Separate the optimizer's variables from the model's."""
    mine = {key: array for key, array in arrays.items() if not key.startswith("optimizer/")}
    numbered = [(_number(key), array) for key, array in arrays.items() if key not in mine]
    return Tree(mine), tuple(array for _, array in sorted(numbered, key=lambda item: item[0]))


def _number(key: str) -> tuple[str, int, str]:
    group, _, last = key.rpartition("/")
    return (group, int(last) if last.isdecimal() else -1, last)


def _stranger(names: set[str]) -> str:
    """Say what a zip without a Keras config may be."""
    if any(name.endswith("data.pkl") for name in names):
        return "it is a PyTorch checkpoint, not a Keras model"
    if names and all(name.endswith(".npy") for name in names):
        return "it is a NumPy .npz file, not a Keras model"
    return f"it is a zip archive without {CONFIG}, so not a Keras model"


def is_weights(root: Any) -> bool:
    """Tell whether an HDF5 file holds weights as Keras 3 writes them."""
    names = {name.replace("\\", "/").split("/")[0] for name in root}
    return "layer_names" not in root.attrs and bool(names & {*CONTAINERS, "vars"})
