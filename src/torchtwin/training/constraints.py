"""Constraints: where weights are put back to after every update.

keras/src/constraints/constraints.py; the optimizer applies them to all that it has updated
(keras/src/optimizers/base_optimizer.py, `apply`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Var, call
from torchtwin.nn.penalties import put_back
from torchtwin.program import Class
from torchtwin.training.added import added_by_own
from torchtwin.training.parts.constraints import max_norm_, min_max_norm_, unit_norm_
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
    "MaxNorm": {"max_value": 2, "axis": 0},
    "MinMaxNorm": {"min_value": 0.0, "max_value": 1.0, "rate": 1.0, "axis": 0},
    "UnitNorm": {"axis": 0},
    "NonNeg": {},
    "Constraint": {},  # the base class, which changes nothing
}
"""The arguments of Keras's constraints, with their defaults."""

PARTS = (max_norm_, min_max_norm_, unit_norm_, put_back)


def constrain_source(program: Class) -> Written | None:
    """Return the function `constrain(module)`, or None where no weight has a constraint.

    It is to be called after each step of the optimizer, and changes the weights in place. Raises
    UnsupportedError for a constraint that is not Keras's own.
    """
    groups: dict[str, list[Weight]] = {}
    split: dict[str, list[Weight]] = {}
    for weight in weights_of(program):
        found = described(weight.entry("constraint")) if weight.trainable else None
        if found is None or found[0] == "Constraint":
            continue
        if weight.notation.row is not None and found[0] != "NonNeg":
            split.setdefault(weight.notation.variable + weight.where, []).append(weight)
        else:
            groups.setdefault(printed(_applied(weight, Var("weight"))), []).append(weight)
    lines: list[str] = []
    if groups:
        universe = Universe(program)
        for weights in groups.values():
            head, each = loop(weights, universe)
            lines += [*head, f"{'    ' * len(head)}{printed(_applied(weights[0], each))}"]
    for rows in split.values():
        lines += _rows(rows)
    if added_by_own(program).bounds:
        lines.append("put_back(module)")
    if not lines:
        return None
    body = "\n".join(f"    {line}" for line in lines)
    doc = '"""Put the weights back to where their constraints allow them, after an update."""'
    source = f"@torch.no_grad()\ndef constrain(module):\n    {doc}\n{body}\n"
    return Written(source, tuple(p for p in PARTS if f"{p.__name__}(" in body))


def _rows(weights: Sequence[Weight]) -> list[str]:
    """Return the lines for a variable that lies in several parameters, a row in each."""
    rows = [printed(w.of(Var("module"))) for w in weights]
    first = weights[0]
    dims = _axes(first, len(first.keras_shape))
    return [
        f"rows = torch.stack([{', '.join(rows)}])",
        printed(_norm(first, Var("rows"), _listed(dims))),
        *(f"{row}.copy_(rows[{k}])" for k, row in enumerate(rows)),
    ]


def _applied(weight: Weight, x: Expr) -> Expr:
    """Return the call that changes a weight, whose expression is `x`, in place."""
    if _read(weight)[0] == "NonNeg":
        return x.clamp_(min=0)
    view, dims = _along(weight, x, _axes(weight, len(weight.keras_shape)))
    return _norm(weight, view, _listed(dims))


def _norm(weight: Weight, x: Expr, dim: Any) -> Expr:
    name, config = _read(weight)
    match name:
        case "MaxNorm":
            return call(max_norm_, x, _number(config, "max_value"), dim=dim)
        case "UnitNorm":
            return call(unit_norm_, x, dim=dim)
    bounds = (_number(config, "min_value"), _number(config, "max_value"))
    return call(min_max_norm_, x, *bounds, dim=dim, rate=float(_number(config, "rate")))


def _read(weight: Weight) -> tuple[str, dict[str, Any]]:
    found = described(weight.entry("constraint"))
    assert found is not None
    name, given = found
    if name not in ARGUMENTS or set(given) - set(ARGUMENTS[name]):
        raise UnsupportedError(
            f"the constraint {name}({', '.join(given)}) of {weight.variable} is not translated",
            where=weight.where,
            hint="use one of keras.constraints",
        )
    return name, {**ARGUMENTS[name], **given}


def _number(config: dict[str, Any], name: str) -> float | int:
    value = config[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UnsupportedError(f"{name}={value!r} of a constraint")
    return value


def _axes(weight: Weight, rank: int) -> list[int]:
    """Return the axes, in Keras's shape, along which a constraint measures."""
    axis = _read(weight)[1]["axis"]
    listed = list(range(rank)) if axis is None else axis if isinstance(axis, list) else [axis]
    if not all(isinstance(k, int) and -rank <= k < rank for k in listed):
        raise UnsupportedError(
            f"a constraint along axis {axis} of {weight.variable}, which has {rank} axes",
            where=weight.where,
        )
    return sorted({k % rank for k in listed})


def _along(weight: Weight, x: Expr, axes: Sequence[int]) -> tuple[Expr, list[int]]:
    """Return a view of a weight and those of its axes that hold Keras's `axes`.

    An axis of the weight may hold several of Keras's: then the view has them apart.
    """
    sides = weight.notation.sides
    if sides is None:
        return (x, list(axes)) if axes else (x[..., None], [-1])
    lengths = weight.notation.lengths(weight.shape, keras=False)
    chosen = {n for k in axes for n in ([sides[0][k].label] if sides[0][k].parts
                                        else sides[0][k].names)}  # fmt: skip
    dims: list[int] = []
    place = 0
    for axis in sides[1]:
        names = [axis.label] if axis.parts else [n for n in axis.names if lengths[n] != 1]
        inside = [n in chosen for n in names]
        if any(inside) and not all(inside):
            x = x.unflatten(place, tuple(lengths[n] for n in names))
            dims += [place + k for k, own in enumerate(inside) if own]
            place += len(names)
            continue
        dims += [place] if any(inside) else []
        place += 1
    # Along axes of length one alone a number is its own vector; torch takes () for all axes.
    return (x, dims) if dims else (x[..., None], [-1])


def _listed(dims: Sequence[int]) -> Any:
    return dims[0] if len(dims) == 1 else tuple(dims)
