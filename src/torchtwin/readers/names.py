"""Weights that are known by their names alone, "dense_1/kernel", given to the model's layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torchtwin.errors import UnreadableModel
from torchtwin.source import Array, Ordered

INNER = ("layer", "backward_layer", "forward_layer", "cell")
"""Arguments of wrappers that hold a layer."""

DEEPEST = 40


def grouped(arrays: Sequence[Array], model: Mapping[str, Any]) -> Ordered:
    """Return the arrays by the layers of a config, of which their names tell.

    A name begins with that of a layer, or of the model; layers of a nested model may have their
    own names alone.
    """
    groups: dict[str, list[Array]] = {}
    owners: dict[str, set[str]] = {}
    for entry in entries(model):
        name = name_of(entry)
        groups[name] = []
        for inner in set(_inner_names(entry, 0)):
            owners.setdefault(inner, set()).add(name)
    for array in arrays:
        groups[_owner(array.name, groups, owners)].append(array)
    return Ordered({name: tuple(group) for name, group in groups.items()}, strict=True)


def entries(model: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the layers that the config of a model lists."""
    config = model.get("config")
    listed = config.get("layers") if isinstance(config, Mapping) else config
    found = listed if isinstance(listed, list) else []
    return [entry for entry in found if isinstance(entry, Mapping)]


def name_of(entry: Mapping[str, Any]) -> str:
    config = entry.get("config")
    inner = config.get("name") if isinstance(config, Mapping) else None
    return str(inner or entry.get("name") or "")


def _inner_names(entry: Mapping[str, Any], depth: int) -> Iterator[str]:
    """Yield the names of all layers within a layer."""
    config = entry.get("config")
    wrapped = [config.get(key) for key in INNER] if isinstance(config, Mapping) else []
    for inner in (*entries(entry), *(w for w in wrapped if isinstance(w, Mapping))):
        if depth < DEEPEST and (name := name_of(inner)):
            yield name
            yield from _inner_names(inner, depth + 1)


def _owner(name: str, groups: Mapping[str, Any], owners: Mapping[str, set[str]]) -> str:
    """Return the top-level layer of an array: the first that its path names, or the only one."""
    path = f"/{name.rpartition('/')[0]}/"
    places = {layer: path.find(f"/{layer}/") for layer in groups if layer}
    found = [(place, -len(layer), layer) for layer, place in places.items() if place >= 0]
    if found:
        return min(found)[2]
    inner = {top for layer, tops in owners.items() if f"/{layer}/" in path for top in tops}
    if len(inner) == 1:
        return inner.pop()
    why = "several layers" if inner else "no layer"
    raise UnreadableModel(f"the weight '{name}' belongs to {why} of the model, by its name")
