"""Files that are no models, damaged ones and traps: each is refused with a word about it."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from reader_files import SEQUENTIAL, archive_at, legacy, repacked
from reader_support import arrays_of
from torchtwin.errors import TorchTwinError, UnreadableModel
from torchtwin.readers import read


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive_at(tmp_path_factory.mktemp("archive") / "model.keras")


def numpy_bytes(save: Callable[..., Any], *args: Any) -> bytes:
    target = io.BytesIO()
    save(target, *args)
    return target.getvalue()


JUNK: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "Git LFS"),
    "pickle": (pickle.dumps({"model": [1, 2]}), "pickle"),
    "old pickle": (pickle.dumps({"model": [1, 2]}, protocol=0), "text file"),
    "joblib": (zlib.compress(pickle.dumps([1] * 99)), "joblib"),
    "gzip": (gzip.compress(b"x" * 99), "gzip"),
    "numpy": (numpy_bytes(np.save, np.zeros(3)), "NumPy"),
    "npz": (numpy_bytes(np.savez, np.zeros(3)), "NumPy"),
    "torch": (numpy_bytes(lambda f: torch.save({"a": torch.zeros(2)}, f)), "PyTorch"),
    "tflite": (b"\x1c\x00\x00\x00TFL3" + bytes(40), "TensorFlow Lite"),
    "onnx": (b"\x08\x07\x12\x07pytorch" + bytes(40), "ONNX"),
    "page": (b"<!DOCTYPE html>\n<html><body>404</body></html>", "web page"),
    "text": ("épreuve, rien de plus".encode(), "text file"),
    "yaml": (b"backend: tensorflow\nclass_name: Sequential\n", "YAML"),
    "noise": (bytes(range(255, 0, -1)), "neither"),
    "json": (b'{"a": 1}', "not a Keras architecture"),
    "broken json": (b'{"class_name": "Sequential", ', "JSON"),
    "list": (b'{"class_name": "Sequential", "config": 3}', "no architecture"),
    "zip": (numpy_bytes(lambda f: zipfile.ZipFile(f, "w").writestr("a.txt", "b")), "config.json"),
    "safetensors": ((20).to_bytes(8, "little") + b'{"a":1}' + bytes(40), "safetensors"),
}


@pytest.mark.parametrize("kind", JUNK)
def test_other_files_are_named(kind: str, tmp_path: Path) -> None:
    data, word = JUNK[kind]
    (tmp_path / "model.h5").write_bytes(data)
    with pytest.raises(UnreadableModel, match=word):
        read(tmp_path / "model.h5")


def test_missing_file_and_other_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableModel, match="no file"):
        read(tmp_path / "model.keras")
    with pytest.raises(UnreadableModel, match="folder"):
        read(tmp_path)


def test_other_hdf5_files(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(UnreadableModel, match="neither a Keras model nor its weights"):
        read(tmp_path / "data.h5")
    with pytest.raises(UnreadableModel, match="no architecture") as refusal:
        read(legacy(tmp_path / "weights.h5", None))
    assert "--weights" in refusal.value.hint


def test_every_truncation_is_refused(archive: Path, tmp_path: Path) -> None:
    """Wherever a file ends, the error is one of ours; a whole file is read."""
    model = legacy(tmp_path / "model.h5", json.dumps(SEQUENTIAL))
    for path in (archive, model):
        data = path.read_bytes()
        for size in (*range(8, 2200, 97), len(data) // 2, len(data) - 1):
            (tmp_path / "part").write_bytes(data[:size])
            with pytest.raises(TorchTwinError):
                all(a.read() is not None for a in arrays_of(read(tmp_path / "part")))


def test_duplicate_members_are_refused(archive: Path, tmp_path: Path) -> None:
    path = repacked(archive, tmp_path / "model.keras", lambda _: None)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("config.json", "{}")
    with pytest.raises(UnreadableModel, match="twice"):
        read(path)


def test_wrong_checksum_is_refused(archive: Path, tmp_path: Path) -> None:
    data = bytearray(archive.read_bytes())
    kernel = np.asarray(next(a for a in arrays_of(read(archive)) if a.shape == (4, 3)).read())
    data[data.index(kernel.tobytes())] ^= 1
    (tmp_path / "model.keras").write_bytes(data)
    with pytest.raises(UnreadableModel, match=r"CRC.*model\.weights\.h5"):
        read(tmp_path / "model.keras")


def test_bomb_is_refused(archive: Path, tmp_path: Path) -> None:
    def swell(members: dict[str, bytes]) -> dict[str, Any]:
        members["model.weights.h5"] += bytes(200 << 20)
        return {"compression": zipfile.ZIP_DEFLATED}

    with pytest.raises(UnreadableModel, match="expand"):
        read(repacked(archive, tmp_path / "model.keras", swell))


@pytest.mark.parametrize("text", ["[" * 5000, '{"a":' * 300 + "1" + "}" * 300, "[]", "\xff"])
def test_config_out_of_bounds(text: str, archive: Path, tmp_path: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        members["config.json"] = text.encode("latin-1")

    with pytest.raises(UnreadableModel, match=r"config\.json"):
        read(repacked(archive, tmp_path / "model.keras", change))
