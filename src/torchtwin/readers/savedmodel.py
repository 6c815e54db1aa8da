"""Reads a SavedModel folder that Keras 2 wrote, by its metadata and its graph of objects.

The functions in saved_model.pb are not looked at. keras_metadata.pb holds the configs, by the
numbers of objects; before TensorFlow 2.5 they are in the objects themselves. The tensors lie in
the checkpoint `variables/variables`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torchtwin.errors import UnreadableModel, UnsupportedError
from torchtwin.readers import assets, hdf5, plain
from torchtwin.readers.bundle.bundle import Bundle
from torchtwin.readers.bundle.graph_file import saved_objects
from torchtwin.readers.bundle.objects import Objects
from torchtwin.readers.bundle.protobuf import Message
from torchtwin.readers.bundle.tables import terms
from torchtwin.readers.bundle.tracked import Tracked
from torchtwin.readers.inside import inside
from torchtwin.readers.names import entries, name_of
from torchtwin.source import Array, Ordered, Source

FORMAT = "SavedModel"
GRAPH, METADATA = "saved_model.pb", "keras_metadata.pb"
LARGEST_METADATA = 256 << 20
KERAS = "_tf_keras_"
TEXT_LOOKUPS = ("TextVectorization", "StringLookup")
MODELS = ("_tf_keras_sequential", "_tf_keras_network")
LAYER = re.compile(r"layer-(\d+)")
SAVE = "save the Keras model with model.save('model.keras') where Keras runs"

Configs = dict[int, tuple[str, str]]
"""The identifier and the metadata, JSON, of objects by their numbers."""


def accepts(path: Path, start: bytes) -> bool:
    if path.is_dir():
        return (path / GRAPH).is_file()
    return path.name == GRAPH and start[:3] == b"\x08\x01\x12"


def read(path: Path) -> Source:
    folder = path if path.is_dir() else path.parent
    for name in (METADATA, "variables"):
        inside(folder / name, folder / GRAPH)
    told = _metadata(folder / METADATA) if (folder / METADATA).is_file() else {}
    root = _root(*told[0]) if 0 in told else None
    objects = saved_objects(folder / GRAPH)
    if objects is None:
        raise UnreadableModel(f"{GRAPH} holds no objects: it is of TensorFlow 1", hint=SAVE)
    if root is None:
        told = _told_within(objects)
        root = _root(*told.get(0, (objects[0].identifier, "")))
    tracked = _tracked(folder)
    config = _config(root)
    _place_vocabularies(config, folder / GRAPH, objects, told)
    return Source(
        config=config,
        version=str(root.get("keras_version") or "2"),
        format=FORMAT,
        weights=Ordered(_groups(objects, told, tracked), strict=True),
        compile=_compiled(root),
        optimizer=tracked.optimizer(0),
        origin=path,
    )


def _metadata(path: Path) -> Configs:
    """Return what keras_metadata.pb tells (tf_keras/protobuf/saved_metadata.proto)."""
    if path.stat().st_size > LARGEST_METADATA:
        raise UnreadableModel(f"{METADATA} is too large: {path.stat().st_size} bytes")
    found: Configs = {}
    for node in Message(memoryview(path.read_bytes()), METADATA).inner(1):
        number, identifier, metadata = 0, "", ""
        for field, value in node.fields():
            if field == 2:
                number = node.number(value)
            elif field == 4:
                identifier = node.text(value)
            elif field == 5:
                metadata = node.text(value)
        found[number] = identifier, metadata
    return found


def _told_within(objects: Objects) -> Configs:
    """Return what the objects of TensorFlow 2.0 to 2.4 tell themselves."""
    nodes = {number: objects[number] for number in range(len(objects))}
    return {k: (n.identifier, n.metadata) for k, n in nodes.items() if KERAS in n.identifier}


def _root(identifier: str, metadata: str) -> dict[str, Any]:
    """Return the metadata of the model, or say why there are no layers in it."""
    if not identifier.startswith(KERAS):
        raise UnsupportedError(
            "it is a SavedModel without Keras layers: it holds functions alone, as"
            " model.export() and tf.saved_model.save() write them",
            hint=SAVE,
        )
    if not metadata:
        raise UnreadableModel(f"{METADATA} is missing beside {GRAPH}", hint="copy the whole folder")
    root = plain.parsed(metadata, "the metadata of the model")
    if identifier in MODELS or root.get("is_graph_network"):  # before TensorFlow 2.3 all are models
        return root
    name = str(root.get("class_name") or "?")
    raise UnsupportedError(
        f"it is a SavedModel of the author's own class {name}, whose layers it does not tell",
        hint="save its weights with model.save_weights, and translate the class itself:"
        " torchtwin translate",
    )


def _parsed(told: Configs, number: int) -> dict[str, Any]:
    return plain.parsed(told[number][1], f"the metadata of object {number}")


def _config(root: Mapping[str, Any]) -> dict[str, Any]:
    given = root.get("model_config")
    model = given if isinstance(given, dict) else {k: root.get(k) for k in ("class_name", "config")}
    if not isinstance(model.get("config"), dict | list) or not model.get("class_name"):
        raise UnreadableModel("its metadata holds no config of the model", hint=SAVE)
    return dict(model)


def _compiled(root: Mapping[str, Any]) -> dict[str, Any] | None:
    training = root.get("training_config")
    return hdf5.compiled(dict(training)) if isinstance(training, dict) else None


def _tracked(folder: Path) -> Tracked:
    if not (folder / "variables" / "variables.index").is_file():
        raise UnreadableModel(
            "its weights are missing: variables/variables.index", hint="copy the whole folder"
        )
    return Tracked(Bundle(folder / "variables", "variables"))


def _groups(objects: Objects, told: Configs, tracked: Tracked) -> dict[str, tuple[Array, ...]]:
    """Return the arrays of each layer, in the order of its own list of variables."""
    places = objects.beside(tracked.objects)
    layers = {
        int(match[1]): number
        for name, number in objects[0].children.items()
        if (match := LAYER.fullmatch(name))
    }
    groups: dict[str, tuple[Array, ...]] = {}
    for _, number in sorted(layers.items()):
        if number not in told:
            raise UnreadableModel(f"its metadata does not tell of object {number}, a layer")
        name = _parsed(told, number).get("name")
        if not isinstance(name, str) or name in groups:
            raise UnreadableModel(f"its metadata names a layer twice, or not: {name}")
        listed = objects[number].children.get("variables")
        if listed is None:  # layers that Keras makes anew have none, such as Normalization
            found = list(tracked.variables(_place(places, number, name)))
        else:
            found = [_place(places, k, name) for k in objects.listed(listed)]
        groups[name] = tuple(map(tracked.array, found))
    return groups


def _place(places: Mapping[int, int], number: int, layer: str) -> int:
    if number not in places:
        raise UnreadableModel("its checkpoint does not hold what its graph does", where=layer)
    return places[number]


def _place_vocabularies(
    config: Mapping[str, Any], path: Path, objects: Objects, told: Configs
) -> None:
    """Put into the configs of lookup layers what they learned, where their tables are constant."""
    layers = {name_of(entry): entry for entry in entries(config)}
    for number in told if any(e.get("class_name") in TEXT_LOOKUPS for e in layers.values()) else ():
        metadata = _parsed(told, number)
        entry = layers.get(str(metadata.get("name")))
        if entry is None or entry.get("class_name") not in TEXT_LOOKUPS:
            continue
        found = terms(path, objects, number)
        if found is not None and found[1] == _special(entry):
            assets.fill(entry, found[0])


def _special(entry: Mapping[str, Any]) -> int:
    """Return how many indices are before the vocabulary: for the mask, and unknown terms."""
    config, text = entry["config"], entry["class_name"] == "TextVectorization"
    masked = text or config.get("mask_token") is not None
    unknown = 1 if text else config.get("num_oov_indices", 1)
    return int(unknown) + (masked and config.get("output_mode", "int") == "int")
