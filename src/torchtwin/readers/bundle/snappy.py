"""Snappy, which tables of LevelDB's kind may be compressed with: literals and copies."""

from __future__ import annotations

from torchtwin.errors import UnreadableModel
from torchtwin.readers.bundle.protobuf import varint

MOST_EXPANSION = 32
"""A copy writes 64 bytes for its three: what claims more is not data but a trap."""


def decompressed(data: memoryview, what: str) -> bytes:
    """Return what `data` holds, of the length that it says."""
    size, at = varint(data, 0, what)
    if size > MOST_EXPANSION * len(data):
        raise UnreadableModel(f"{what} is damaged: it claims to expand to {size} bytes")
    out = bytearray()
    while at < len(data):
        tag, at = data[at], at + 1
        kind = tag & 3
        if kind == 0:
            length, at = _literal(data, tag, at)
            out += data[at : at + length]
            at += length
            continue
        if kind == 1:
            length, width, offset = 4 + (tag >> 2 & 7), 1, tag >> 5 << 8
        else:
            length, width, offset = 1 + (tag >> 2), 2 if kind == 2 else 4, 0
        offset += int.from_bytes(data[at : at + width], "little")
        at += width
        if not 0 < offset <= len(out) or len(out) + length > size or at > len(data):
            raise UnreadableModel(f"{what} is damaged: its compressed data does not fit")
        for _ in range(length):  # a copy may reach into itself
            out.append(out[-offset])
    if len(out) != size:
        raise UnreadableModel(f"{what} is damaged: its compressed data is cut off")
    return bytes(out)


def _literal(data: memoryview, tag: int, at: int) -> tuple[int, int]:
    """Return the length of a literal, and where it begins."""
    length = (tag >> 2) + 1
    if length > 60:
        width = length - 60
        length = int.from_bytes(data[at : at + width], "little") + 1
        at += width
    return length, at
