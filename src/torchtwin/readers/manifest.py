"""The weights manifest of TensorFlow.js: what lies where in the shards, and how it is quantised."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchtwin.errors import UnreadableModel
from torchtwin.readers.inside import inside
from torchtwin.readers.window import Window
from torchtwin.source import Array

if TYPE_CHECKING:
    import numpy as np

WIDTHS = {"float32": 4, "int32": 4, "bool": 1, "uint8": 1, "uint16": 2, "float16": 2}
QUANTISED = ("uint8", "uint16", "float16")
MOST_AXES = 32
COPY = "copy all shards beside it"


@dataclass(frozen=True)
class Shards:
    """The files of one group, as one run of bytes. A file is open while it is read."""

    paths: tuple[Path, ...]
    sizes: tuple[int, ...]

    @property
    def size(self) -> int:
        return sum(self.sizes)

    def fill(self, array: np.ndarray, offset: int) -> None:
        """Read into `array` from `offset` on, over the borders of files."""
        target = array.reshape(-1).view("u1")
        done, start = 0, 0
        for path, size in zip(self.paths, self.sizes, strict=True):
            at = offset + done - start
            count = min(size - at, len(target) - done)
            if count > 0:
                Window.of(path, 0, size).fill(target[done : done + count], at)
                done += count
            start += size


def arrays(model: Path, manifest: Any) -> tuple[Array, ...] | None:
    """Return the weights in their order, or None where there are none to be had."""
    if manifest is None:
        return None
    if not isinstance(manifest, list) or not all(isinstance(group, Mapping) for group in manifest):
        raise UnreadableModel("its weightsManifest is not a list of groups")
    groups = [(group.get("paths"), group.get("weights")) for group in manifest]
    if not all(isinstance(part, list) for group in groups for part in group):
        raise UnreadableModel("a group of its weightsManifest has no lists of paths and weights")
    entries = [[_entry(weight) for weight in weights] for _, weights in groups]
    names: set[str] = set()
    for entry in itertools.chain(*entries):
        if entry.name in names:
            raise UnreadableModel(f"its weightsManifest has a duplicate weight: '{entry.name}'")
        names.add(entry.name)
    pairs = zip(groups, entries, strict=True)
    return tuple(array for (paths, _), own in pairs for array in _group(model, paths, own))


def _group(model: Path, paths: Sequence[Any], entries: Sequence[Entry]) -> Iterator[Array]:
    """Yield the weights of one group, which fill its shards."""
    shards = _shards(model, paths)
    ends = list(itertools.accumulate(entry.size for entry in entries))
    total = ends[-1] if ends else 0
    if total != shards.size:
        raise UnreadableModel(
            f"its shards have {shards.size} bytes, and the weights that are declared need {total}",
            where=", ".join(path.name for path in shards.paths[:3]),
            hint="download or save it again",
        )
    for entry, end in zip(entries, ends, strict=True):
        yield entry.array(shards, end - entry.size)


def _shards(model: Path, paths: Sequence[Any]) -> Shards:
    """Return the files, which lie in the folder of the model: nothing else is opened."""
    found: dict[Path, int] = {}
    for given in paths:
        if not isinstance(given, str):
            raise UnreadableModel("a path in its weightsManifest is not a text")
        parts = [part for part in given.split("/") if part != "."]
        if not parts or any(_leaves(part) for part in parts):
            raise UnreadableModel(
                f"a path in its weightsManifest leaves the folder of the model: '{given}'",
                hint="put the shards beside it, and their names in the manifest",
            )
        path = model.absolute().parent.joinpath(*parts)
        if not path.is_file():
            raise UnreadableModel(f"the shard '{given}' is missing", hint=COPY)
        if path in found:
            raise UnreadableModel(f"a shard is listed twice, a duplicate: '{given}'")
        found[path] = inside(path, model).stat().st_size
    return Shards(tuple(found), tuple(found.values()))


def _leaves(part: str) -> bool:
    """Tell whether a part of a path may lead elsewhere, on any system."""
    return part in ("", "..") or bool(re.search(r"[\\:\x00-\x1f]", part))


@dataclass(frozen=True)
class Entry:
    """One weight. `scale` and `least` undo an affine quantisation to `stored`."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    stored: str
    scale: float = 1.0
    least: float = 0.0

    @property
    def size(self) -> int:
        return math.prod(self.shape) * WIDTHS[self.stored]

    def array(self, shards: Shards, offset: int) -> Array:
        """Describe the weight; nothing of its data is read yet."""

        def read() -> np.ndarray:
            import numpy as np

            data = np.empty(self.shape, np.dtype(self.stored).newbyteorder("<"))
            try:
                shards.fill(data, offset)
            except OSError as error:
                raise UnreadableModel(str(error), where=self.name) from None
            return self.restored(data)

        return Array(self.name, self.shape, self.dtype, read)

    def restored(self, data: np.ndarray) -> np.ndarray:
        """Return the values that a quantisation stands for, rounded once as JavaScript does."""
        import numpy as np

        if self.stored in (self.dtype, "float16"):
            return data.astype(self.dtype, copy=False)
        values = data * self.scale + self.least
        return (values if self.dtype == "float32" else np.floor(values + 0.5)).astype(self.dtype)


def _entry(weight: Any) -> Entry:
    if not isinstance(weight, Mapping) or not isinstance(weight.get("name"), str):
        raise UnreadableModel("a weight in its weightsManifest has no name")
    name, shape, dtype = weight["name"], weight.get("shape"), weight.get("dtype")
    if not isinstance(shape, list) or len(shape) > MOST_AXES or not all(map(_is_size, shape)):
        raise UnreadableModel(f"the weight '{name}' has no shape: {shape}")
    if dtype not in WIDTHS:
        raise UnreadableModel(f"the weight '{name}' has a dtype that is not read: {dtype}")
    given = weight.get("quantization")
    if not given:
        return Entry(name, tuple(shape), dtype, dtype)
    if not isinstance(given, Mapping) or given.get("dtype") not in QUANTISED:
        raise UnreadableModel(f"the quantization of '{name}' is of a kind that is not known")
    if given["dtype"] == "float16":
        return Entry(name, tuple(shape), dtype, "float16")
    numbers: list[Any] = [given.get("scale"), given.get("min")]
    if not all(map(_is_number, numbers)):
        raise UnreadableModel(f"the quantization of '{name}' has no scale and min: {numbers}")
    scale, least = map(float, numbers)
    return Entry(name, tuple(shape), dtype, given["dtype"], scale, least)


def _is_size(size: Any) -> bool:
    return isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 1 << 48


def _is_number(value: Any) -> bool:
    """Tell whether a number is one that float32 holds."""
    return isinstance(value, int | float) and abs(value) < 3e38
