"""Reads weights that `save_weights(max_shard_size=...)` of Keras 3.10 and later split in files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from torchtwin.errors import UnreadableModel
from torchtwin.readers import archive, hdf
from torchtwin.readers.inside import inside
from torchtwin.readers.window import Window
from torchtwin.source import Array, Source


def read(path: Path, index: dict[str, Any]) -> Source:
    """Read the shards beside `path`; only the names that Keras itself would give are opened."""
    stem = re.escape(path.name.removesuffix(".json").removesuffix(".weights"))
    listed = index.get("weight_map")
    if not isinstance(listed, dict):
        raise UnreadableModel("its weight_map is not a JSON object")
    names: dict[str, None] = {}
    for value in listed.values():
        for name in value if isinstance(value, list) else [value]:
            if not isinstance(name, str) or not re.fullmatch(rf"{stem}_\d{{5}}\.weights\.h5", name):
                raise UnreadableModel(f"its weight_map names a shard of another name: '{name}'")
            names[name] = None
    arrays: dict[str, Array] = {}
    for name in names:
        shard = path.with_name(name)
        if not shard.is_file():
            raise UnreadableModel(f"the shard '{name}' is missing beside it")
        window = Window.of(inside(shard, path))
        for key, array in hdf.walk(hdf.opened(window), window):
            if arrays.setdefault(key, array) is not array:
                raise UnreadableModel(f"two shards hold '{key}'")
    tree, optimizer = archive.split(arrays)
    return Source({}, "3", "sharded weights", tree, optimizer=optimizer, origin=path)
