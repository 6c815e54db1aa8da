"""Which parameters an optimizer must know more of: groups of their own in `make_optimizer`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.training.optimizers.plan import Single
from torchtwin.training.optimizers.variables import Trained, matrix_axes

Special = tuple[tuple[str, ...], dict[str, Any]]
"""Names of parameters, and the options of their group."""


def special_groups(single: Single, variables: Sequence[Trained]) -> list[Special]:
    """Return the groups that differ from the rest; those with equal options are one."""
    merged: dict[str, Special] = {}
    for variable, options in _each(single, variables):
        if not options:
            continue
        key = repr(variable.names if options.get("stacked") else options)
        before = merged.get(key, ((), options))[0]
        merged[key] = (*before, *variable.names), options
    return list(merged.values())


def _each(single: Single, variables: Sequence[Trained]) -> Iterator[tuple[Trained, dict[str, Any]]]:
    for k, variable in enumerate(variables):
        options: dict[str, Any] = {}
        norms = single.layout or (single.clip or ("",))[0] == "clipnorm"
        if variable.stacked and norms:
            options["stacked"] = True
        if single.layout == "matrix":
            options |= _matrix(variable)
        if single.layout == "muon":
            options |= _muon(single, variable)
        if k in single.undecayed:
            options["weight_decay" if single.own_decay else "decay"] = 0.0
        yield variable, options


def _matrix(variable: Trained) -> dict[str, Any]:
    shape, axes = matrix_axes(variable)
    own = variable.shape if variable.stacked else variable.parameters[0].shape
    options: dict[str, Any] = {}
    if axes is None:
        return {} if len(own) < 2 else {"axes": None}
    if shape != own:
        options["shape"] = shape
    if axes not in ((0, 1), (1, 0)):
        options["axes"] = axes
    return options


def uses_adam(single: Single, variable: Trained) -> bool:
    """Tell whether Muon leaves a variable to Adam (Muon._should_use_adamw)."""
    if len(variable.shape) != 2:
        return True
    if single.exclude_embeddings and variable.matches("(?i)embedding"):
        return True
    return any(variable.matches(word) for word in single.excluded)


def _muon(single: Single, variable: Trained) -> dict[str, Any]:
    if uses_adam(single, variable):
        options: dict[str, Any] = {"adam": True}
        if single.adam_decay != (single.decay or 0.0):
            options["decay"] = single.adam_decay
        return options
    shape, axes = matrix_axes(variable)
    if axes is None or any(isinstance(axis, tuple) for axis in axes):
        raise UnsupportedError("Muon on this variable", where=f"{variable.layer}/{variable.name}")
    own = variable.shape if variable.stacked else variable.parameters[0].shape
    rows = tuple(n for n in shape if n != 1) if len(shape) > 2 else shape
    if len(rows) != 2:
        rows = variable.shape
    return {} if rows == own else {"shape": rows}
