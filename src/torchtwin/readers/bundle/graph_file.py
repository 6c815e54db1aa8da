"""The graph of objects in saved_model.pb, found without reading the functions around it."""

from __future__ import annotations

from pathlib import Path

from torchtwin.errors import UnreadableModel
from torchtwin.readers.bundle.objects import Objects
from torchtwin.readers.bundle.protobuf import (
    BYTES,
    FIXED32,
    FIXED64,
    LONGEST_VARINT,
    VARINT,
    Message,
    damaged,
    varint,
)

META_GRAPH, OBJECT_GRAPH = 2, 7
"""The fields of SavedModel and MetaGraphDef (tensorflow/core/protobuf) that lead there."""

LARGEST_GRAPH = 256 << 20
MOST_FIELDS = 1_000_000


def saved_objects(path: Path) -> Objects | None:
    """Return the graph of objects, or None where the file has none."""
    message = contents(path, OBJECT_GRAPH)
    return None if message is None else Objects(message, saved=True)


def contents(path: Path, wanted: int) -> Message | None:
    """Return a field of the first MetaGraphDef, or None where the file has none."""
    place = 0, path.stat().st_size
    for field in (META_GRAPH, wanted):
        found = _field(path, place, field)
        if found is None:
            return None
        place = found
    start, end = place
    if end - start > LARGEST_GRAPH:
        raise UnreadableModel(f"{path.name} has a part that is too large: {end - start} bytes")
    with path.open("rb") as file:
        file.seek(start)
        return Message(memoryview(file.read(end - start)), path.name)


def _field(path: Path, place: tuple[int, int], wanted: int) -> tuple[int, int] | None:
    """Return where the contents of a field of the message at `place` begin and end."""
    at, end = place
    with path.open("rb") as file:
        for _ in range(MOST_FIELDS):
            if at >= end:
                return None
            file.seek(at)
            head = memoryview(file.read(min(2 * LONGEST_VARINT, end - at)))
            tag, size = varint(head, 0, path.name)
            kind = tag & 7
            length = {FIXED32: 4, FIXED64: 8}.get(kind, 0)
            if kind in (VARINT, BYTES):
                number, size = varint(head, size, path.name)
                length = number if kind == BYTES else 0
            elif not length:
                raise damaged(path.name)
            if at + size + length > end:
                raise damaged(path.name)
            if tag == wanted << 3 | BYTES:
                return at + size, at + size + length
            at += size + length
    raise damaged(path.name)
