"""Brings weights of old layouts to today's, lazily: nothing is read before it is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from torchtwin.errors import UnreadableModel
from torchtwin.source import Array, Ordered, Tree
from torchtwin.upgrade.context import Context, Conversion
from torchtwin.upgrade.rnn_arrays import joined_gates


def converted(weights: Ordered | Tree | None, context: Context) -> Ordered | Tree | None:
    """Return the weights with the old layouts undone that names, shapes or `context` show."""
    if not isinstance(weights, Ordered):
        return weights
    groups = {name: joined_gates(arrays) for name, arrays in weights.groups.items()}
    for top, wanted in context.conversions.items():
        if top not in groups:
            raise UnreadableModel(
                f"the weights of '{top}' are in an old layout, and the file has none by that name",
                hint="give the weights file that was saved with this architecture",
            )
        for name, conversion in wanted:
            groups[top] = _applied(groups[top], name, name == top, conversion)
    return dataclasses.replace(weights, groups=groups)


def _applied(
    arrays: Sequence[Array], name: str, whole: bool, conversion: Conversion
) -> tuple[Array, ...]:
    """Convert the arrays of one layer within a group."""
    mine = list(arrays) if whole else [a for a in arrays if _belongs(a, name)]
    if not mine and len(arrays) <= 2:  # a wrapper around one layer, named for the wrapper
        mine = list(arrays)
    if not mine:
        if not arrays:
            return ()
        raise UnreadableModel(f"the arrays of '{name}' cannot be told from others by their names")
    new = dict(zip(map(id, mine), conversion(mine), strict=True))
    return tuple(new.get(id(a), a) for a in arrays)


def _belongs(array: Array, name: str) -> bool:
    """Tell whether an array is named for a layer: "conv_1/kernel:0", or "conv_1_W" of Keras 1."""
    return any(part == name or part.startswith(f"{name}_") for part in array.name.split("/"))
