"""Values of a program that is followed without being run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


class Unknown:
    """A value of which nothing is known."""


UNKNOWN = Unknown()


@dataclass(eq=False)
class Leaf:
    """A layer whose weights stay together."""

    name: str


@dataclass(eq=False)
class Made:
    """An object of a class that desugaring made; `whole` if it is a model, applied as one layer."""

    name: str
    whole: bool
    attributes: dict[str, Any] = field(default_factory=dict)
    apart: bool = False  # for now not as one layer: the model that is followed has its tensors

    @property
    def one(self) -> bool:
        """Whether it is applied as one layer."""
        return self.whole and not self.apart

    def attributes_only(self) -> Made:
        """Return the same, not as one layer but as those that it has."""
        return Made(self.name, False, self.attributes)


@dataclass(eq=False)
class Node:
    """One application of a layer or an operation."""

    operation: object
    inputs: list[Tensor]


@dataclass(eq=False)
class Tensor:
    """A symbolic tensor, or several that come together; None made the inputs."""

    node: Node | None = None
    parts: dict[Any, Tensor] = field(default_factory=dict)

    def part(self, key: Any) -> Tensor:
        """Return one of several tensors: an input of its own, or from the same node."""
        if self.node is not None:
            return self
        return self.parts.setdefault(repr(key), Tensor())


def tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors of a structure in Keras's order: dicts by their sorted keys."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from tensors(each)
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            yield from tensors(value[key])


def layers(value: Any, path: str = "") -> Iterator[tuple[str, Leaf | Made]]:
    """Yield the layers below a value with the path to each, as PyTorch registers them."""
    if isinstance(value, Leaf) or (isinstance(value, Made) and value.one and path):
        yield path, value
    elif isinstance(value, Made):
        for name, each in value.attributes.items():
            yield from layers(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from layers(each, f"{path}.{index}")
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from layers(each, f"{path}.{key}")
