"""A checkpoint of TensorFlow: an index of tensors, and the shards in which their data lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torchtwin.errors import TorchTwinError, UnreadableModel
from torchtwin.readers.bundle.crc32c import crc32c, masked
from torchtwin.readers.bundle.protobuf import Message, damaged, varint
from torchtwin.readers.bundle.table import entries
from torchtwin.readers.inside import inside
from torchtwin.readers.window import Window
from torchtwin.source import Array

if TYPE_CHECKING:
    import numpy as np

STRING = 7
NAMES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 8: "complex64",
    9: "int64", 10: "bool", 14: "bfloat16", 17: "uint16", 18: "complex128", 19: "float16",
    22: "uint32", 23: "uint64",
}  # fmt: skip
"""numpy's names of TensorFlow's types of numbers (tensorflow/core/framework/types.proto)."""

LARGEST_INDEX = 128 << 20
MOST_SHARDS = 10_000
MOST_AXES = 32


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies, and what it is: TensorFlow's number of its type, and its shape."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int

    @property
    def count(self) -> int:
        return math.prod(self.shape)


class Bundle:
    """A checkpoint `folder/prefix`, of which the index is read and the shards are not yet."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.folder, self.prefix = folder, prefix
        self.index = f"{prefix}.index"
        path = folder / self.index
        if path.stat().st_size > LARGEST_INDEX:
            raise UnreadableModel(f"{self.index} is too large: {path.stat().st_size} bytes")
        found = entries(path.read_bytes(), self.index)
        self.shards = _shards(self._message(found.pop(b"", b"")))
        try:
            self._entries = {key.decode("utf-8"): value for key, value in found.items()}
        except UnicodeDecodeError:
            raise UnreadableModel(f"{self.index} is damaged: a key is no text") from None
        self._windows: dict[int, Window] = {}

    def _message(self, data: bytes) -> Message:
        return Message(memoryview(data), self.index)

    @property
    def keys(self) -> Sequence[str]:
        return list(self._entries)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def entry(self, key: str) -> Entry:
        """Return what the index says of a tensor; its size is compared with its shard's."""
        if key not in self._entries:
            raise UnreadableModel(f"{self.index} does not list '{key}', which it needs")
        entry = _entry(self._message(self._entries[key]), key)
        if entry.dtype in NAMES and entry.size != entry.count * _width(entry):
            raise UnreadableModel(
                f"{self.index} contradicts itself: '{key}' of the shape {entry.shape} has"
                f" {entry.size} bytes"
            )
        window = self._window(entry.shard)
        if entry.offset + entry.size > window.size:
            raise UnreadableModel(
                f"'{self._shard(entry.shard)}' is cut off: '{key}' lies beyond its end",
                hint="download or save it again",
            )
        return entry

    def array(self, key: str, name: str) -> Array:
        """Describe a tensor of numbers; nothing of its data is read yet."""
        entry = self.entry(key)
        if entry.dtype not in NAMES:
            raise UnreadableModel(
                f"'{key}' is of a type that no weight has (TensorFlow's {entry.dtype})"
            )

        def read() -> np.ndarray:
            try:
                return self._numbers(key, entry)
            except (TorchTwinError, OSError) as error:
                raise UnreadableModel(getattr(error, "problem", str(error)), where=name) from None

        return Array(name, entry.shape, NAMES[entry.dtype], read)

    def _numbers(self, key: str, entry: Entry) -> np.ndarray:
        import numpy as np

        name = NAMES[entry.dtype]
        stored = np.dtype("u2" if name == "bfloat16" else name).newbyteorder("<")
        data = np.empty(entry.shape, stored)
        self._window(entry.shard).fill(data, entry.offset)
        self._compare(key, entry, crc32c(data.reshape(-1).view("u1").data))
        return data

    def texts(self, key: str) -> list[bytes]:
        """Return a tensor of texts: their lengths, a checksum of these, and the texts."""
        entry = self.entry(key)
        if entry.dtype != STRING or entry.size > LARGEST_INDEX or entry.count > entry.size:
            raise UnreadableModel(f"'{key}' is no text, or too long a one")
        import numpy as np

        raw = np.empty(entry.size, np.uint8)
        self._window(entry.shard).fill(raw, entry.offset)
        data = memoryview(raw.tobytes())
        at, lengths, checksum = 0, [], 0
        for _ in range(entry.count):
            length, at = varint(data, at, f"'{key}'")
            width = 4 if length < 1 << 32 else 8
            checksum = crc32c(length.to_bytes(width, "little"), checksum)
            lengths.append(length)
        self._compare(key, entry, crc32c(data[at:], checksum))
        at += 4
        if at + sum(lengths) != len(data):
            raise damaged(f"'{key}'")
        found = []
        for length in lengths:
            found.append(bytes(data[at : at + length]))
            at += length
        return found

    def _compare(self, key: str, entry: Entry, checksum: int) -> None:
        if masked(checksum) != entry.checksum:
            raise UnreadableModel(
                f"the checksum (CRC) of '{key}' differs: the file is damaged",
                hint="download or save it again",
            )

    def _shard(self, number: int) -> str:
        return f"{self.prefix}.data-{number:05d}-of-{self.shards:05d}"

    def _window(self, number: int) -> Window:
        """Open a shard; its name is made of its number alone."""
        if number not in self._windows:
            path = self.folder / self._shard(number)
            if number >= self.shards or not path.is_file():
                raise UnreadableModel(f"the shard '{path.name}' is missing beside {self.index}")
            self._windows[number] = Window.of(inside(path, self.folder / self.index))
        return self._windows[number]


def _width(entry: Entry) -> int:
    import numpy as np

    name = NAMES[entry.dtype]
    return 2 if name == "bfloat16" else np.dtype(name).itemsize


def _shards(header: Message) -> int:
    """Return how many shards there are, and refuse what is not little-endian."""
    shards, big = 0, False
    for field, value in header.fields():
        if field == 1:
            shards = header.number(value)
        elif field == 2:
            big = bool(value)
    if not 0 < shards <= MOST_SHARDS:
        raise UnreadableModel(f"{header.what} is damaged: it tells of {shards} shards")
    if big:
        raise UnreadableModel(
            f"{header.what} was written on a big-endian machine, which is not read",
            hint="save the checkpoint again on another machine",
        )
    return shards


def _entry(message: Message, key: str) -> Entry:
    numbers = {1: 0, 3: 0, 4: 0, 5: 0, 6: 0}
    shape: tuple[int, ...] = ()
    for field, value in message.fields():
        if field == 2:
            shape = _shape(message.within(value), key)
        elif field == 7:
            raise UnreadableModel(
                f"'{key}' is split in slices, which are not read",
                hint="save the model without partitioned variables",
            )
        elif field in numbers:
            numbers[field] = message.number(value)
    return Entry(numbers[1], shape, *(numbers[field] for field in (3, 4, 5, 6)))


def _shape(message: Message, key: str) -> tuple[int, ...]:
    sizes = []
    for axis in message.inner(2):
        size = next((value for field, value in axis.fields() if field == 1), 0)
        sizes.append(message.number(size))
    if len(sizes) > MOST_AXES:
        raise UnreadableModel(f"'{key}' has {len(sizes)} axes")
    return tuple(sizes)
