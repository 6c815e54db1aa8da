"""Arrays made of other arrays, read only when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from torchtwin.source import Array

if TYPE_CHECKING:
    import numpy as np


def changed(
    array: Array, shape: tuple[int, ...], change: Callable[[np.ndarray], np.ndarray]
) -> Array:
    """Return `array` behind `change`, which gives it this shape."""
    return Array(array.name, shape, array.dtype, lambda: change(array.read()))


def permuted(array: Array, axes: tuple[int, ...]) -> Array:
    shape = tuple(array.shape[axis] for axis in axes)
    return changed(array, shape, lambda value: value.transpose(axes))


def reshaped(array: Array, shape: tuple[int, ...]) -> Array:
    return changed(array, shape, lambda value: value.reshape(shape))


def flipped(array: Array, axes: tuple[int, ...]) -> Array:
    def flip(value: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.flip(value, axes)

    return changed(array, array.shape, flip)


def joined(name: str, parts: Sequence[Array], axis: int = -1) -> Array:
    """Return arrays side by side along an axis."""
    first = parts[0]

    def read() -> np.ndarray:
        import numpy as np

        return np.concatenate([part.read() for part in parts], axis=axis)

    shape = list(first.shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    return Array(name, tuple(shape), first.dtype, read)
