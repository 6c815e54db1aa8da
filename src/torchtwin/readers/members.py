"""The members of a zip archive, found and opened within limits."""

from __future__ import annotations

import itertools
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import IO

from torchtwin.errors import UnreadableModel
from torchtwin.limits import limit, told
from torchtwin.readers.window import Window

BLOCK = 1 << 20
LOCAL_HEADER = struct.Struct("<4s22xHH")
SMALL = 128 << 20
ENTRY = 46
"""Bytes of a member in the archive's directory, without its name."""


def check_directory(file: IO[bytes]) -> None:
    """Refuse an archive of very many members before its directory is read into memory."""
    end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    if end is not None and end[5] > limit("MEMBERS") * ENTRY * 4:
        raise UnreadableModel("the zip archive has too many members", hint=told("MEMBERS"))
    file.seek(0)


Members = dict[str, zipfile.ZipInfo]


def members(archive: zipfile.ZipFile) -> Members:
    """Return the members by name. Two of one name, or two in one place, are refused."""
    found: Members = {}
    for info in archive.infolist():
        name = info.filename.replace("\\", "/")
        if name in found:
            raise UnreadableModel(f"the zip archive holds a duplicate: '{name}' is there twice")
        if "\0" in info.orig_filename or info.volume:
            raise UnreadableModel(f"the zip archive is damaged: '{name}' is not where it should be")
        found[name] = info
    ordered = sorted(found.values(), key=lambda info: info.header_offset)
    for info, following in itertools.pairwise(ordered):
        end = info.header_offset + LOCAL_HEADER.size + info.compress_size
        if end > following.header_offset:
            raise UnreadableModel(f"the zip archive is damaged: '{info.filename}' overlaps another")
    return found


def text(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return a member that holds JSON."""
    _check_size(info, limit("TEXT"))
    with archive.open(info) as file:
        data = file.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise _cut_off(info)
    return data


def window(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Window:
    """Show a stored member where it lies; spool a compressed one to a temporary file.

    Either is read once from end to end, so that zipfile compares its checksum.
    """
    _check_size(info, None)
    if info.compress_type == zipfile.ZIP_STORED:
        _copy(archive, info, None)
        found = Window.of(path, _start(path, info), info.file_size)
        return found.must_be(archive.fp) if archive.fp is not None else found
    spool: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the window closes it
    _copy(archive, info, spool)
    return Window(spool, str(path))


def _check_size(info: zipfile.ZipInfo, most: int | None) -> None:
    size, kind = info.file_size, info.compress_type
    if info.flag_bits & 1:
        raise UnreadableModel(f"'{info.filename}' in the archive is encrypted")
    if kind not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # Python bounds no others
        raise UnreadableModel(
            f"'{info.filename}' in the archive is compressed by method {kind}, which is not read"
        )
    if kind == zipfile.ZIP_STORED and info.compress_size != size:
        raise _cut_off(info)
    if most is not None and size > most:
        raise UnreadableModel(
            f"'{info.filename}' in the archive is too large: {size} bytes", hint=told("TEXT")
        )
    if size > SMALL and size > limit("EXPANSION") * info.compress_size:
        raise UnreadableModel(
            f"'{info.filename}' in the archive would expand from {info.compress_size} to {size}"
            " bytes: that is no model",
            hint=told("EXPANSION"),
        )


def _copy(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: IO[bytes] | None) -> None:
    done = 0
    with archive.open(info) as file:
        while block := file.read(BLOCK):
            done += len(block)
            if target:
                target.write(block)
    if done != info.file_size:
        raise _cut_off(info)


def _cut_off(info: zipfile.ZipInfo) -> UnreadableModel:
    return UnreadableModel(
        f"the zip archive is damaged: '{info.filename}' has not the size that it declares"
    )


def _start(path: Path, info: zipfile.ZipInfo) -> int:
    """Return where the data of a stored member begins in the file."""
    with path.open("rb") as file:
        file.seek(info.header_offset)
        _, name, extra = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
    return info.header_offset + LOCAL_HEADER.size + int(name) + int(extra)
