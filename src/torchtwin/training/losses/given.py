"""What a loss's rule is given, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Field
from torchtwin.training.pieces import OUTPUT, TARGET, Output

DTYPES = {"float16": "half", "bfloat16": "bfloat16", "float32": "float", "float64": "double"}


@dataclass(frozen=True)
class Values:
    """The part of a `Loss` that its function decides."""

    values: Expr
    logits: bool = False
    valid: Expr | None = None
    differences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """One output, the shape of its targets where that is known, and the dtype of the loss."""

    output: Output
    target: tuple[int | None, ...] | None = None
    dtype: str = ""

    @property
    def rank(self) -> int:
        return len(self.output.shape)

    @property
    def classes(self) -> int | None:
        return self.output.shape[-1] if self.output.shape else None

    @property
    def x(self) -> Expr:
        return getattr(OUTPUT, DTYPES[self.dtype])() if self.dtype else OUTPUT

    @property
    def y(self) -> Expr:
        """The target, for a part that brings it to the output's dtype."""
        return getattr(TARGET, DTYPES[self.dtype])() if self.dtype else TARGET

    @property
    def y_float(self) -> Expr:
        """The target in the output's dtype: Keras converts both to the dtype of the loss."""
        return self.y if self.dtype else TARGET.to(Field(OUTPUT, "dtype"))

    @property
    def alike(self) -> bool:
        """Tell whether output and target have one rank, so that no axis has to come or go.

        Keras adds or drops a last axis of length 1 (keras/src/losses/loss.py,
        squeeze_or_expand_to_same_rank). For an output of several numbers only a target with one
        axis too many would need that; PyTorch raises or warns where such a one comes.
        """
        if self.target is not None:
            return len(self.target) == self.rank
        return self.rank > 1 and self.classes not in (1, None)

    def is_last(self, axis: Any) -> bool:
        return bool(axis in (-1, self.rank - 1))

    def dim(self, axis: Any) -> Any:
        """Return `axis` as torch's `dim`; the last axis is -1."""
        if axis is None:
            return None
        if isinstance(axis, list | tuple):
            return tuple(self.dim(a) for a in axis)
        if not isinstance(axis, int) or isinstance(axis, bool):
            raise UnsupportedError(f"axis {axis!r} of a loss")
        if not -self.rank <= axis < self.rank:
            raise UnsupportedError(f"axis {axis} of an output of rank {self.rank}")
        return -1 if self.is_last(axis) else axis

    def couples(self, dim: Any) -> tuple[str, ...]:
        """Return what to say where `dim` includes the axis of samples."""
        dims = range(self.rank) if dim is None else dim if isinstance(dim, tuple) else [dim]
        return (COUPLED,) if any(d % self.rank == 0 for d in dims) else ()


def dtype_of(entry: Any) -> str:
    """Return the dtype that a loss computes in, from its name or its policy; "" for the default."""
    if entry is None:
        return ""
    name = entry
    if isinstance(entry, dict):  # {"class_name": "DTypePolicy", "config": {"name": ...}}
        name = (entry.get("config") or {}).get("name")
    dtype = str(name).removeprefix("mixed_")
    if dtype not in DTYPES:
        raise UnsupportedError(f"a loss of dtype {name!r}", hint=f"one of {', '.join(DTYPES)}")
    return dtype


COUPLED = (
    "The loss compares the samples of a batch with each other: of several processes, each does so "
    "within its share of the batch."
)
