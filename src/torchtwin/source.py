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

    `dtype` is numpy's name, or "bfloat16", of which `read` returns the bits as uint16.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Ordered:
    """Weights as HDF5 models of Keras 1 and 2, and `Layer.weights`, keep them: lists by layer.

    `groups` maps the name of each top-level layer to its arrays: trainable ones first, then the
    others, those of nested layers included.
    """

    groups: Mapping[str, tuple[Array, ...]]


@dataclass(frozen=True)
class Tree:
    """Weights as Keras 3 keeps them: `layers/dense_1/vars/0`, separated by `/`."""

    arrays: Mapping[str, Array]


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
