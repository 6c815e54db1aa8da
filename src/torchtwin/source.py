"""What a reader returns: one shape for every file format and for live models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Array:
    """One stored tensor, read when it is asked for.

    `dtype` is numpy's name, or "bfloat16", of which `read` returns the bits as uint16. `exact`
    returns the numbers before they were rounded to `dtype`, where they were computed.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray] = field(compare=False, repr=False)
    exact: Callable[[], np.ndarray] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Ordered:
    """Weights as HDF5 models of Keras 1 and 2, and `Layer.weights`, keep them: lists by layer.

    `groups` maps the name of each top-level layer to its arrays: trainable ones first, then the
    others, those of nested layers included. Where the names are `strict`, they are the model's own:
    without them a group belongs to a layer by its place as well.
    """

    groups: Mapping[str, tuple[Array, ...]]
    strict: bool = False


@dataclass(frozen=True)
class Tree:
    """Weights as Keras 3 keeps them: `layers/dense_1/vars/0`, separated by `/`.

    A layer is known by its class and a number, or by its own name where the tree is `named`.
    """

    arrays: Mapping[str, Array]
    named: bool = False

    @staticmethod
    def group(name: str) -> str:
        """Return what the group of a named layer is called: Keras 2 lets a name hold a `/`."""
        return name.replace("/", "\\")


@dataclass(frozen=True)
class Source:
    """A Keras model as plain data.

    `config` is `{"class_name": ..., "config": {...}}` as Keras serialises it; `weights` is None
    for an architecture alone. `compile` is what `Model.compile` was given, as far as the file
    says. `optimizer` holds the optimizer's own variables, in the file's order. `format` is a
    phrase for people, such as "Keras 3 archive".
    """

    config: dict[str, Any]
    version: str
    format: str
    weights: Ordered | Tree | None = None
    compile: dict[str, Any] | None = None
    optimizer: tuple[Array, ...] = ()
    origin: Path | None = None
