"""HDF5 through pyfive, against h5py: every file of the corpora, and every way to store an array."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np
import pytest

from reader_support import corpus_files
from torchtwin.errors import UnreadableModel
from torchtwin.readers import hdf, read
from torchtwin.readers.window import Window
from torchtwin.source import Array, Ordered, Source

FILES = corpus_files("real", "real_custom", "keras_layers", "keras_ops")


def by_h5py(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield every dataset of a model file as h5py reads it."""
    archive = zipfile.is_zipfile(path)
    given = io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5")) if archive else path
    found: dict[str, Any] = {}
    with h5py.File(given) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    yield from found.items()


def by_torchtwin(source: Source) -> Iterator[tuple[str, Array]]:
    assert source.weights is not None
    if isinstance(source.weights, Ordered):
        for group, arrays in source.weights.groups.items():
            yield from ((f"{group}/{a.name}", a) for a in arrays)
    else:
        yield from source.weights.arrays.items()
    yield from ((a.name, a) for a in source.optimizer)


@pytest.mark.skipif(not FILES, reason="the corpora are not here")
def test_every_array_of_the_corpora() -> None:
    count = 0
    for path, weights in FILES:
        stored = weights if weights and h5py.is_hdf5(weights) else path
        if not (zipfile.is_zipfile(stored) or h5py.is_hdf5(stored)):
            continue
        source = read(path, weights)
        wanted = {key.replace("\\", "/"): value for key, value in by_h5py(stored)}
        for name, array in by_torchtwin(source):
            prefixes = ("", "model_weights/", "optimizer_weights/")
            value = next(wanted.pop(p + name) for p in prefixes if p + name in wanted)
            got = array.read()
            assert got.shape == array.shape == value.shape
            assert got.dtype == array.dtype == value.dtype
            np.testing.assert_array_equal(got, value)
            count += 1
        assert not wanted, path
    assert count > 3000


STORED: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "float16": (np.arange(6, dtype="f2").reshape(2, 3), {}),
    "float64": (np.arange(6, dtype="f8"), {}),
    "int8": (np.arange(-3, 3, dtype="i1"), {}),
    "uint32": (np.arange(6, dtype="u4"), {}),
    "bool": (np.array([True, False, True]), {}),
    "big-endian": (np.arange(6, dtype=">f4"), {}),
    "scalar": (np.float32(3), {}),
    "empty": (np.zeros((0, 3), "f4"), {}),
    "compact": (np.arange(6, dtype="f4"), {"dcpl": "compact"}),
    "chunked": (np.arange(1000, dtype="f4").reshape(10, 100), {"chunks": (3, 40)}),
    "gzip": (np.arange(1000, dtype="f8").reshape(10, 100), {"compression": "gzip"}),
    "shuffle": (
        np.arange(1000, dtype="f4").reshape(10, 100),
        {"compression": "gzip", "shuffle": True, "chunks": (7, 30)},
    ),
    "fletcher32": (np.arange(99, dtype="i4"), {"fletcher32": True, "chunks": (10,)}),
    "growing": (np.arange(12, dtype="f4"), {"maxshape": (None,), "chunks": (50,)}),
}


def stored_array(path: Path) -> Array:
    window = Window.of(path)
    return dict(hdf.walk(hdf.opened(window), window))["x"]


# pyfive does not read the chunk indexes of HDF5 1.10, which Keras never writes
WAYS = [(kind, False) for kind in STORED]
WAYS += [(kind, True) for kind, (_, options) in STORED.items() if set(options) <= {"dcpl"}]


@pytest.mark.parametrize(("kind", "latest"), WAYS)
def test_ways_to_store(kind: str, latest: bool, tmp_path: Path) -> None:
    value, options = STORED[kind][0], dict(STORED[kind][1])
    with h5py.File(tmp_path / "x.h5", "w", libver="latest" if latest else None) as file:
        if options.pop("dcpl", None):
            layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            layout.set_layout(h5py.h5d.COMPACT)
            options["dcpl"] = layout
        file.create_dataset("x", data=value, **options)
    array = stored_array(tmp_path / "x.h5")
    got = array.read()
    assert array.shape == got.shape == value.shape
    assert array.dtype == got.dtype.name == value.dtype.newbyteorder("=").name
    np.testing.assert_array_equal(got, value)


def test_bfloat16_is_read_as_bits(tmp_path: Path) -> None:
    value = np.arange(5).astype(ml_dtypes.bfloat16)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", data=value).attrs["dtype"] = "bfloat16"  # as Keras does
    array = stored_array(tmp_path / "x.h5")
    assert array.dtype == "bfloat16"
    np.testing.assert_array_equal(array.read(), value.view("u2"))


def test_chunks_that_were_never_written_hold_the_fill_value(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        x = file.create_dataset("x", (20,), "f4", chunks=(10,), fillvalue=7)
        x[:10] = np.arange(10)
    np.testing.assert_array_equal(stored_array(tmp_path / "x.h5").read(), [*range(10), *[7] * 10])


def refused(tmp_path: Path) -> str:
    with pytest.raises(UnreadableModel) as refusal:
        stored_array(tmp_path / "x.h5").read()
    return str(refusal.value)


def test_external_data_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(range(40)))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", (10,), "f4", external=[(str(tmp_path / "secret"), 0, 40)])
    assert "external storage" in refused(tmp_path)


def test_virtual_data_is_not_opened(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["y"] = np.arange(4.0)
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "y", (4,))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_virtual_dataset("x", layout)
    refused(tmp_path)


@pytest.mark.parametrize(
    "link", [h5py.SoftLink("/y"), h5py.SoftLink("/x"), h5py.ExternalLink("other.h5", "/y")]
)
def test_links_are_not_followed(link: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["y"] = np.arange(4.0)
    with h5py.File(path, "w") as file:
        file["y"] = np.arange(4.0)
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": []})
        group = file.create_group("model_weights/dense")
        file["model_weights"].attrs["layer_names"] = [b"dense"]
        group.attrs["weight_names"] = [b"x"]
        group["x"] = link
    with pytest.raises(UnreadableModel):
        read(path)


def test_shape_that_the_file_cannot_hold(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", (1 << 34,), "f4", chunks=(1 << 20,), compression="gzip")[:9] = 1
    assert "do not fit its size" in refused(tmp_path)


def test_text_is_no_weight(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["x"] = ["a", "b"]
    assert "not numbers" in refused(tmp_path)


def test_groups_in_a_circle_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_group("a/b")
        file["a/b/again"] = file["a"]
    with pytest.raises(UnreadableModel, match="nest"):
        stored_array(tmp_path / "x.h5")
