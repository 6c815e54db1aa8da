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
    fixed = _is_fixed(target)
    if fixed and any((target / name).exists() for name in FILES):
        raise OutputError(
            "the current folder and a mount point cannot be exchanged for a newer one",
            where=str(folder),
            hint="remove the twin in it, or give a folder in it: -o twin",
        )
    try:
        home = target if fixed else target.parent
        home.mkdir(parents=True, exist_ok=True)
        _clear(home, target)
        prefix = f"{_mark(target)}{os.getpid()}."
        scratch = Path(tempfile.mkdtemp(prefix=prefix, dir=home))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        _write(twin, scratch, progress)
        if fixed:
            _moved(scratch, target)
        else:
            _exchanged(scratch, target)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _is_fixed(target: Path) -> bool:
    """Tell whether the folder must stay the one that it is: someone is in it, or it is mounted."""
    try:
        return Path.cwd().is_relative_to(target) or target.is_mount()
    except OSError:  # the current folder was removed
        return False


def _exchanged(scratch: Path, target: Path) -> None:
    if target.is_dir():
        swap.keep(target, scratch, FILES)
        shutil.copymode(target, scratch)
    else:
        scratch.chmod(0o755)
    swap.put(scratch, target)


def _moved(scratch: Path, target: Path) -> None:
    """Move the files one by one, model.py at the end: without it there is no twin."""
    moved = []
    try:
        for path in sorted(scratch.iterdir(), key=lambda p: p.name == "model.py"):
            moved.append(path.rename(target / path.name))
    except BaseException:
        for path in moved:
            path.unlink(missing_ok=True)
        raise


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


def _clear(home: Path, target: Path) -> None:
    """Remove what runs of this machine left there that were killed."""
    mark = _mark(target)
    for entry in os.scandir(home):
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
