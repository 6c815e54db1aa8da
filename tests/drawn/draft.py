"""A Keras program that is written line by line, each line run as it is added."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from typing import Any
from unittest.mock import patch

import keras
import numpy as np
from keras.src.backend.common.variables import Variable

LARGEST = 4000
"""Numbers in a tensor of one example: a draw must be quick."""

Draw = Callable[..., Any]


@dataclass(frozen=True)
class Made:
    """A tensor of the program: the text that names it, and what Keras says of it."""

    text: str
    tensor: Any

    @property
    def shape(self) -> tuple[int | None, ...]:
        return tuple(self.tensor.shape)

    @property
    def dtype(self) -> str:
        return str(self.tensor.dtype)


@dataclass
class Draft:
    """The lines so far, what they define, and the tensors that further lines can use.

    `given` tells for each input what it is fed: "normal", "masked" or "int:N", and its shape.
    """

    lines: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    tensors: list[Made] = field(default_factory=list)
    given: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.names |= {"keras": keras, "kl": keras.layers, "ops": keras.ops}

    def __repr__(self) -> str:
        return "\n".join(["", *self.lines, f"# given {self.given}"])

    def fresh(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def add(self, line: str) -> bool:
        """Run a line and keep it; without effect where Keras refuses it."""
        try:
            with unfilled():
                exec(line, self.names)
        except Exception:
            return False
        self.lines.append(line)
        return True

    def tensor(self, text: str) -> bool:
        """Add an expression whose values are tensors, unless they are too large."""
        name, before = self.fresh("x"), len(self.lines)
        if not self.add(f"{name} = {text}"):
            return False
        result = self.names[name]
        several = isinstance(result, list | tuple)
        found = [(f"{name}[{k}]", x) for k, x in enumerate(result)] if several else [(name, result)]
        made = [Made(n, x) for n, x in found if isinstance(x, keras.KerasTensor)]
        if len(made) < len(found) or any(_size(m.shape) > LARGEST for m in made):
            del self.lines[before:]
            return False
        self.tensors += made
        return bool(made)

    def layer(self, text: str, arguments: str) -> bool:
        """Add a layer and a call of it."""
        name = self.fresh("l")
        before = len(self.lines)
        if not self.add(f"{name} = {text}"):
            return False
        if not self.tensor(f"{name}({arguments})"):
            del self.lines[before:]
            return False
        self.layers.append(name)
        return True

    def input(self, kind: str, shape: tuple[int, ...], *, free: bool, batch: bool = False) -> None:
        """Add an input; `free` leaves the lengths between the batch and the last axis open."""
        known = (*[None] * (len(shape) - 2), shape[-1]) if free and len(shape) > 2 else shape[1:]
        where = f"batch_shape={(shape[0], *known)}" if batch else f"{known}"
        dtype = ", dtype='int32'" if kind.startswith("int") else ""
        name = self.fresh("i")
        assert self.add(f"{name} = keras.Input({where}{dtype})")
        self.tensors.append(Made(name, self.names[name]))
        self.given.append((kind, shape))

    def unused(self) -> list[Made]:
        """Return the tensors that no line uses, or the last one."""
        words = re.findall(r"\w+", "\n".join(self.lines))
        found = [m for m in self.tensors if words.count(m.text.partition("[")[0]) < 2]
        return found or self.tensors[-1:]

    def model(self, outputs: list[str]) -> bool:
        inputs = ", ".join(t.text for t in self.tensors[: len(self.given)])
        return self.add(f"model = keras.Model([{inputs}], [{', '.join(outputs)}])")


@contextmanager
def unfilled() -> Iterator[None]:
    """Leave weights at zero while layers are built: JAX would compile a random generator for
    every shape, and what a weight holds is drawn later."""
    initialize = Variable._initialize_with_initializer

    def zeros(self: Any, initializer: Any) -> None:
        if isinstance(initializer, keras.Initializer) and "float" in self._dtype:
            self._initialize(self._convert_to_tensor(np.zeros(self._shape, self._dtype)))
        else:
            initialize(self, initializer)

    with patch.object(Variable, "_initialize_with_initializer", zeros):
        yield


def _size(shape: tuple[int | None, ...]) -> int:
    return prod(n or 6 for n in shape)
