"""The same model through every format: the same config once upgraded, and the same arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tf_keras

from reader_support import MODELS, holders_of, randomized, snake
from tensorflow_files import tfjs
from torchtwin.binding import Holder, bind
from torchtwin.readers import read
from torchtwin.upgrade import upgraded

TRACED = ("mlp", "nested", "frozen")
"""SavedModels hold functions, which TensorFlow takes seconds to trace for larger models."""

KERAS = {"keras 3": keras, "tf_keras": tf_keras}


def written(make: Any, model: Any, folder: Path, k: Any) -> Iterator[tuple[str, Any, Path | None]]:
    """Write a model in every format; yield what the reader is to be given."""
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    model.save_weights(folder / "model.weights.h5")
    (folder / "model.json").write_text(model.to_json())
    yield "archive", folder / "model.keras", None
    yield "HDF5", folder / "model.h5", None
    yield "live", model, None
    yield "JSON and weights", folder / "model.json", folder / "model.weights.h5"
    yield "JSON and archive", folder / "model.json", folder / "model.keras"
    yield "JSON and HDF5 model", folder / "model.json", folder / "model.h5"
    if k is tf_keras:
        model.save_weights(folder / "weights.h5", save_format="h5")
        yield "JSON and HDF5 weights", folder / "model.json", folder / "weights.h5"
        model.save_weights(folder / "checkpoint", save_format="tf")
        yield "JSON and checkpoint", folder / "model.json", folder / "checkpoint"
        yield "TensorFlow.js", tfjs(folder / "model.h5", folder / "js", shard=50), None
        if make.__name__ in TRACED:
            model.save(folder / "saved", save_format="tf")
            yield "SavedModel", folder / "saved", None
    else:
        model.save_weights(folder / "model.weights.json", max_shard_size=2e-6)
        yield "JSON and shards", folder / "model.json", folder / "model.weights.json"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", KERAS)
@pytest.mark.parametrize("make", MODELS, ids=lambda m: m.__name__)
def test_every_format_gives_the_same(make: Callable[[Any], Any], name: str, tmp_path: Path) -> None:
    k = KERAS[name]
    k.backend.clear_session()
    model = randomized(make(k))
    holders, variables = holders_of(model)
    wanted = {key: np.asarray(v.numpy()) for key, v in variables.items()}
    configs = {}
    for kind, given, weights in written(make, model, tmp_path, k):
        source = upgraded(read(given, weights))
        configs[kind] = source.config
        got = bind(holders, source)
        assert set(got) == set(wanted), kind
        for key, value in wanted.items():
            np.testing.assert_array_equal(got[key].read(), value, err_msg=f"{kind}: {key}")
    for kind, config in configs.items():
        assert config == configs["archive"], kind


def under_other_names(
    holders: Sequence[Holder], old: str, new: str, rename: Renaming
) -> Iterator[tuple[str, str]]:
    """Yield the group of each layer in a Keras 3 tree, and its name in another writer's."""
    counts: dict[str, int] = {}
    mine: dict[str, int] = {}
    for holder in holders:
        name = snake(holder.class_name)
        number = counts[name] = counts.get(name, -1) + 1
        other = mine.get(name, 0)
        container, other_name, step = rename(name, other, holder.holds())
        mine[name] = other + step
        here = f"{old}/{name}" + f"_{number}" * (number > 0)
        there = f"{new}{container}{other_name}"
        yield here, there
        inner, _, _ = holder.under.rpartition("/")
        inner = f"/{inner}" * bool(inner)
        yield from under_other_names(
            holder.children, f"{here}{inner}/layers", f"{there}{inner}/", rename
        )


Renaming = Callable[[str, int, bool], tuple[str, str, int]]


def numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name


def keras_2_13(name: str, number: int, holds: bool) -> tuple[str, str, int]:
    """Layers with weights came twice in the list of Keras 2.12 and 2.13, and counted twice."""
    return "_layer_checkpoint_dependencies/", numbered(name, number), 1 + holds


def windows(name: str, number: int, _holds: bool) -> tuple[str, str, int]:
    """On Windows, Keras 2.14 and 2.15 joined the names of groups with backslashes."""
    return "layers\\", numbered(name, number), 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rename", [keras_2_13, windows])
@pytest.mark.parametrize("make", MODELS, ids=lambda m: m.__name__)
def test_other_names_of_groups(
    make: Callable[[Any], Any], rename: Renaming, tmp_path: Path
) -> None:
    tf_keras.backend.clear_session()
    model = randomized(make(tf_keras))
    holders, variables = holders_of(model)
    model.save_weights(tmp_path / "model.weights.h5")
    (tmp_path / "model.json").write_text(model.to_json())
    names = sorted(under_other_names(holders, "layers", "", rename), reverse=True)
    with (
        h5py.File(tmp_path / "model.weights.h5") as file,
        h5py.File(tmp_path / "other.weights.h5", "w") as other,
    ):
        for key in datasets(file):
            old, new = next(((o, n) for o, n in names if key.startswith(f"{o}/")), ("", ""))
            other[new + key.removeprefix(old)] = file[key][()]
    got = bind(holders, upgraded(read(tmp_path / "model.json", tmp_path / "other.weights.h5")))
    for key, variable in variables.items():
        np.testing.assert_array_equal(got[key].read(), variable.numpy(), err_msg=key)


def datasets(file: h5py.File) -> list[str]:
    found: list[str] = []

    def note(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found.append(name)

    file.visititems(note)
    return found
