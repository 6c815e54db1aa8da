"""HDF5 files that Keras does not write: links, filters, sizes that lie, numbers that are none."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import torchtwin
from test_hostile import SEEDS, sequential
from torchtwin.errors import UnreadableModel
from torchtwin.readers import hdf, read
from torchtwin.readers.window import Window


def dense(file: h5py.File) -> h5py.Group:
    group = file.create_group("layers/dense/vars")
    group["1"] = np.zeros(3, "f4")
    return group


def soft(file: h5py.File) -> None:
    dense(file)["0"] = h5py.SoftLink("/layers/dense/vars/0")


def external(file: h5py.File) -> None:
    dense(file)["0"] = h5py.ExternalLink("secret.h5", "/x")


def stored_elsewhere(file: h5py.File) -> None:
    dense(file).create_dataset("0", (4, 3), "f4", external=[("secret.bin", 0, 48)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource("secret.h5", "x", (4, 3))
    dense(file).create_virtual_dataset("0", layout)


def empty(file: h5py.File) -> None:
    dense(file)["0"] = h5py.Empty("f4")


def a_group(file: h5py.File) -> None:
    dense(file).create_group("0")


def chunk(file: h5py.File) -> None:
    many = {"chunks": (1 << 14, 1 << 13), "maxshape": (None, None), "compression": "gzip"}
    dense(file).create_dataset("0", (4, 3), "f4", **many).id.write_direct_chunk((0, 0), b"x" * 99)


def many_chunks(file: h5py.File) -> None:
    """Chunks that are each small enough, and together far more than the array."""
    options = {"chunks": (1, 1 << 20), "maxshape": (None, None), "compression": "gzip"}
    data = dense(file).create_dataset("0", (4, 3), "f4", **options)
    for k in range(4):
        data.id.write_direct_chunk((k, 0), zlib.compress(bytes(4 << 20)))


def another_checksum(file: h5py.File) -> None:
    data = dense(file).create_dataset("0", (4, 3), "f4", chunks=(4, 3), fletcher32=True)
    data.id.write_direct_chunk((0, 0), bytes(48) + b"\1\0\0\0")


def no_deflate(file: h5py.File) -> None:
    data = dense(file).create_dataset("0", (4, 3), "f4", chunks=(4, 3), compression="gzip")
    data.id.write_direct_chunk((0, 0), b"\xff" * 30)


def a_type(file: h5py.File) -> None:
    dense(file)["0"] = np.dtype("f4")


def of_arrays(file: h5py.File) -> None:
    dense(file).create_dataset("0", (4,), np.dtype(("f4", (3,))))


def typed(kind: str) -> Callable[[h5py.File], None]:
    return lambda file: dense(file).create_dataset("0", data=np.zeros((4, 3), kind))


HDF5: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "soft link": (soft, "link"), "external link": (external, "external link"),
    "external storage": (stored_elsewhere, "external storage"), "virtual": (virtual, "virtual"),
    "null": (empty, "no shape"), "group": (a_group, "group, not a dataset"),
    "chunk": (chunk, "chunks do not fit"), "chunks": (many_chunks, "chunks do not fit"),
    "checksum": (another_checksum, "not the checksum"), "deflate": (no_deflate, "chunk is damaged"),
    "type": (a_type, "neither a group nor a dataset"),
    "arrays": (of_arrays, "dtype that is not read"), "bool": (typed("?"), "dtype bool"),
    "complex": (typed("c8"), "dtype complex64"), "whole": (typed("i8"), "dtype int64"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HDF5)
def test_hdf5_that_keras_does_not_write(kind: str, tmp_path: Path) -> None:
    make, word = HDF5[kind]
    with h5py.File(tmp_path / "x.weights.h5", "w") as file:
        make(file)
    np.full(12, 1337.25, "f4").tofile(tmp_path / "secret.bin")
    with pytest.raises(UnreadableModel, match=word):
        torchtwin.convert(SEEDS / "plain.json", weights=tmp_path / "x.weights.h5").save(
            tmp_path / "o"
        )
    assert not (tmp_path / "o").exists()


def test_checksums_are_those_of_hdf5(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "f": rng.normal(size=(100, 7)).astype("f4"), "z": np.zeros((5, 5)),
        "odd": rng.integers(0, 256, (7, 3), "u1"), "ones": np.full((9, 9), 255, "u1"),
    }  # fmt: skip
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for name, data in arrays.items():
            file.create_dataset(name, data=data, chunks=True, fletcher32=True)
    window = Window.of(tmp_path / "x.h5")
    read_again = {name: a.read() for name, a in hdf.walk(hdf.opened(window), window)}
    for name, data in arrays.items():
        np.testing.assert_array_equal(read_again[name], data, strict=True)


def test_parts_of_an_attribute_are_all_there(tmp_path: Path) -> None:
    """Keras reads layer_names0, layer_names1 and so on, until one is missing."""
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(sequential())
        file.create_group("model_weights").attrs["layer_names1"] = [b"dense"]
    with pytest.raises(UnreadableModel, match="layer_names is in parts"):
        read(tmp_path / "x.h5")


def test_a_layout_of_chunks_that_is_not_read_is_no_damage(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.weights.h5", "w", libver="latest") as file:
        dense(file).create_dataset("0", data=np.zeros((4, 3), "f4"), chunks=True)
    with pytest.raises(UnreadableModel, match="uses what is not read of its format"):
        torchtwin.convert(SEEDS / "plain.json", weights=tmp_path / "x.weights.h5")


def test_texts_of_an_attribute_are_counted(tmp_path: Path) -> None:
    """A thousand names may be one text of the file: together they are a thousand."""
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(sequential())
        group = file.create_group("model_weights")
        kind = h5py.string_dtype()
        group.attrs.create("layer_names", ["a" * 60_000] * 1000, dtype=kind)
    with pytest.raises(UnreadableModel, match="layer_names is too large"):
        read(tmp_path / "x.h5")
