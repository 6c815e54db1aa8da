"""Classes of a program that are no layers: its own losses, metrics, callbacks, schedules, data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from torchtwin.errors import UnsupportedError
from torchtwin.translate.canonical import is_foreign
from torchtwin.translate.parts.batches import PyDataset
from torchtwin.translate.parts.callbacks import TrainingCallback
from torchtwin.translate.parts.losses import Loss
from torchtwin.translate.parts.metrics import Mean, Metric, Sum

if TYPE_CHECKING:
    from torchtwin.translate.rewriter import Rewriter

BASES: dict[str, Any] = {
    "keras.losses.Loss": Loss,
    "keras.metrics.Metric": Metric,
    "keras.metrics.Mean": Mean,
    "keras.metrics.Sum": Sum,
    "keras.callbacks.Callback": TrainingCallback,
    "keras.utils.PyDataset": PyDataset,
    "keras.utils.Sequence": PyDataset,
    "keras.optimizers.schedules.LearningRateSchedule": None,
    "keras.regularizers.Regularizer": None,
    "keras.constraints.Constraint": None,
    "keras.initializers.Initializer": None,
}
"""What a class comes from in PyTorch; nothing where being callable is all."""


def class_(rewriter: Rewriter, original: Any, updated: Any) -> Any:
    """Give a class the base that it has in a translated program."""
    names = rewriter.program.names
    bases = []
    for before, after in zip(original.bases, updated.bases, strict=True):
        name = names.of(before.value)
        if name is None or not is_foreign(name):
            bases.append(after)
        elif name not in BASES:
            error = UnsupportedError(f"a class that comes from {name} is not translated")
            rewriter.refuse(original, original.name.value, error)
            return updated
        elif BASES[name] is not None:
            base = cst.parse_expression(rewriter.program.name_of(BASES[name]))
            bases.append(after.with_changes(value=base))
    if bases or not original.bases:
        return updated.with_changes(bases=bases)
    empty = cst.MaybeSentinel.DEFAULT
    return updated.with_changes(bases=(), lpar=empty, rpar=empty)
