"""Regularisers and constraints of a program: see `nn/penalties.py` for what they become.

keras/src/regularizers/regularizers.py, keras/src/constraints/constraints.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, call
from torchtwin.nn.penalties import (
    L1,
    L1L2,
    L2,
    Cosines,
    MaxNorm,
    MinMaxNorm,
    NonNegative,
    Rearranged,
    UnitNorm,
    constrained,
    constraint_of,
    penalized,
    penalty_of,
)
from torchtwin.training import constraints, regularizers
from torchtwin.view import LayerView


class Kind(NamedTuple):
    """Regularisers or constraints: the classes, their arguments, and what finds one by name."""

    name: str
    classes: Mapping[str, Any]
    arguments: Mapping[str, Mapping[str, Any]]
    dynamic: Callable[..., Any]


REGULARIZER = Kind(
    "regularizer",
    {"L1": L1, "L2": L2, "L1L2": L1L2, "OrthogonalRegularizer": Cosines},
    regularizers.ARGUMENTS,
    penalty_of,
)
CONSTRAINT = Kind(
    "constraint",
    {"MaxNorm": MaxNorm, "MinMaxNorm": MinMaxNorm, "UnitNorm": UnitNorm, "NonNeg": NonNegative},
    constraints.ARGUMENTS,
    constraint_of,
)
IN_ANY_ORDER = (L1, L2, L1L2, NonNegative)
"""What asks nothing of the order of a weight's axes."""


def penalty(given: Any) -> Any:
    """Return a regulariser as an expression: a function of a tensor; None for none."""
    return _made(given, REGULARIZER)


def constraint(given: Any) -> Any:
    """Return a constraint as an expression: a function of a weight; None for none."""
    return _made(given, CONSTRAINT)


def _made(given: Any, kind: Kind) -> Any:
    if given is None or isinstance(given, Call):
        return given
    if isinstance(given, Expr):
        return call(kind.dynamic, given)
    config: Mapping[str, Any] = {}
    if isinstance(given, Mapping):
        given, config = given.get("class_name"), given.get("config") or {}
    plain = str(given).rpartition(".")[2].replace("_", "").lower()
    name = next((n for n in kind.classes if n.lower() == plain), None)
    if name is None and plain == kind.name:
        return None  # the base class, which does nothing
    if name is None:
        raise UnsupportedError(f"the {kind.name} {given!r} is not one of Keras's")
    usual = kind.arguments[name]
    if unknown := set(config) - set(usual):
        raise UnsupportedError(f"the {kind.name} {name}({', '.join(sorted(unknown))}=...)")
    if config.get("axis", 0) is None:
        raise UnsupportedError(f"{name} along all axes is not translated")
    differing = {k: v for k, v in config.items() if isinstance(v, Expr) or v != usual[k]}
    if config and next(iter(usual), "") in config:  # what a program gives is worth reading
        differing = {next(iter(usual)): config[next(iter(usual))], **differing}
    return _call(kind.classes[name], {"dim" if k == "axis" else k: v for k, v in differing.items()})


def _call(cls: Any, config: dict[str, Any]) -> Expr:
    """Return the call, its first argument by position."""
    made = call(cls, **config)
    first = next(iter(inspect.signature(cls).parameters), "")
    if first in made.kwargs:
        rest = {k: v for k, v in made.kwargs.items() if k != first}
        return Call(cls, (made.kwargs[first],), rest)
    return made


def bounded(layer: LayerView, expr: Expr, orders: Mapping[str, tuple[str, Sequence[int]]]) -> Expr:
    """Return a layer's module with the regularisers and constraints of its weights.

    `orders` has, for each parameter, what Keras's arguments for it begin with, and the axis of
    the parameter at which each of Keras's axes lies; () where they lie as in Keras.
    """
    penalties: dict[str, Any] = {}
    bounds: dict[str, Any] = {}
    for name, (argument, order) in orders.items():
        for kind, make, found in (
            ("regularizer", penalty, penalties), ("constraint", constraint, bounds)
        ):  # fmt: skip
            made = make(layer.get(f"{argument}_{kind}"))
            if made is not None:
                found[name] = _rearranged(made, order)
    if penalties:
        expr = call(penalized, expr, **penalties)
    return call(constrained, expr, **bounds) if bounds else expr


def _rearranged(made: Any, order: Sequence[int]) -> Any:
    free = isinstance(made, Call) and made.function in IN_ANY_ORDER
    return made if free or not order else call(Rearranged, made, *order)
