"""Tables of LevelDB's kind, as TensorFlow writes the index of a checkpoint.

Blocks of sorted keys, each stored as what differs from the key before; a last block that says
where the others are; a footer that says where that one is. Every block has a checksum.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchtwin.errors import UnreadableModel
from torchtwin.limits import limit
from torchtwin.readers.bundle.crc32c import crc32c, masked
from torchtwin.readers.bundle.protobuf import varint
from torchtwin.readers.bundle.snappy import decompressed

MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
FOOTER = 48
PLAIN, SNAPPY = 0, 1
LARGEST_KEYS = 64 << 20


def entries(data: bytes, what: str) -> dict[bytes, bytes]:
    """Return everything in the table by its key; `what` names the file in errors."""
    view = memoryview(data)
    if not data.endswith(MAGIC):
        raise UnreadableModel(
            f"{what} is damaged or truncated: it does not end as an index of a checkpoint does",
            hint="download or save it again",
        )
    footer = view[-FOOTER:]
    _, at = _handle(footer, 0, what)  # of a block about the table itself, which is empty
    (start, size), _ = _handle(footer, at, what)
    found: dict[bytes, bytes] = {}
    last, room = b"", LARGEST_KEYS
    for _, place in _pairs(_block(view, start, size, what), what):
        (start, size), _ = _handle(memoryview(place), 0, what)
        for key, value in _pairs(_block(view, start, size, what), what):
            if found and key <= last:
                raise UnreadableModel(f"{what} is damaged: its keys are not in order")
            room -= len(key)
            if room < 0 or len(found) >= limit("OBJECTS"):
                raise UnreadableModel(f"{what} has too many entries for a model, or too long ones")
            found[key], last = value, key
    return found


def _handle(data: memoryview, at: int, what: str) -> tuple[tuple[int, int], int]:
    """Return where a block begins and its size, and where the handle ends."""
    start, at = varint(data, at, what)
    size, at = varint(data, at, what)
    return (start, size), at


def _block(view: memoryview, start: int, size: int, what: str) -> memoryview:
    """Return the contents of a block: five bytes with its kind and checksum follow it."""
    if start + size + 5 > len(view):
        raise UnreadableModel(f"{what} is damaged: a block lies outside of it")
    kind = view[start + size]
    stored = int.from_bytes(view[start + size + 1 : start + size + 5], "little")
    if masked(crc32c(view[start : start + size + 1])) != stored:
        raise UnreadableModel(
            f"{what} is damaged: a checksum (CRC) differs", hint="download or save it again"
        )
    block = view[start : start + size]
    if kind == SNAPPY:
        return memoryview(decompressed(block, what))
    if kind != PLAIN:
        raise UnreadableModel(f"{what} is compressed in a way that is not known ({kind})")
    return block


def _pairs(block: memoryview, what: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block. Its end is a list of places to start from."""
    starts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (starts + 1)
    if len(block) < 4 or end < 0:
        raise UnreadableModel(f"{what} is damaged: a block is too short")
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at, what)
        own, at = varint(block, at, what)
        size, at = varint(block, at, what)
        if shared > len(key) or at + own + size > end:
            raise UnreadableModel(f"{what} is damaged: a key lies outside of its block")
        key = key[:shared] + bytes(block[at : at + own])
        at += own
        yield key, bytes(block[at : at + size])
        at += size
