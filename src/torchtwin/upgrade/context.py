"""What the upgrade of one model carries along."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torchtwin.errors import UnreadableModel
from torchtwin.limits import limit, told
from torchtwin.source import Array, Ordered, Tree

Conversion = Callable[[Sequence[Array]], Sequence[Array]]


ELSEWHERE = ("layers", "cells", "vocabulary", "idf_weights")
"""Lists that are not written into the program as they are."""

WEIGHTED = re.compile("Dense$|Embedding$|Conv[123L]|Separable|Depthwise|LSTM|GRU|SimpleRNN")
"""Layers that are never without weights."""

RECURRENT, FEW, FEWER = 20, 300, 4
"""What a recurrent layer counts for; how many layers are looked at whatever the file holds, and how
many may share an array: Keras keeps what models share once."""


def _numbers(value: Any) -> int:
    if isinstance(value, list):
        return sum(map(_numbers, value))
    return int(isinstance(value, int | float))


@dataclass
class Context:
    """The writer's version and backend, where we are, and what the weights still need.

    `conversions` lists, for a top-level layer, the names of layers within it whose arrays are
    in an old layout, with the function that brings them to today's. `custom` tells whether the
    model's author gave the source of a class.
    """

    version: str
    backend: str = ""
    path: list[str] = field(default_factory=list)
    conversions: dict[str, list[tuple[str, Conversion]]] = field(default_factory=dict)
    custom: Callable[[str], bool] = lambda _: False
    layers: int = 0
    numbers: int = 0
    weighted: int = 0

    def count(self, class_name: str) -> None:
        """Count a layer: a recurrent one for many, as each takes as long to look through."""
        self.layers += RECURRENT if class_name.startswith(("LSTM", "GRU", "SimpleRNN")) else 1
        self.weighted += bool(WEIGHTED.match(class_name))
        if self.layers > limit("LAYERS"):
            raise UnreadableModel("the model has too many layers", hint=told("LAYERS"))

    def check_weights(self, weights: Tree | Ordered | None) -> None:
        """Refuse weights that are far too few, before each layer is looked at."""
        if weights is None or self.weighted <= FEW:
            return
        groups = [weights.arrays] if isinstance(weights, Tree) else weights.groups.values()
        held = sum(map(len, groups))
        if held * FEWER < self.weighted:
            raise UnreadableModel(
                f"the weights do not fit the model: {self.weighted} of its layers have weights, and"
                f" there are {held} arrays: many are missing"
            )

    def count_numbers(self, config: Mapping[str, Any]) -> None:
        """Count the numbers of a layer's arguments: they are written into the program."""
        listed = [v for k, v in config.items() if isinstance(v, list) and k not in ELSEWHERE]
        self.numbers += sum(map(_numbers, listed))
        if self.numbers > limit("NUMBERS"):
            raise UnreadableModel(
                "the arguments of its layers hold too many numbers, which are data",
                where=self.where,
                hint=told("NUMBERS"),
            )

    @property
    def major(self) -> int:
        """Return 1, 2 or 3."""
        found = re.match(r"\d+", self.version)
        return min(max(int(found[0]), 1), 3) if found else 2

    def is_custom(self, entry: Mapping[str, Any]) -> bool:
        """Tell whether the source that came with the model defines an entry's class."""
        return entry.get("module") is None and self.custom(str(entry["class_name"]))

    @property
    def where(self) -> str:
        return "/".join(self.path)

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Go into a layer. An error leaves the path as it is: it says where."""
        self.path.append(name)
        yield
        self.path.pop()

    def convert(self, name: str, conversion: Conversion) -> None:
        """Note that the arrays of the layer that we are in are in an old layout."""
        top = self.path[0] if self.path else name
        self.conversions.setdefault(top, []).append((name, conversion))
