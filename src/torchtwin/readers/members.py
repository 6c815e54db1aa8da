"""The members of a zip archive, found and opened within limits."""

from __future__ import annotations

import itertools
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import IO

from torchtwin.errors import UnreadableModel
from torchtwin.readers import plain
from torchtwin.readers.window import Window

BLOCK = 1 << 20
LOCAL_HEADER = struct.Struct("<4s22xHH")
SMALL = 128 << 20
MOST_EXPANSION = 200
"""What a compressed member may grow by, if it is not small. Weights compress to a half."""

Members = dict[str, zipfile.ZipInfo]


def members(archive: zipfile.ZipFile) -> Members:
    """Return the members by name. Two of one name, or two in one place, are refused."""
    found: Members = {}
    for info in archive.infolist():
        name = info.filename.replace("\\", "/")
        if name in found:
            raise UnreadableModel(f"the archive holds '{name}' twice")
        found[name] = info
    ordered = sorted(found.values(), key=lambda info: info.header_offset)
    for info, following in itertools.pairwise(ordered):
        end = info.header_offset + LOCAL_HEADER.size + info.compress_size
        if end > following.header_offset:
            raise UnreadableModel(f"the archive is damaged: '{info.filename}' overlaps another")
    return found


def text(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return a member that holds JSON."""
    _check_size(info, plain.LARGEST_TEXT)
    with archive.open(info) as file:
        return file.read(info.file_size + 1)


def window(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Window:
    """Show a stored member where it lies; spool a compressed one to a temporary file.

    Either is read once from end to end, so that zipfile compares its checksum.
    """
    _check_size(info, None)
    if info.compress_type == zipfile.ZIP_STORED:
        _copy(archive, info, None)
        return Window.of(path, _start(path, info), info.file_size)
    spool: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the window closes it
    _copy(archive, info, spool)
    return Window(spool, str(path))


def _check_size(info: zipfile.ZipInfo, most: int | None) -> None:
    size = info.file_size
    if info.flag_bits & 1:
        raise UnreadableModel(f"'{info.filename}' in the archive is encrypted")
    if most is not None and size > most:
        raise UnreadableModel(f"'{info.filename}' in the archive is too large: {size} bytes")
    if size > SMALL and size > MOST_EXPANSION * info.compress_size:
        raise UnreadableModel(
            f"'{info.filename}' in the archive would expand from {info.compress_size} to {size}"
            " bytes: that is no model"
        )


def _copy(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: IO[bytes] | None) -> None:
    done = 0
    with archive.open(info) as file:
        while block := file.read(BLOCK):
            done += len(block)
            if target:
                target.write(block)
    if done != info.file_size:
        raise UnreadableModel(f"the archive is damaged: '{info.filename}' is cut off")


def _start(path: Path, info: zipfile.ZipInfo) -> int:
    """Return where the data of a stored member begins in the file."""
    with path.open("rb") as file:
        file.seek(info.header_offset)
        _, name, extra = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
    return info.header_offset + LOCAL_HEADER.size + int(name) + int(extra)
