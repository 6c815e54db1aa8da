"""Writes model.safetensors, one tensor in memory at a time.

The format (https://github.com/huggingface/safetensors): eight bytes with the length of a JSON
header, the header, the tensors. The library's own writer wants all of them at once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
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
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little"))
    file.write(text)
    for tensor in tensors:
        file.write(_contiguous(tensor.read()))
        if progress is not None:
            progress(header[tensor.name]["data_offsets"][1], offset)


def _contiguous(array: np.ndarray) -> Any:
    """Return the bytes of an array, little-endian, in C order; torch transposes faster."""
    import numpy as np
    import torch

    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    if not array.flags.c_contiguous and array.dtype.kind in "fiu":
        signed = array.view(f"i{array.dtype.itemsize}")
        array = torch.from_numpy(signed).contiguous().numpy()
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
