"""The vocabularies of lookup layers in a SavedModel: constants that fill a table when it is loaded.

The function that does so is not run. What is bound to it tells which constants they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from torchtwin.readers.bundle.graph_file import contents
from torchtwin.readers.bundle.objects import Objects
from torchtwin.readers.bundle.protobuf import Message, varint

GRAPH_DEF = 2
MOST_TERMS = 2_000_000
NAMES = ("_lookup_layer", "_index_lookup_layer")
"""Where a TextVectorization has the layer that looks up."""


def terms(path: Path, objects: Objects, number: int) -> tuple[list[str], int] | None:
    """Return the terms in the table of a layer, in their order, and the index of the first."""
    inner = next((n for name in NAMES if (n := objects.at(number, name)) is not None), number)
    table = objects.at(inner, "lookup_table")
    filling = objects.at(table, "_initialize") if table is not None else None
    if filling is None:
        return None
    bound = [k for name in objects[filling].functions for k in objects.bound(name)]
    constants = [name for k in bound if (name := objects[k].constant)]
    if len(constants) != 2:
        return None
    found = _constants(path, set(constants))
    keys, values = (found.get(name) for name in constants)
    if keys is None or values is None:
        return None
    texts, places = list(_texts(keys)), list(_numbers(values))
    if not texts or len(texts) != len(places):
        return None
    order = sorted(zip(places, texts, strict=True))
    first = order[0][0]
    if [place for place, _ in order] != list(range(first, first + len(order))):
        return None
    return [text for _, text in order], first


def _constants(path: Path, wanted: set[str]) -> dict[str, Message]:
    """Return the tensors of constants by their names (tensorflow/core/framework/node_def.proto)."""
    graph = contents(path, GRAPH_DEF)
    found: dict[str, Message] = {}
    for node in graph.inner(1) if graph is not None else ():
        name = next((node.text(value) for field, value in node.fields() if field == 1), "")
        if name in wanted:
            for attribute in node.inner(5):
                key = next((attribute.text(v) for f, v in attribute.fields() if f == 1), "")
                if key == "value":
                    found[name] = next(next(attribute.inner(2)).inner(8))
    return found


def _texts(tensor: Message) -> Iterator[str]:
    """Yield the texts of a tensor (tensorflow/core/framework/tensor.proto)."""
    for count, (field, value) in enumerate(tensor.fields()):
        if field == 8 and count < MOST_TERMS:
            yield tensor.text(value)


def _numbers(tensor: Message) -> Iterator[int]:
    """Yield the int64 numbers of a tensor: as they lie in memory, or one by one."""
    for field, value in tensor.fields():
        if field == 4 and not isinstance(value, int):
            yield from memoryview(bytes(value[: len(value) // 8 * 8])).cast("q")
        elif field == 10 and isinstance(value, int):
            yield value
        elif field == 10 and not isinstance(value, int):
            at = 0
            while at < len(value):
                number, at = varint(value, at, tensor.what)
                yield number
