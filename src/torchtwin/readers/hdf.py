"""HDF5 through pyfive: groups, attributes and lazily read arrays.

pyfive parses the tables; the data itself is read here, because that is faster and because sizes
can then be checked before memory is asked for. Links and external storage are not followed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from torchtwin.errors import TorchTwinError, UnreadableModel
from torchtwin.limits import limit, told
from torchtwin.readers.chunks import read_chunks
from torchtwin.readers.window import Window
from torchtwin.source import Array

if TYPE_CHECKING:
    import numpy as np
    from pyfive import Dataset, Group

SIGNATURE = b"\x89HDF\r\n\x1a\n"
END_OF_FILE = {0: 40, 1: 44, 2: 28, 3: 28}
"""Where the superblock says how long the file is, by its version."""

DEEPEST = 64
COMPACT, CONTIGUOUS, CHUNKED = 0, 1, 2
KINDS = "biufc"
"""numpy's letters for bool, int, unsigned, float and complex."""


def opened(window: Window) -> Group:
    """Return the root group of the HDF5 file in `window`."""
    from torchtwin.readers.guarded import GuardedFile

    head = window.read(64)
    window.seek(0)
    if len(head) < 16:
        raise UnreadableModel("the HDF5 file is truncated: it has no header")
    at = END_OF_FILE.get(head[8]) if head.startswith(SIGNATURE) else None
    if at and int.from_bytes(head[at : at + 8], "little") > window.size:
        raise UnreadableModel("the HDF5 file is truncated: it should be longer")
    return GuardedFile(window)


def member(group: Group, path: str) -> Any:
    """Return the group or dataset at `path`, or None. Soft links are refused."""
    import pyfive

    for part in path.split("/"):
        if not isinstance(group, pyfive.Group):
            return None
        wanted = f"{group.name.rstrip('/')}/{part}"
        if part in ("", ".", ".."):
            raise UnreadableModel(f"the HDF5 file names a layer or weight '{path}': no such path")
        place = group._links.get(part)
        if isinstance(place, str):
            raise UnreadableModel(f"'{wanted}' in the HDF5 file is a link, which is not followed")
        if place is not None and group.file._get_dataobjects(place).is_external:
            raise UnreadableModel(f"'{wanted}' is in external storage, which is not opened")
        try:
            group = group.get_lazy_view(part)
        except KeyError:
            return None
        except AssertionError:  # pyfive's way to say that it does not know a structure
            raise UnreadableModel(
                f"'{wanted}' in the HDF5 file is of a kind that Keras does not write, such as an"
                " external link or a virtual dataset"
            ) from None
        except NotImplementedError as error:
            raise UnreadableModel(
                f"'{wanted}' in the HDF5 file has a dtype that is not read: {error}"
            ) from None
        except TypeError:  # len(None), of the shape
            raise UnreadableModel(
                f"'{wanted}' in the HDF5 file is empty: it has no shape"
            ) from None
        if not isinstance(group, pyfive.Group) and not hasattr(group, "shape"):
            raise UnreadableModel(f"'{wanted}' in the HDF5 file is neither a group nor a dataset")
        if getattr(group, "name", wanted) != wanted:
            raise UnreadableModel(f"'{wanted}' in the HDF5 file is a link, which is not followed")
    return group


def is_group(item: Any) -> bool:
    import pyfive

    return isinstance(item, pyfive.Group)


def walk(group: Group, window: Window) -> Iterator[tuple[str, Array]]:
    """Yield every array below `group` with its path, separated by `/` or by a `\\` of Windows."""
    pending: list[tuple[str, Any, int]] = [("", group, 0)]
    seen = 0
    while pending:
        path, item, depth = pending.pop()
        seen += 1
        if seen > limit("OBJECTS"):
            raise UnreadableModel("its HDF5 file has too many groups", hint=told("OBJECTS"))
        if depth > DEEPEST:
            raise UnreadableModel(f"its HDF5 groups are nested deeper than {DEEPEST}, or in a loop")
        if is_group(item):
            if path.split("/")[-2:-1] == ["vars"]:
                raise UnreadableModel(f"'{path}' in its weights is a group, not a dataset")
            inner = [(f"{path}/{k}" if path else k, member(item, k), depth + 1) for k in item]
            pending += reversed(inner)
        elif hasattr(item, "shape"):
            yield path, array(item, path, window)


def array(dataset: Dataset, name: str, window: Window) -> Array:
    """Describe a dataset; nothing of its data is read yet."""
    shape = tuple(int(n) for n in dataset.shape or ())
    stored, dtype = dataset.dtype, numpy_name(dataset)

    def read() -> np.ndarray:
        try:
            return _read(dataset, shape, stored, dtype, window)
        except TorchTwinError as error:
            raise UnreadableModel(error.problem, where=name) from None
        except Exception as error:
            raise UnreadableModel(f"its data cannot be read: {error}", where=name) from None

    return Array(name, shape, dtype, read)


def numpy_name(dataset: Dataset) -> str:
    """Return numpy's name of the values' type, or "bfloat16"; other types keep their letters."""
    dtype = dataset.dtype
    mark = dataset.attrs.get("dtype")
    if mark is not None and as_text(mark, "dtype") == "bfloat16" and dtype.itemsize == 2:
        return "bfloat16"
    enum = (dtype.metadata or {}).get("enum")
    if enum and dtype.itemsize == 1 and next(iter(enum)).startswith("FALSE"):
        return "bool"
    return str(dtype.newbyteorder("=").name if dtype.kind in KINDS else dtype.str)


def _read(
    dataset: Dataset, shape: tuple[int, ...], stored: np.dtype, dtype: str, window: Window
) -> np.ndarray:
    import numpy as np

    layout, size = dataset.id.layout_class, math.prod(shape) * stored.itemsize
    if stored.kind not in KINDS and dtype != "bfloat16":
        raise UnreadableModel(f"it holds values of the type {dtype}, not numbers")
    if not size:
        data = np.empty(shape, stored)
    elif layout == CONTIGUOUS:
        offset = dataset.id.data_offset
        if offset >= window.size or offset + size > window.size:
            raise UnreadableModel("the file holds no data for it: it is truncated")
        data = np.empty(shape, stored)
        window.fill(data, offset)
    elif layout == CHUNKED:
        data = read_chunks(dataset, shape, stored, window)
    elif layout == COMPACT:
        data = np.array(dataset[()], stored).reshape(shape)
    else:
        raise UnreadableModel("it is stored in a way that Keras does not use (virtual)")
    if dtype == "bfloat16":
        return data.view(np.uint16)
    return data.astype(dtype, copy=False)


def as_text(value: Any, name: str = "") -> str:
    """Return an attribute as str: writers stored bytes, str, and numpy's kinds of both."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UnreadableModel(f"the HDF5 attribute {name} is not UTF-8: {error}") from None
    if isinstance(value, str):
        return value
    kind = type(value).__name__
    raise UnreadableModel(f"the HDF5 attribute {name} holds a {kind} instead of text")


def text(group: Group, name: str) -> str | None:
    """Return the text attribute `name`, joined when it was split, or None."""
    if name in group.attrs:
        return as_text(group.attrs[name], name)
    parts = _split(group, name)
    return "".join(as_text(part, name) for part in _bounded(parts, name)) if parts else None


def texts(group: Group, name: str) -> list[str] | None:
    """Return the attribute `name`, a list of texts, joined when it was split, or None."""
    parts = [group.attrs[name]] if name in group.attrs else _split(group, name)
    if not parts:
        return None
    items = [item for part in parts for item in _items(part)]
    return [as_text(item, name) for item in _bounded(items, name)]


def _bounded(items: list[Any], name: str) -> list[Any]:
    """Refuse texts that are long together: many may be the same bytes of the file."""
    if sum(len(item) for item in items if hasattr(item, "__len__")) > limit("TEXT"):
        raise UnreadableModel(f"the HDF5 attribute {name} is too large", hint=told("TEXT"))
    return items


def _items(part: Any) -> Sequence[Any]:
    listed = part.tolist() if hasattr(part, "tolist") else part
    return listed if isinstance(listed, list) else [listed]


def _split(group: Group, name: str) -> list[Any]:
    """Return `name0`, `name1`, …: HDF5 limits an attribute to 64 kB."""
    pattern = re.compile(rf"{re.escape(name)}(\d{{1,6}})")
    found = {int(m[1]): group.attrs[key] for key in group.attrs if (m := pattern.fullmatch(key))}
    if sorted(found) != list(range(len(found))):
        raise UnreadableModel(f"the HDF5 attribute {name} is in parts, of which some are missing")
    return [found[k] for k in sorted(found)]
