"""Files beside a model: they lie in its folder, and no link leads out of it."""

from __future__ import annotations

from pathlib import Path

from torchtwin.errors import UnreadableModel


def inside(path: Path, model: Path) -> Path:
    """Return `path` when it lies in the folder of `model`, a file or that folder.

    A model may be a link itself, as in the cache of a hub: then what its neighbours are links to
    lies beside what it is a link to.
    """
    folder = model if model.is_dir() else model.parent
    target = path.resolve()
    homes = [folder.resolve()] + [model.resolve().parent] * model.is_symlink()
    if not any(target.is_relative_to(home) for home in homes):
        raise UnreadableModel(
            f"'{path.name}' is a link out of the folder of the model, which is not followed",
            hint="copy the file itself beside the model",
        )
    return path
