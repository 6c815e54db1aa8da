"""How a Keras variable becomes a PyTorch parameter, as notation that can be read and inverted.

    kernel: h w i o -> o i h w                axes in another order
    query_dense/kernel: d h k -> (h k) d      axes merged
    cell/kernel: i {z r h} -> {r z h} i       an axis of equal parts (gates), parts reordered
    cell/bias[1]                              one row of a variable
    kernel: 1 h w i m -> (i m) 1 h w          axes of length one
    zeros                                     a parameter that no Keras variable fills
    given                                     one whose value stands in the config

The left of the arrow describes the Keras variable, the right the PyTorch parameter.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

CONSTANTS = ("zeros", "ones", "given")
_TOKEN = re.compile(r"[({][^)}]*[)}]|\S+")
_HEAD = re.compile(r"(?P<variable>[\w/]+)(\[(?P<row>\d+)\])?$")


@dataclass(frozen=True)
class Axis:
    """One axis: a product of named axes, or (`parts`) equal parts laid end to end."""

    names: tuple[str, ...]
    parts: bool = False

    @property
    def label(self) -> str:
        return " ".join(sorted(self.names))


def _axes(side: str) -> tuple[Axis, ...]:
    tokens = _TOKEN.findall(side)
    return tuple(Axis(tuple(t.strip("(){}").split()), t.startswith("{")) for t in tokens)


@dataclass(frozen=True)
class Notation:
    """A parsed line of notation. `sizes` gives lengths that the shapes alone do not."""

    text: str
    sizes: dict[str, int] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return self.text

    @property
    def constant(self) -> str | None:
        return self.text if self.text in CONSTANTS else None

    @property
    def variable(self) -> str:
        return self._head["variable"]

    @property
    def row(self) -> int | None:
        return None if self._head["row"] is None else int(self._head["row"])

    @property
    def _head(self) -> re.Match[str]:
        match = _HEAD.match(self.text.partition(":")[0].strip())
        if match is None:
            raise ValueError(f"not a weight notation: {self.text!r}")
        return match

    @property
    def sides(self) -> tuple[tuple[Axis, ...], tuple[Axis, ...]] | None:
        _, colon, arrow = self.text.partition(":")
        if not colon:
            return None
        left, _, right = arrow.partition("->")
        return _axes(left), _axes(right)

    def prefixed(self, prefix: str) -> Notation:
        """Return the same notation of a variable that lies one level deeper."""
        return self if self.constant else Notation(prefix + self.text, self.sizes)

    def lengths(self, shape: Sequence[int], *, keras: bool) -> dict[str, int]:
        """Return the length of every named axis, found from one side's `shape`."""
        assert self.sides is not None
        axes = self.sides[0 if keras else 1]
        if len(axes) != len(shape):
            raise ValueError(f"{len(shape)} axes where {self.text!r} has {len(axes)}")
        found = {"1": 1, **self.sizes}
        for axis, length in zip(axes, shape, strict=True):
            if axis.parts:
                found[axis.label] = length
                continue
            unknown = [n for n in axis.names if n not in found]
            known = math.prod(found[n] for n in axis.names if n in found)
            if len(unknown) > 1 or (known and length % known):
                raise ValueError(f"axis of length {length} does not fit {self.text!r}")
            if unknown:
                found[unknown[0]] = length // known if known else 0
            elif known != length:
                raise ValueError(f"axis of length {length} does not fit {self.text!r}")
        return found

    def keras_shape(self, shape: Sequence[int], rows: int | None = None) -> tuple[int, ...]:
        """Return the shape of the Keras variable that fills a parameter of this `shape`."""
        if self.sides is None:
            inner = tuple(shape)
        else:
            found = self.lengths(shape, keras=False)
            inner = tuple(_length(axis, found) for axis in self.sides[0])
        return inner if self.row is None else (rows or self.row + 1, *inner)

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Return the parameter that `array`, a Keras variable, becomes: a view where possible."""
        if self.row is not None:
            array = array[self.row]
        if self.sides is None:
            return array
        left, right = self.sides
        found = self.lengths(array.shape, keras=True)
        rearranged: np.ndarray = _rearranged(array, left, right, found)
        return rearranged

    def invert(self, array: np.ndarray) -> np.ndarray:
        """Return the Keras variable (its row, where the notation has one) of a parameter."""
        if self.sides is None:
            return array
        left, right = self.sides
        found = self.lengths(array.shape, keras=False)
        rearranged: np.ndarray = _rearranged(array, right, left, found)
        return rearranged


def _length(axis: Axis, found: dict[str, int]) -> int:
    return found[axis.label] if axis.parts else math.prod(found[n] for n in axis.names)


def _rearranged(
    array: Any, before: tuple[Axis, ...], after: tuple[Axis, ...], found: dict[str, int]
) -> Any:
    """Split the axes of `before`, transpose, reorder parts, and merge to `after`."""
    names: list[str] = []
    shape: list[int] = []
    orders: dict[str, tuple[str, ...]] = {}
    for axis in before:
        if axis.parts:
            names += ["#" + axis.label, axis.label]
            shape += [len(axis.names), found[axis.label] // len(axis.names)]
            orders["#" + axis.label] = axis.names
        else:
            kept = [n for n in axis.names if n != "1"]
            names += kept
            shape += [found[n] for n in kept]
    array = array.reshape(shape)
    wanted = [
        name
        for axis in after
        for name in (["#" + axis.label, axis.label] if axis.parts else axis.names)
        if name != "1"
    ]
    for axis in after:
        if axis.parts and orders["#" + axis.label] != axis.names:
            order = [orders["#" + axis.label].index(n) for n in axis.names]
            array = array.take(order, axis=names.index("#" + axis.label))
    array = array.transpose([names.index(n) for n in wanted])
    return array.reshape([_length(axis, found) for axis in after])


def flattened_sides(
    lengths: Sequence[int], layout: Sequence[int]
) -> tuple[str, str, dict[str, int]]:
    """Return the merged axis of features as Keras has it and as PyTorch does, and its lengths.

    The features are those of a tensor of these lengths, behind the batch, flattened in `layout`.
    """
    letters = ["h", "w", "c"] if len(lengths) == 3 else ["d", "h", "w", "c"][-len(lengths) :]
    moved = [letters[axis - 1] for axis in layout[1:]]
    sizes = dict(zip(letters, lengths, strict=True))
    return f"({' '.join(letters)})", f"({' '.join(moved)})", sizes
