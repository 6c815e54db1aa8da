"""Regularizers: what the weights add to the loss (keras/src/regularizers/regularizers.py)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Field, Var, call
from torchtwin.program import Class
from torchtwin.training.added import added_by_own
from torchtwin.training.parts.added import added_losses
from torchtwin.training.parts.regularizers import cosines
from torchtwin.training.variables import (
    Universe,
    Weight,
    Written,
    described,
    loop,
    printed,
    weights_of,
)

ARGUMENTS: dict[str, dict[str, Any]] = {
    "L1": {"l1": 0.01},
    "L2": {"l2": 0.01},
    "L1L2": {"l1": 0.0, "l2": 0.0},
    "OrthogonalRegularizer": {"factor": 0.01, "mode": "rows"},
}
"""The arguments of Keras's regularizers, with their defaults."""

PARTS = (cosines, added_losses)


def penalty_source(program: Class) -> Written | None:
    """Return the function `penalty(module)`, or None where no weight adds anything to the loss.

    Keras counts the weights that are trained (keras/src/layers/layer.py,
    `_get_regularization_losses`): a frozen layer's regularizer adds nothing. Raises
    UnsupportedError for a regularizer that is not Keras's own.
    """
    groups: dict[str, tuple[Expr, list[Weight]]] = {}
    split: dict[str, list[Weight]] = {}
    for weight in weights_of(program):
        if not weight.trainable or described(weight.entry("regularizer")) is None:
            continue
        if weight.notation.row is not None and _orthogonal(weight):
            split.setdefault(weight.notation.variable + weight.where, []).append(weight)
            continue
        term = _term(weight, Var("weight"))
        if term is not None:
            groups.setdefault(printed(term), (term, []))[1].append(weight)
    added = added_by_own(program).losses
    if not groups and not split and not added:
        return None
    lines = _lines(groups, split, added, Universe(program))
    body = "\n".join(f"    {line}" for line in lines)
    layers = "the layers themselves and " if added else ""
    doc = f'"""Return what {layers}the regularisers of the weights add to the loss."""'
    source = f"def penalty(module):\n    {doc}\n{body}\n"
    return Written(source, tuple(p for p in PARTS if f"{p.__name__}(" in body))


def _lines(
    groups: Mapping[str, tuple[Expr, list[Weight]]], split: Mapping[str, list[Weight]],
    added: bool, universe: Universe,
) -> list[str]:  # fmt: skip
    terms = [(loop(weights, universe), weights) for _, weights in groups.values()]
    lines: list[str] = []
    for (head, each), weights in terms:
        term = printed(_term(weights[0], each))
        lines += head
        lines.append(f"{'    ' * len(head)}{f'loss = loss + {term}'}")
    for rows in split.values():
        stacked = call(torch.stack, [w.of(Var("module")) for w in rows])
        lines.append(f"loss = loss + {printed(_term(rows[0], stacked))}")
    if added:
        lines.append("loss = loss + added_losses(module)")
    first = lines[0].removeprefix("loss = loss + ")
    if len(lines) == 1:
        return [f"return {first}"]
    start = ["loss = 0.0", lines[0]] if first == lines[0] else [f"loss = {first}"]
    return [*start, *lines[1:], "return loss"]


def _orthogonal(weight: Weight) -> bool:
    found = described(weight.entry("regularizer"))
    return found is not None and found[0] == "OrthogonalRegularizer"


def _term(weight: Weight, x: Expr) -> Expr | None:
    """Return what one weight adds; `x` is its value."""
    entry = weight.entry("regularizer")
    try:
        if _orthogonal(weight):
            if len(weight.keras_shape) != 2:
                raise UnsupportedError(
                    f"OrthogonalRegularizer of {weight.variable}, which has the shape"
                    f" {weight.keras_shape} in Keras and not that of a matrix"
                )
            x = x if _rows_first(weight) else Field(x, "T")
        return regularizer_expr(entry, x, single=weight.dtype != "float64")
    except UnsupportedError as error:
        error.where = error.where or weight.where
        raise


def _rows_first(weight: Weight) -> bool:
    """Tell whether the matrix of a weight has Keras's rows as its rows.

    In which order they lie, of gates or behind a Flatten, is the same for the penalty.
    """
    sides = weight.notation.sides
    if weight.notation.row is not None or sides is None:
        return True
    left, right = ([axis.label for axis in side] for side in sides)
    if len(right) != 2 or sorted(left) != sorted(right):
        raise UnsupportedError(f"OrthogonalRegularizer of {weight.notation}")
    return left == right


def regularizer_expr(entry: Any, x: Expr, *, single: bool = True) -> Expr | None:
    """Return the penalty of a regularizer on `x`, a value with Keras's order of axes.

    None for no regularizer, and for one that adds nothing. With `single`, a factor that Keras
    rounded to float32 is written as people write it, which is the same number there.
    """
    found = described(entry)
    if found is None:
        return None
    name, given = found
    if name not in ARGUMENTS or set(given) - set(ARGUMENTS[name]):
        raise UnsupportedError(
            f"the regularizer {name}({', '.join(given)}) is not translated",
            hint="use one of keras.regularizers",
        )
    # L1 may hold None (keras/src/regularizers/regularizers.py), which means its default.
    config = ARGUMENTS[name] | {k: v for k, v in given.items() if v is not None}
    if name == "OrthogonalRegularizer":
        if config["mode"] not in ("rows", "columns"):
            raise UnsupportedError(f"OrthogonalRegularizer(mode={config['mode']!r})")
        matrix = x if config["mode"] == "rows" else _transposed(x)
        return _factor(config["factor"], single) * call(cosines, matrix)
    terms = []
    if config.get("l1"):
        terms.append(_factor(config["l1"], single) * x.abs().sum())
    if config.get("l2"):
        terms.append(_factor(config["l2"], single) * x.square().sum())
    return sum(terms[1:], start=terms[0]) if terms else None


def _transposed(x: Expr) -> Expr:
    return x.subject if isinstance(x, Field) and x.name == "T" else Field(x, "T")


def _factor(value: Any, single: bool) -> float:
    """Return a factor; L1 and OrthogonalRegularizer keep theirs in float32 in Keras."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UnsupportedError(f"{value!r} as the factor of a regularizer")
    rounded = np.float32(value)
    return float(str(rounded)) if single and float(rounded) == value else float(value)
