"""Says what a file is that is no Keras model: people meet these under a model's name."""

from __future__ import annotations

from pathlib import Path

from torchtwin.errors import TorchTwinError, UnreadableModel, UnsupportedError
from torchtwin.readers import checkpoint
from torchtwin.readers.archive import CONFIG

LFS = "run `git lfs pull` in the repository, or download the file itself"
KERAS = "save the model with model.save('model.keras') where Keras runs"
TORCH_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."

STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer, not the model itself", LFS),
    (b"oid sha256:", "a Git LFS pointer, not the model itself", LFS),
    (b"\x93NUMPY", "a NumPy array", KERAS),
    (TORCH_MAGIC, "a PyTorch checkpoint", KERAS),
    (b"\x80", "a Python pickle, which is never opened because it can run code", KERAS),
    (b"x\x9c", "zlib data, probably a joblib dump", KERAS),
    (b"x\x01", "zlib data, probably a joblib dump", KERAS),
    (b"x\x5e", "zlib data, probably a joblib dump", KERAS),
    (b"x\xda", "zlib data, probably a joblib dump", KERAS),
    (b"ZF", "a joblib dump", KERAS),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
    (b"BZh", "a bzip2 file", "unpack it first"),
    (b"\xfd7zXZ", "an xz file", "unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"GGUF", "a GGUF file", ""),
    (b"%PDF", "a PDF document", ""),
    (b"\x89PNG", "a PNG picture", ""),
    (b"CDF", "a NetCDF file", ""),
)

PAGES = (b"<!doctype", b"<html", b"<?xml", b"<head")


def start_of(path: Path) -> bytes:
    """Return the file's first bytes; what cannot even be opened is refused here."""
    if path.is_dir() or checkpoint.prefix_of(path) == path:
        return b""
    if not path.exists():
        raise UnreadableModel(f"there is no file '{path}'")
    if not path.is_file():
        raise UnreadableModel(f"'{path}' is no file, but a device or a pipe")
    with path.open("rb") as file:
        start = file.read(4096)
    if not start:
        raise UnreadableModel("the file is empty", hint="download or save it again")
    return start


def refusal(path: Path, start: bytes) -> TorchTwinError:
    """Return the error for a file that no reader accepts."""
    if path.is_dir():
        return _folder(path)
    for signature, what, hint in STARTS:
        if start.startswith(signature):
            return UnreadableModel(f"it is {what}", hint=hint)
    if start[4:8] == b"TFL3":
        return UnreadableModel(
            "it is a TensorFlow Lite model, which holds no Keras layers",
            hint="convert the Keras model that it was made from",
        )
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 1 << 40:
        return UnreadableModel("it is a safetensors file, which holds no architecture", hint=KERAS)
    if start[:1] == b"\x08" and start[2:3] == b"\x12":
        if start[1] == 1:
            return UnreadableModel(
                "it is the saved_model.pb of a TensorFlow SavedModel", hint="give its folder"
            )
        return UnreadableModel("it is an ONNX model", hint="use onnx2torch for ONNX files")
    return UnreadableModel(*_text(start))


def _text(start: bytes) -> tuple[str]:
    sample = start.lstrip()[:200].lower()
    if sample.startswith(PAGES):
        return ("it is a web page: the download went wrong",)
    if sample.startswith((b"class_name:", b"backend:")):
        return ("it is a YAML architecture, which is not read: save it with model.to_json()",)
    try:
        start[:-3].decode("utf-8")
    except UnicodeDecodeError:
        return ("it is neither a .keras archive, nor HDF5, nor an architecture as JSON",)
    if b"\x00" in start:
        return ("it is neither a .keras archive, nor HDF5, nor an architecture as JSON",)
    return ("it is a text file, not a Keras model: neither zip, HDF5 nor JSON",)


def _folder(path: Path) -> TorchTwinError:
    if (path / "saved_model.pbtxt").exists():
        return UnsupportedError("it is a SavedModel as text (pbtxt), which is not read", hint=KERAS)
    if any(path.glob("*.index")):
        return UnreadableModel(
            "it is a folder of several checkpoints", hint="give one, without its suffix .index"
        )
    return UnreadableModel(
        f"it is a folder without {CONFIG}, saved_model.pb or model.json",
        hint="give the model file itself",
    )
