"""Compares two arrays, and says how they differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TOLERANCE = {"float32": 1e-4, "float64": 1e-9}
"""The largest difference allowed, as a share of max(1, the largest number that Keras gives)."""


@dataclass(frozen=True)
class Gap:
    """The distance between two arrays: a share of the reference's size, or a `problem`."""

    error: float = 0.0
    problem: str = ""

    def within(self, precision: str) -> bool:
        return not self.problem and self.error <= TOLERANCE[precision]

    def __str__(self) -> str:
        return self.problem or f"{self.error:.1e}"


def gap(mine: np.ndarray, reference: np.ndarray) -> Gap:
    """Return how far `mine` is from what Keras gives.

    Shapes must be equal: (8, 1) is not (8, 8), though subtracting them would work.
    """
    if mine.shape != reference.shape:
        return Gap(problem=f"shape {shown(mine.shape)} where Keras has {shown(reference.shape)}")
    if mine.dtype.kind not in "fiub" or reference.dtype.kind not in "fiub":
        return Gap(problem=f"{mine.dtype} and {reference.dtype} are not compared")
    a, b = mine.astype("float64"), reference.astype("float64")
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        count = int((np.isnan(a) & ~np.isnan(b)).sum())
        if count:
            return Gap(problem=f"NaN in {count} of {a.size} places where Keras has numbers")
        return Gap(problem="numbers where Keras has NaN")
    finite = np.isfinite(b)
    if (
        not np.array_equal(a[~finite], b[~finite], equal_nan=True)
        or not np.isfinite(a[finite]).all()
    ):
        return Gap(problem="infinities in other places")
    scale = max(1.0, float(np.abs(b[finite]).max(initial=0.0)))
    return Gap(float(np.abs(a[finite] - b[finite]).max(initial=0.0)) / scale)


def shown(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def worst(gaps: list[Gap]) -> Gap:
    """Return the largest of some gaps; a problem is larger than any number."""
    return max(gaps, key=lambda g: (bool(g.problem), g.error), default=Gap())


def relative(mine: float, wanted: float, least: float = 1e-300) -> float:
    """Return how far a number is from another, as a share of that or of `least`."""
    if mine == wanted or (np.isnan(mine) and np.isnan(wanted)):
        return 0.0
    return abs(mine - wanted) / max(abs(wanted), least)


def scaled(mine: np.ndarray, wanted: np.ndarray, least: float) -> Gap:
    """Return the distance as a share of the largest number, of `least` at least."""
    if mine.shape != wanted.shape:
        return gap(mine, wanted)
    scale = max(float(np.abs(wanted).max(initial=0.0)), least)
    apart = float(np.abs(mine - wanted).max(initial=0.0))
    return Gap(apart / scale if scale else apart)
