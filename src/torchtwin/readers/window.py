"""A part of a file, seen as a file of its own, with a limit on what a parser may read of it."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

from torchtwin.errors import UnreadableModel
from torchtwin.limits import limit, told

if TYPE_CHECKING:
    import numpy as np

LONGEST_READ = 64 << 20
"""Bytes of one metadata read. Object headers and attribute heaps stay far under it."""


MOST_READS = 1_000_000
MOST_DATA = 4 << 30
"""Bytes that any file's data may expand to, when all of its arrays are read together."""


CHANGED = "start again when nothing writes to it any more"


def _stamp(file: IO[bytes]) -> tuple[int, ...]:
    """Return what tells whether an open file is still what it was."""
    state = os.fstat(file.fileno())
    return state.st_ino, state.st_size, state.st_mtime_ns


class Window:
    """Bytes `start` to `start + size` of an open file.

    `read` serves the HDF5 parser and counts: a file whose tables point in circles ends in an
    error, not in an endless loop. `fill` serves the data and does not count.
    """

    def __init__(self, file: IO[bytes], name: str, start: int = 0, size: int | None = None) -> None:
        self._file, self.full_name, self._start = file, name, start
        self.size = file.seek(0, 2) - start if size is None else size
        self._at = 0
        self._stamp = _stamp(file)
        self._lock = threading.Lock()
        self._reads_left = 20_000 + min(self.size // 16, MOST_READS)
        self._bytes_left = 4 * LONGEST_READ + self.size
        self._data_left = MOST_DATA + limit("EXPANSION") * self.size

    @classmethod
    def of(cls, path: Path, start: int = 0, size: int | None = None) -> Window:
        """Open `path` once, for as long as anything refers to the window."""
        return cls(path.open("rb"), str(path), start, size)

    def must_be(self, file: IO[bytes]) -> Window:
        """Return this window when it is one of the same file, unchanged, as that open one."""
        if _stamp(file) != self._stamp:
            raise UnreadableModel("the file was changed while it was read", hint=CHANGED)
        return self

    @property
    def closed(self) -> bool:
        return self._file.closed

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self.size)[whence])
        return self._at

    def read(self, count: int = -1) -> bytes:
        left = max(0, self.size - self._at)
        count = left if count < 0 else min(count, left)
        self._reads_left -= 1
        self._bytes_left -= count
        if count > LONGEST_READ or min(self._reads_left, self._bytes_left) < 0:
            raise UnreadableModel("its HDF5 tables are too large or point in circles")
        with self._lock:
            self._file.seek(self._start + self._at)
            data = self._file.read(count)
        self._at += len(data)
        return data

    def fill(self, array: np.ndarray, offset: int) -> None:
        """Read straight into `array`, whose memory must be contiguous."""
        view = memoryview(array.reshape(-1).view("u1").data)
        self.spend(len(view))
        if _stamp(self._file) != self._stamp:
            raise UnreadableModel("the file was changed while it was read", hint=CHANGED)
        if offset + len(view) > self.size:
            raise UnreadableModel("the file ends before its data does: it is truncated")
        with self._lock:
            self._file.seek(self._start + offset)
            done = 0
            while done < len(view):
                count = self._file.readinto(view[done:])  # type: ignore[attr-defined]
                if not count:
                    raise UnreadableModel("the file ends before its data does: it is truncated")
                done += count

    def spend(self, count: int) -> None:
        """Count bytes of data: many arrays may lie in the same place of the file."""
        self._data_left -= count
        if self._data_left < 0:
            raise UnreadableModel(
                "its arrays are far larger than the file that holds them", hint=told("EXPANSION")
            )

    def close(self) -> None:
        self._file.close()

    def __del__(self) -> None:
        self._file.close()
