"""Writes model.safetensors, one tensor in memory at a time.

The format (https://github.com/huggingface/safetensors): eight bytes with the length of a JSON
header, the header, the tensors. The library's own writer wants all of them at once. The header's
metadata has a SHA-256 of the tensors' entries and of the tensors, which `load` compares.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from torchtwin.errors import UnsupportedError

if TYPE_CHECKING:
    import numpy as np

CODES = {
    "float64": ("F64", 8), "float32": ("F32", 4), "float16": ("F16", 2), "bfloat16": ("BF16", 2),
    "int64": ("I64", 8), "int32": ("I32", 4), "int16": ("I16", 2), "int8": ("I8", 1),
    "uint64": ("U64", 8), "uint32": ("U32", 4), "uint16": ("U16", 2), "uint8": ("U8", 1),
    "bool": ("BOOL", 1),
}  # fmt: skip
"""safetensors' code and the bytes of an element, by numpy's name."""


PIECE = 1 << 20
"""Bytes of one write: some kernels take five times as long for a hundred MB at once."""

Progress = Callable[[int, int], None]
"""Called with the bytes that are written, and their total."""


@dataclass(frozen=True)
class Tensor:
    """A tensor to be written: `read` is called once, when its turn comes."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray]


def write_safetensors(
    file: BinaryIO, tensors: Iterable[Tensor], progress: Progress | None = None
) -> None:
    """Write `tensors` to an open binary file."""
    tensors = list(tensors)
    header: dict[str, Any] = {}
    offset = 0
    for tensor in tensors:
        if tensor.dtype not in CODES:
            raise UnsupportedError(f"weights of dtype {tensor.dtype}", where=tensor.name)
        code, size = CODES[tensor.dtype]
        end = offset + size * math.prod(tensor.shape)
        header[tensor.name] = {
            "dtype": code, "shape": list(tensor.shape), "data_offsets": [offset, end],
        }  # fmt: skip
        offset = end
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    place = _write_header(file, header)
    scratch = Scratch()
    for tensor in tensors:
        data = scratch.contiguous(tensor.read())
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            digest.update(piece)
            file.write(piece)
        if progress is not None:
            progress(header[tensor.name]["data_offsets"][1], offset)
    end = file.tell()
    file.seek(place)
    file.write(digest.hexdigest().encode())
    file.seek(end)


def _write_header(file: BinaryIO, header: Mapping[str, Any]) -> int:
    """Write the header; return the place of the hash, which is known when all is written."""
    unknown = "0" * 64
    text = json.dumps({"__metadata__": {"format": "pt", "sha256": unknown}, **header}).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little"))
    place = file.tell() + text.index(unknown.encode())
    file.write(text)
    return place


class Scratch:
    """Memory for one transposed tensor, used again for the next: fresh pages cost time."""

    def __init__(self) -> None:
        self._memory: Any = None

    def contiguous(self, array: np.ndarray) -> memoryview:
        """Return the bytes of an array, little-endian, in C order, until the next call."""
        import numpy as np
        import torch

        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if not array.flags.c_contiguous and array.dtype.kind in "fiu" and array.ndim > 1:
            source = torch.from_numpy(array.view(f"i{array.dtype.itemsize}"))
            if self._memory is None or len(self._memory) < array.nbytes:
                self._memory = None  # freed before more is asked for
                self._memory = torch.empty(array.nbytes, dtype=torch.uint8)
            target = self._memory[: array.nbytes].view(source.dtype).view(source.shape)
            array = target.copy_(source).numpy()  # torch transposes faster than numpy
        return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
