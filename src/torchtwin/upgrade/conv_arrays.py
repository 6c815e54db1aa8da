"""Convolution kernels in the layouts of Keras 1 and of Theano."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torchtwin.source import Array
from torchtwin.upgrade.context import Context, Conversion
from torchtwin.upgrade.lazy import flipped, permuted, reshaped

CONVOLUTIONS = frozenset({"Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTM2D"})


def conversion(cls: str, config: Mapping[str, Any], context: Context) -> Conversion | None:
    """Return what brings a convolution's arrays to today's layout, or None if nothing is old.

    Theano convolves where others correlate: its kernels run backwards.
    """
    old, mirrored = context.major == 1, context.backend == "theano"
    if cls not in CONVOLUTIONS or not (old or mirrored):
        return None
    kernels = 2 if cls == "ConvLSTM2D" else 1

    def convert(arrays: Sequence[Array]) -> Sequence[Array]:
        result = list(arrays)
        for k, kernel in enumerate(result[:kernels]):
            new = _from_keras1(kernel, cls, config) if old else kernel
            result[k] = flipped(new, tuple(range(len(new.shape) - 2))) if mirrored else new
        return result

    return convert


def _from_keras1(kernel: Array, cls: str, config: Mapping[str, Any]) -> Array:
    """Bring a kernel to (axes..., in, out), or (axes..., out, in) of transposed ones."""
    rank, first = len(kernel.shape), config.get("data_format") == "channels_first"
    if cls == "Conv1D":
        return _from_keras1_1d(kernel, config) if rank == 4 else kernel
    if cls == "Conv2DTranspose":
        return permuted(kernel, (2, 3, 0, 1) if first else (0, 1, 3, 2))
    return permuted(kernel, (*range(2, rank), 1, 0)) if first else kernel


def _from_keras1_1d(kernel: Array, config: Mapping[str, Any]) -> Array:
    """Drop the axis of length 1: (length, 1, in, out), before 1.2 (out, in, length, 1)."""
    expected = (config["kernel_size"][0], 1)
    if kernel.shape[:2] != expected or kernel.shape[3] != config["filters"]:
        kernel = permuted(kernel, (2, 3, 1, 0))
    return reshaped(kernel, (kernel.shape[0], *kernel.shape[2:]))
