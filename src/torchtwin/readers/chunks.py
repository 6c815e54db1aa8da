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
"""Bytes of an array up to which nothing is asked."""
MODULUS = 65535
LARGER, PADDED = 16, 8 << 20
"""How many times the bytes of an array its chunks may have, the last along each axis being whole,
and how many bytes are never too many."""


def read_chunks(
    dataset: Dataset, shape: tuple[int, ...], dtype: np.dtype, window: Window
) -> np.ndarray:
    """Return the whole dataset."""
    import numpy as np

    chunks, index = tuple(int(n) for n in dataset.chunks), dataset.id.index
    size, chunk_size = (math.prod(s) * dtype.itemsize for s in (shape, chunks))
    held, all_chunks = sum(info.size for info in index.values()), len(index) * chunk_size
    too_many = max(chunk_size, all_chunks) > max(LARGER * size, PADDED)
    if too_many or (size > SMALL and (size > limit("EXPANSION") * held or held > window.size)):
        raise UnreadableModel(
            f"the chunks do not fit its size: {size} bytes in {len(index)} chunks of {chunk_size},"
            f" of which the file holds {held}",
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
            block = _inflated(block, chunk_size + 4)
        elif kind == SHUFFLE:
            block = _unshuffled(block, itemsize)
        elif kind == FLETCHER32:
            block = _checked(block)
        else:
            raise UnreadableModel(f"it is compressed with HDF5 filter {kind}, which is not read")
    if len(block) != chunk_size:
        raise UnreadableModel(f"a chunk holds {len(block)} bytes instead of {chunk_size}")
    return block


def _inflated(block: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(block, most)
    except zlib.error as error:
        raise UnreadableModel(f"a chunk is damaged: {error}") from None


def _unshuffled(block: bytes, itemsize: int) -> bytes:
    """Put the bytes of each number together again."""
    import numpy as np

    whole = len(block) // itemsize * itemsize
    planes = np.frombuffer(block[:whole], np.uint8).reshape(itemsize, -1)
    return planes.T.tobytes() + block[whole:]


def _checked(block: bytes) -> bytes:
    """Return a chunk without the checksum behind it (H5_checksum_fletcher32, in H5checksum.c).

    Sums of 16-bit words, big-endian, modulo 65535, in which 0 and 65535 are the same.
    """
    import numpy as np

    data, told_here = block[:-4], np.frombuffer(block[-4:], "<u2")
    words = np.frombuffer(data + b"\0" * (len(data) % 2), ">u2").astype(np.int64)
    first = int(words.sum())
    second = int((words * (np.arange(len(words), 0, -1) % MODULUS)).sum())
    if len(told_here) != 2 or any(
        (int(a) - b) % MODULUS for a, b in zip(told_here, (first, second), strict=True)
    ):
        raise UnreadableModel("a chunk is damaged: it has not the checksum that it records")
    return data
