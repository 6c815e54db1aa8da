"""What a check found."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from torchtwin.check.alike import scaled_error

Array = np.ndarray | None
TOLERANCE = {"program": 1e-3, "layer": 1e-4}
"""Shares of max(1, the number) by which float32 may differ: training adds up rounding."""


@dataclass(frozen=True)
class Row:
    """One thing that both sides gave: the largest difference, or why there is none to tell.

    `subject` is where it comes from ("fit, line 24"), `what` which part of that ("loss").
    """

    subject: str
    what: str
    error: float
    problem: str = ""

    def ok(self, tolerance: float) -> bool:
        return not self.problem and self.error <= tolerance

    def __str__(self) -> str:
        return f"{self.what} {self.problem or f'{self.error:.1e}'}".strip()


@dataclass(frozen=True)
class Report:
    """The result of `translate --check`. `kind` is "program" or "layer"; `skipped` tells what
    was not compared, and why."""

    kind: str
    judge: str
    rows: tuple[Row, ...]
    conditions: str
    problems: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def tolerance(self) -> float:
        return TOLERANCE[self.kind]

    @property
    def verdict(self) -> str:
        """ "agrees", "differs", or "unchecked" where there was nothing to compare."""
        if self.problems or any(not row.ok(self.tolerance) for row in self.rows):
            return "differs"
        return "agrees" if self.rows else "unchecked"

    @property
    def failed(self) -> list[Row]:
        return [row for row in self.rows if not row.ok(self.tolerance)]

    def __str__(self) -> str:
        worst = max((row.error for row in self.rows if not row.problem), default=math.nan)
        heads = {
            "agrees": f"agrees with {self.judge}: {worst:.1e} at most",
            "differs": f"differs from {self.judge}",
            "unchecked": "nothing was compared",
        }
        lines = [heads[self.verdict]]
        lines += list(self.problems)
        shown = self.failed or self.rows
        for subject in dict.fromkeys(row.subject for row in shown):
            found = " · ".join(str(row) for row in shown if row.subject == subject)
            lines.append(f"{subject}: {found}")
        lines += [f"not compared: {reason}" for reason in self.skipped]
        return "\n".join([*lines, self.conditions])

    def to_dict(self) -> dict[str, Any]:
        rows = [{**asdict(r), "error": r.error if math.isfinite(r.error) else None}
                for r in self.rows]  # fmt: skip
        return {
            "verdict": self.verdict, "kind": self.kind, "judge": self.judge, "rows": rows,
            "problems": list(self.problems), "skipped": list(self.skipped),
            "conditions": self.conditions, "tolerance": self.tolerance,
        }  # fmt: skip


@dataclass
class Comparison:
    """Collects rows: shapes and dtypes are compared before numbers."""

    rows: list[Row] = field(default_factory=list)

    def add(self, subject: str, what: str, got: Array, wanted: Array) -> None:
        self.rows.append(compared(subject, what, got, wanted))


def compared(subject: str, what: str, got: Array, wanted: Array) -> Row:
    """Return the row of two arrays, of which one may be missing."""
    if got is None or wanted is None:
        side = "PyTorch" if got is None else "Keras"
        return Row(subject, what, math.inf, f"{side} does not give it")
    if got.shape != wanted.shape:
        return Row(
            subject, what, math.inf, f"shape {got.shape} in PyTorch, {wanted.shape} in Keras"
        )
    kinds = [array.dtype.kind == "f" for array in (got, wanted)]
    if kinds[0] != kinds[1]:
        return Row(subject, what, math.inf, f"{got.dtype} in PyTorch, {wanted.dtype} in Keras")
    return Row(subject, what, scaled_error(got, wanted))
