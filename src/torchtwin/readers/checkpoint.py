"""Reads weights alone from a checkpoint of TensorFlow: `save_weights` of Keras 2 writes it.

Most keep a graph of objects, whose names are attributes and places: layer-0, layer-1, … Those of
TensorFlow 1 keep the names of variables alone. Either needs the architecture to find its layers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torchtwin.errors import UnreadableModel
from torchtwin.names import snake
from torchtwin.readers.bundle.bundle import NAMES, Bundle
from torchtwin.readers.bundle.tracked import GRAPH, Tracked
from torchtwin.readers.names import entries, grouped, name_of
from torchtwin.source import Array, Ordered, Source, Tree

INDEX = ".index"
SHARD = re.compile(r"(.+)\.data-\d{5}-of-\d{5}")
STATE = re.compile(r'^model_checkpoint_path: "(?:[^"]*[/\\])?([^"/\\]+)"', re.MULTILINE)
LAYER = re.compile(r"layer-(\d+)")
NO_WEIGHTS = re.compile(
    r"(^|/)(global_step|save_counter|beta\d_power(_\d+)?)$|^(training|optimizer|Variable)(_\d+)?/"
)
"""Names of what the training of TensorFlow 1 kept beside the weights."""

Placed = tuple[Ordered | Tree, tuple[Array, ...]]


@dataclass(frozen=True)
class Parts(Source):
    """Weights and optimizer state, of which the architecture tells what they belong to."""

    place: Callable[[Mapping[str, Any]], Placed] | None = None

    def placed(self, config: Mapping[str, Any]) -> Source:
        """Return them for the model of a config."""
        assert self.place is not None
        weights, optimizer = self.place(config)
        return Source(
            {}, self.version, self.format, weights, optimizer=optimizer, origin=self.origin
        )


def prefix_of(path: Path) -> Path | None:
    """Return what the files of the checkpoint at `path` begin with, if there is one.

    A path is that beginning itself, one of the files, or their folder.
    """
    name = path.name
    if path.is_dir():
        return _latest(path)
    if path.is_file() and name == "checkpoint":
        return _latest(path.parent)
    if match := SHARD.fullmatch(name):
        name = match[1]
    name = name.removesuffix(INDEX)
    return path.with_name(name) if name and path.with_name(name + INDEX).is_file() else None


def _latest(folder: Path) -> Path | None:
    """Return the checkpoint that the folder's file `checkpoint` names, or the only one."""
    found = sorted(file.name.removesuffix(INDEX) for file in folder.glob(f"*{INDEX}"))
    state = folder / "checkpoint"
    if state.is_file() and state.stat().st_size < 1 << 20:
        match = STATE.search(state.read_text(encoding="utf-8", errors="replace"))
        if match and match[1] in found:
            return folder / match[1]
    return folder / found[0] if len(found) == 1 and found[0] else None


def accepts(path: Path, _start: bytes) -> bool:
    return prefix_of(path) is not None


def read(path: Path) -> Source:
    prefix = prefix_of(path)
    assert prefix is not None
    bundle = Bundle(prefix.parent, prefix.name)

    def place(config: Mapping[str, Any]) -> Placed:
        if GRAPH in bundle:
            return _by_objects(Tracked(bundle), config)
        return _by_names(bundle, config), ()

    return Parts({}, "2", "TensorFlow checkpoint", None, origin=path, place=place)


def _by_names(bundle: Bundle, config: Mapping[str, Any]) -> Ordered:
    """Return the variables by their names; what optimizers keep is called "dense/kernel/Adam"."""
    keys = [key for key in bundle.keys if bundle.entry(key).dtype in NAMES]
    known = set(keys)
    weights = [k for k in keys if k.rpartition("/")[0] not in known and not NO_WEIGHTS.search(k)]
    return grouped([bundle.array(key, key) for key in weights], config)


def _by_objects(tracked: Tracked, config: Mapping[str, Any]) -> Placed:
    """Return the variables by their layers' names, in the order of the architecture's list."""
    model = _model(tracked)
    arrays = dict(_layers(tracked, model, config, "layers/"))
    return Tree(arrays, named=True), tracked.optimizer(model)


def _model(tracked: Tracked) -> int:
    """Return the object that is the model: the root, or what a tf.train.Checkpoint was given."""
    root = tracked.objects[0].children
    for number in (0, *dict.fromkeys(root.values())):
        if any(LAYER.fullmatch(name) for name in tracked.objects[number].children):
            return number
    raise UnreadableModel(
        "the checkpoint lists no layers of a Sequential or Functional model",
        hint="load it in Keras, and save the weights with model.save_weights('x.weights.h5')",
    )


def _layers(
    tracked: Tracked, model: int, entry: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, Array]]:
    """Yield the variables of a model's layers: the k-th layer of its config is `layer-k`."""
    listed = entries(entry)
    if entry.get("class_name") == "Sequential" and listed:
        listed = listed[listed[0].get("class_name") == "InputLayer" :]
    children = tracked.objects[model].children
    stored = sum(bool(LAYER.fullmatch(name)) for name in children)
    if stored != len(listed):
        raise UnreadableModel(
            f"the checkpoint has {stored} layers where the architecture has {len(listed)}",
            where=name_of(entry),
            hint="give the architecture that the weights were saved with",
        )
    for k, layer in enumerate(listed):
        number = children.get(f"layer-{k}")
        if number is not None:
            key = f"{prefix}{Tree.group(name_of(layer))}/"
            yield from _layer(tracked, number, layer, key)


def _layer(
    tracked: Tracked, number: int, entry: Mapping[str, Any], key: str
) -> Iterator[tuple[str, Array]]:
    """Yield the variables of one layer, by the attributes that lead to them."""
    if entries(entry):
        yield from _layers(tracked, number, entry, f"{key}layers/")
        return
    config = entry.get("config")
    config = config if isinstance(config, Mapping) else {}
    cells = _cells(config)
    pending, seen = [(number, key)], {number}
    while pending:
        number, path = pending.pop()
        children = tracked.objects[number].children
        for name, child in children.items():
            inner = config.get(name) if path == key else None
            if child in seen or (name == "layer" and "forward_layer" in children):
                continue
            seen.add(child)
            name = cells.get(name, name) if path.endswith("/cells/") else name
            if tracked.holds(child):
                if not (name == "count" and entry.get("class_name") == "Normalization"):
                    yield f"{path}vars/{name}", tracked.array(child)
            elif isinstance(inner, Mapping) and entries(inner):
                yield from _layers(tracked, child, inner, f"{path}{name}/layers/")
            else:
                pending.append((child, f"{path}{name}/"))


def _cells(config: Any) -> dict[str, str]:
    """Return Keras 3's names of the cells in an RNN that has a list of them, by their places."""
    while isinstance(config, Mapping) and "cells" not in config:
        inner = config.get("cell", config.get("layer"))
        config = inner.get("config") if isinstance(inner, Mapping) else None
    listed = config["cells"] if isinstance(config, Mapping) else None
    names: dict[str, str] = {}
    counts: dict[str, int] = {}
    for place, cell in enumerate(listed if isinstance(listed, list) else ()):
        name = snake(str(cell.get("class_name"))) if isinstance(cell, Mapping) else ""
        number = counts[name] = counts.get(name, -1) + 1
        names[str(place)] = f"{name}_{number}" if number else name
    return names
