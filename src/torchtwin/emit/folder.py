"""Writes a twin to a folder: beside the target first, then moved into place."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from torchtwin.emit.weights import Progress, write_safetensors
from torchtwin.errors import OutputError

if TYPE_CHECKING:
    from torchtwin.twin import Twin

FILES = ("model.safetensors", "optimizer.safetensors", "model.py", "train.py")
"""What a twin may have, in the order in which they are put into place."""


def refuse_existing(folder: Path) -> None:
    """Raise OutputError when the folder holds a twin."""
    if any((folder / name).exists() for name in FILES):
        raise OutputError(
            "there is a twin already",
            where=str(folder),
            hint="--force to replace it, or another folder with -o",
        )


def write_folder(
    twin: Twin, folder: Path, *, force: bool, progress: Progress | None = None
) -> Path:
    """Write the files of `twin` so that an interruption leaves the older ones whole."""
    if not force:
        refuse_existing(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        (scratch / "model.py").write_text(twin.source, encoding="utf-8")
        with (scratch / "model.safetensors").open("wb") as file:
            write_safetensors(file, twin.tensors(), progress)
        if twin.train is not None:
            (scratch / "train.py").write_text(twin.train, encoding="utf-8")
        if twin.optimizer:
            with (scratch / "optimizer.safetensors").open("wb") as file:
                write_safetensors(file, twin.optimizer)
        _move(scratch, folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _move(scratch: Path, folder: Path) -> None:
    scratch.chmod(0o755)
    if not folder.exists():
        scratch.rename(folder)
        return
    for name in FILES:
        if (scratch / name).exists():
            os.replace(scratch / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)  # of an older twin that had it


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write the twin: {error.strerror or error}",
        where=str(folder),
        hint="choose another folder with -o",
    )
