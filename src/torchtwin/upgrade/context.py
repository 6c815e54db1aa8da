"""What the upgrade of one model carries along."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torchtwin.errors import UnreadableModel
from torchtwin.limits import limit, told
from torchtwin.source import Array

Conversion = Callable[[Sequence[Array]], Sequence[Array]]


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

    def count(self) -> None:
        """Count a layer."""
        self.layers += 1
        if self.layers > limit("LAYERS"):
            raise UnreadableModel("the model has too many layers", hint=told("LAYERS"))

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
