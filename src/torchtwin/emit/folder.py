"""Writes a twin to a folder: beside the target first, then put into its place at once."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from torchtwin.emit import swap
from torchtwin.emit.weights import Progress, write_safetensors
from torchtwin.errors import OutputError

if TYPE_CHECKING:
    from torchtwin.twin import Twin

FILES = ("model.safetensors", "optimizer.safetensors", "model.py", "train.py")
"""What a twin may have."""


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
    target = folder.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear(target)
        prefix = f"{_mark(target)}{os.getpid()}."
        scratch = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        _write(twin, scratch, progress)
        if target.is_dir():
            swap.keep(target, scratch, FILES)
            shutil.copymode(target, scratch)
        else:
            scratch.chmod(0o755)
        swap.put(scratch, target)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _write(twin: Twin, scratch: Path, progress: Progress | None) -> None:
    (scratch / "model.py").write_text(twin.source, encoding="utf-8")
    with (scratch / "model.safetensors").open("wb") as file:
        write_safetensors(file, twin.tensors(), progress)
    if twin.train is not None:
        (scratch / "train.py").write_text(twin.train, encoding="utf-8")
    if twin.optimizer:
        with (scratch / "optimizer.safetensors").open("wb") as file:
            write_safetensors(file, twin.optimizer)


def _mark(target: Path) -> str:
    """Return how the names of folders begin that are written beside `target`."""
    return f".{target.name[:100]}.{platform.node()[:60]}-"


def _clear(target: Path) -> None:
    """Remove what runs of this machine left there that were killed."""
    mark = _mark(target)
    for entry in os.scandir(target.parent):
        number = entry.name.removeprefix(mark).partition(".")[0]
        if entry.name.startswith(mark) and number.isdecimal() and not _runs(int(number)):
            shutil.rmtree(entry.path, ignore_errors=True)


def _runs(process: int) -> bool:
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write the twin: {error.strerror or error}",
        where=str(folder),
        hint="choose another folder with -o",
    )
