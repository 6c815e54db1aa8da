"""What outputs are weighted with in the sum whose gradients are compared."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def weighting(name: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(crc32(name.encode()) + 1).standard_normal(shape)
