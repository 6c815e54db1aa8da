"""Reads chunked and compressed HDF5 data, with sizes checked before memory is asked for."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Any

from torchtwin.errors import UnreadableModel
from torchtwin.limits import limit, told
from torchtwin.readers.window import Window

if TYPE_CHECKING:
    import numpy as np
    from pyfive import Dataset

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
SMALL = 64 << 20
"""Bytes of an array, or of a chunk, up to which nothing is asked."""


def read_chunks(
    dataset: Dataset, shape: tuple[int, ...], dtype: np.dtype, window: Window
) -> np.ndarray:
    """Return the whole dataset."""
    import numpy as np

    chunks, index = tuple(int(n) for n in dataset.chunks), dataset.id.index
    size, chunk_size = (math.prod(s) * dtype.itemsize for s in (shape, chunks))
    held = sum(info.size for info in index.values())
    if max(size, chunk_size) > SMALL and (
        size > limit("EXPANSION") * held or chunk_size > 16 * size or held > window.size
    ):
        raise UnreadableModel(
            f"the chunks do not fit its size: {size} bytes in chunks of {chunk_size}, of which the"
            f" file holds {held}",
            hint=told("EXPANSION"),
        )
    window.spend(size)
    data = np.zeros(shape, dtype)
    if len(index) < math.prod(-(-n // c) for n, c in zip(shape, chunks, strict=True)):
        if dtype.kind in "biufc" and dataset.fillvalue is not None:
            data[...] = dataset.fillvalue
        if not index:
            raise UnreadableModel("the file holds no data for it")
    for start, info in index.items():
        raw = np.empty(_within(info.size, window), np.uint8)
        window.fill(raw, info.byte_offset)
        block = _decoded(raw, info.filter_mask, dataset, dtype.itemsize, chunk_size)
        place = tuple(slice(a, a + c) for a, c in zip(start, chunks, strict=True))
        room = data[place]
        whole = np.frombuffer(block, dtype).reshape(chunks)
        room[...] = whole[tuple(slice(0, n) for n in room.shape)]
    return data


def _within(size: int, window: Window) -> int:
    if size > window.size:
        raise UnreadableModel("a chunk claims more bytes than the file has")
    return size


def _decoded(raw: np.ndarray, mask: int, dataset: Dataset, itemsize: int, chunk_size: int) -> bytes:
    """Undo the filters of one chunk, last first."""
    filters: list[Any] = dataset.id.filter_pipeline or []
    block = raw.tobytes()
    for k in reversed(range(len(filters))):
        kind = filters[k]["filter_id"]
        if mask & (1 << k):
            continue
        if kind == DEFLATE:
            block = zlib.decompressobj().decompress(block, chunk_size + 4)
        elif kind == SHUFFLE:
            block = _unshuffled(block, itemsize)
        elif kind == FLETCHER32:
            block = block[:-4]
        else:
            raise UnreadableModel(f"it is compressed with HDF5 filter {kind}, which is not read")
    if len(block) != chunk_size:
        raise UnreadableModel(f"a chunk holds {len(block)} bytes instead of {chunk_size}")
    return block


def _unshuffled(block: bytes, itemsize: int) -> bytes:
    """Put the bytes of each number together again."""
    import numpy as np

    whole = len(block) // itemsize * itemsize
    planes = np.frombuffer(block[:whole], np.uint8).reshape(itemsize, -1)
    return planes.T.tobytes() + block[whole:]
