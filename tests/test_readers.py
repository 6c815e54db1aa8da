"""Readers: which one takes a file, and what it makes of it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from reader_files import SEQUENTIAL, archive_at, legacy, repacked
from reader_support import arrays_of, mlp
from torchtwin.errors import UnreadableModel
from torchtwin.readers import read
from torchtwin.source import Ordered, Tree


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive_at(tmp_path_factory.mktemp("archive") / "model.keras")


def test_archive(archive: Path) -> None:
    source = read(archive)
    assert source.format == "Keras archive"
    assert source.version == keras.__version__
    assert source.config["class_name"] == "Sequential"
    assert source.compile is not None
    assert source.compile["loss"] == "mse"
    assert source.origin == archive
    assert isinstance(source.weights, Tree)
    assert source.weights.arrays["layers/dense/vars/0"].shape == (4, 3)
    assert not any(key.startswith("optimizer") for key in source.weights.arrays)
    with h5py.File(io.BytesIO(zipfile.ZipFile(archive).read("model.weights.h5"))) as file:
        stored = file["optimizer/vars"]
        assert len(source.optimizer) == len(stored) > 10
        for k, array in enumerate(source.optimizer):
            np.testing.assert_array_equal(array.read(), stored[str(k)][()])


def test_compressed_archive_is_the_same(archive: Path, tmp_path: Path) -> None:
    deflated = repacked(
        archive, tmp_path / "model.keras", lambda _: {"compression": zipfile.ZIP_DEFLATED}
    )
    pairs = zip(arrays_of(read(archive)), arrays_of(read(deflated)), strict=True)
    assert all(np.array_equal(a.read(), b.read()) and a.name == b.name for a, b in pairs)


def test_unpacked_archive_is_the_same(archive: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(archive).extractall(tmp_path / "model")
    source = read(tmp_path / "model")
    assert source.config == read(archive).config
    assert len(list(arrays_of(source))) == len(list(arrays_of(read(archive))))


def test_content_decides_not_the_suffix(archive: Path, tmp_path: Path) -> None:
    assert read(archive.rename(archive.with_suffix(".h5"))).format == "Keras archive"
    archive.with_suffix(".h5").rename(archive)
    model = mlp(keras)
    model.save(tmp_path / "model.h5")
    assert read((tmp_path / "model.h5").rename(tmp_path / "x.keras")).format == "HDF5 model"


def test_json_inside_a_json_string(tmp_path: Path) -> None:
    """People write json.dump(model.to_json(), file)."""
    (tmp_path / "model.json").write_text(json.dumps(json.dumps(SEQUENTIAL)))
    source = read(tmp_path / "model.json")
    assert source.config == SEQUENTIAL
    assert source.weights is None


@pytest.mark.parametrize(
    ("more", "version"),
    [
        ({"keras_version": "1.2.2"}, "1.2.2"),
        ({"keras_version": "2.1.6-tf"}, "2.1.6-tf"),
        ({"module": "keras", "registered_name": None}, "3"),
        ({}, "2"),
    ],
)
def test_version_of_an_architecture(more: dict[str, Any], version: str, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps({**SEQUENTIAL, **more}))
    assert read(tmp_path / "model.json").version == version


@pytest.mark.parametrize("kind", [str, str.encode, lambda s: np.bytes_(s.encode())])
def test_model_config_as_text_or_bytes(kind: Callable[[str], Any], tmp_path: Path) -> None:
    source = read(legacy(tmp_path / "model.h5", kind(json.dumps(SEQUENTIAL))))
    assert source.config == SEQUENTIAL
    assert source.version == "2.2.4"
    assert isinstance(source.weights, Ordered)
    kernel, bias = source.weights.groups["dense"]
    assert (kernel.name, bias.shape) == ("dense/kernel:0", (2,))
    np.testing.assert_array_equal(kernel.read(), np.arange(6).reshape(3, 2))


def test_version_and_backend_are_the_files(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps({**SEQUENTIAL, "backend": "tensorflow"}))
    with h5py.File(legacy(tmp_path / "model.h5", json.dumps(SEQUENTIAL)), "a") as file:
        del file.attrs["keras_version"]
    assert read(tmp_path / "model.h5").version == "1"
    weights = legacy(tmp_path / "weights.h5", None, backend="theano", keras_version=b"1.2.1")
    source = read(tmp_path / "model.json", weights)
    assert source.config["backend"] == "theano"
    assert source.version == "1.2.1"


def test_attributes_split_in_chunks(tmp_path: Path) -> None:
    """HDF5 keeps 64 kB in an attribute: longer lists of names are in layer_names0, 1, …"""
    path = tmp_path / "model.h5"
    names = [f"layer_{k}" for k in range(25)]
    with h5py.File(path, "w") as file:
        for k in range(3):
            part = json.dumps(SEQUENTIAL)[k * 40 : (k + 1) * 40 if k < 2 else None]
            file.attrs[f"model_config{k}"] = part
        group = file.create_group("model_weights")
        for k in range(0, 25, 2):  # thirteen chunks: their order is not that of the alphabet
            group.attrs[f"layer_names{k // 2}"] = [n.encode() for n in names[k : k + 2]]
        for name in names:
            group.create_group(name).attrs["weight_names"] = np.array([], "S1")
    source = read(path)
    assert isinstance(source.weights, Ordered)
    assert list(source.weights.groups) == names
    assert source.config == SEQUENTIAL


def test_keras_splits_attributes_so(tmp_path: Path) -> None:
    la = keras.layers
    long = [la.Dense(1, use_bias=False, name=f"layer_{k:03}_{'x' * 200}") for k in range(330)]
    model = keras.Sequential([la.Input((1,)), *long])
    model.save(tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5") as file:
        assert "layer_names1" in file["model_weights"].attrs
    source = read(tmp_path / "model.h5")
    assert isinstance(source.weights, Ordered)
    assert list(source.weights.groups)[: len(long)] == [layer.name for layer in long]


def test_weights_of_another_file(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(SEQUENTIAL))
    source = read(tmp_path / "model.json", legacy(tmp_path / "weights.h5", None))
    assert isinstance(source.weights, Ordered)
    assert isinstance(read(tmp_path / "model.json", archive).weights, Tree)
    with pytest.raises(UnreadableModel, match="no weights"):
        read(archive, tmp_path / "model.json")
    with pytest.raises(UnreadableModel, match="no weights") as refusal:
        read(tmp_path / "weights.h5", tmp_path / "model.json")
    assert "other way round" in refusal.value.hint


def test_vocabulary_of_a_lookup_layer(tmp_path: Path) -> None:
    layer = keras.layers.TextVectorization(max_tokens=10, output_sequence_length=4)
    layer.adapt(["one two", "two three"])
    model = keras.Sequential([keras.Input((1,), dtype="string"), layer])
    model.save(tmp_path / "model.keras")
    for given in (tmp_path / "model.keras", model):
        config = read(given).config["config"]["layers"][1]["config"]
        assert config["vocabulary"] == layer.get_vocabulary()


def test_reading_imports_no_keras(archive: Path) -> None:
    program = (
        "import sys\n"
        "for name in ('keras', 'tensorflow', 'tf_keras', 'h5py', 'jax', 'torch'):\n"
        "    sys.modules[name] = None\n"
        "import torchtwin.readers, torchtwin.upgrade, torchtwin.binding\n"
        "assert not {'numpy', 'pyfive'} & set(sys.modules)\n"
        "source = torchtwin.upgrade.upgraded(torchtwin.readers.read(sys.argv[1]))\n"
        "assert source.weights.arrays['layers/dense/vars/0'].read().shape == (4, 3)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(archive)], check=True)
