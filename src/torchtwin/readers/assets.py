"""Vocabularies: what lookup layers learned is beside the config, and is put into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torchtwin.errors import UnreadableModel
from torchtwin.limits import limit, told
from torchtwin.names import snake

LOOKUPS = ("TextVectorization", "StringLookup", "IntegerLookup")
FILE = "vocabulary.txt"
CONTAINERS = ("layers", "_layer_checkpoint_dependencies")

Vocabularies = Mapping[str, list[str]]


def lines(text: bytes) -> list[str]:
    """Return the terms of a vocabulary file; its first may be empty, for the mask."""
    if text.count(b"\n") > limit("ITEMS"):
        raise UnreadableModel(f"a {FILE} has too many terms", hint=told("ITEMS"))
    found = text.decode("utf-8").split("\n")
    while len(found) > 1 and not found[-1]:
        found.pop()
    return found


def place(model: Mapping[str, Any], vocabularies: Vocabularies) -> None:
    """Put each vocabulary into the config of its layer, which the path names by class."""
    folders: dict[str | None, Any] = {}
    for path, terms in vocabularies.items():
        here = folders
        for part in path.split("/")[:-1]:
            here = here.setdefault(part, {})
        here[None] = terms
    _placed(model, folders)


def _placed(model: Mapping[str, Any], folders: Mapping[str | None, Any]) -> None:
    counts: dict[str, int] = {}
    for entry in _layers(model):
        name = snake(str(entry.get("class_name")))
        number = counts[name] = counts.get(name, -1) + 1
        for container in CONTAINERS:
            inside = folders.get(container, {}).get(f"{name}_{number}" if number else name)
            if inside:
                fill(entry, inside.get(None, ()))
                _placed(entry, inside)


def fill(entry: Mapping[str, Any], terms: Sequence[str]) -> None:
    """Set the vocabulary of one layer, unless its config has one."""
    config = entry.get("config")
    if (
        terms
        and isinstance(config, dict)
        and entry["class_name"] in LOOKUPS
        and not config.get("vocabulary")
    ):
        integers = entry["class_name"] == "IntegerLookup"
        config["vocabulary"] = [int(t) for t in terms] if integers else list(terms)


def from_live(model: Any, entry: Mapping[str, Any]) -> None:
    """Ask a live model's lookup layers for their vocabularies."""
    layers = {layer.name: layer for layer in model.layers}
    for inner in _layers(entry):
        layer: Any = layers.get(str(inner["config"].get("name")))
        if inner.get("class_name") in LOOKUPS and hasattr(layer, "get_vocabulary"):
            fill(inner, [str(term) for term in layer.get_vocabulary()])
        elif hasattr(layer, "layers"):
            from_live(layer, inner)


def _layers(model: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    config = model.get("config")
    listed = config.get("layers") if isinstance(config, Mapping) else None
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("config"), Mapping):
            yield entry
