"""Puts a folder in the place of another at once: whoever looks sees one of the two, whole."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from pathlib import Path

EXCHANGE = 2
"""RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS."""


def put(new: Path, folder: Path) -> None:
    """Move the folder `new` to `folder`; what was there is in `new` afterwards."""
    try:
        new.rename(folder)  # nothing is there, or an empty folder
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
        if not _exchanged(new, folder):
            _exchanged_in_steps(new, folder)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; tell whether the system can."""
    call, here = ("renameatx_np", -2) if sys.platform == "darwin" else ("renameat2", -100)
    try:
        exchange = getattr(ctypes.CDLL(None, use_errno=True), call)
    except (AttributeError, OSError, TypeError):
        return False
    return bool(exchange(here, os.fsencode(one), here, os.fsencode(other), EXCHANGE) == 0)


def _exchanged_in_steps(new: Path, folder: Path) -> None:
    """Where one step is not to be had there is a moment without the folder, not with a mixture."""
    old = new.with_name(f"{new.name}.old")
    folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    old.rename(new)


def keep(folder: Path, new: Path, own: tuple[str, ...]) -> None:
    """Give `new` what else is in `folder`: links to the same files, which cost no space."""
    for entry in os.scandir(folder):
        if entry.name in own:
            continue
        target = new / entry.name
        if entry.is_dir(follow_symlinks=False):
            shutil.copytree(entry.path, target, symlinks=True, copy_function=_linked)
        else:
            _linked(entry.path, str(target))


def _linked(source: str, target: str, *, follow_symlinks: bool = False) -> str:
    try:
        os.link(source, target, follow_symlinks=follow_symlinks)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=follow_symlinks)
    return target
