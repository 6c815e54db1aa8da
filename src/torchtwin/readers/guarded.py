"""pyfive, where it believes a file: counts of values are compared with the bytes that are there."""

from __future__ import annotations

from typing import Any

from pyfive import File
from pyfive.dataobjects import DataObjects

from torchtwin.errors import UnreadableModel

EXTERNAL_FILES = 7
"""The message of a dataset whose data lies in other files."""

REFERENCE = 16
"""Bytes of a value of variable length, which lies elsewhere."""


class GuardedObjects(DataObjects):  # type: ignore[misc]
    """The header of a group or dataset."""

    def _attr_value(self, ptype: Any, buf: Any, count: int, offset: int) -> Any:
        size = REFERENCE if ptype.dtype.hasobject else max(1, ptype.dtype.itemsize)
        held = 0 if buf is None else len(buf) - offset
        if not 0 <= count * size <= held + REFERENCE:
            raise UnreadableModel(f"an HDF5 attribute claims {count} values in {held} bytes")
        return super()._attr_value(ptype, buf, count, offset)

    @property
    def is_external(self) -> bool:
        return bool(self.find_msg_type(EXTERNAL_FILES))


class GuardedFile(File):  # type: ignore[misc]
    """An HDF5 file whose headers are read so."""

    def _get_dataobjects(self, obj_addr: int) -> GuardedObjects:
        cached: GuardedObjects | None = self._dataobjects_cache.get(obj_addr)
        if cached is None:
            heaps = self._global_heaps
            cached = GuardedObjects(self._fh, obj_addr, global_heaps=heaps)
            self._dataobjects_cache[obj_addr] = cached
        return cached
