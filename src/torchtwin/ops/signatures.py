"""What the functions of Keras and TensorFlow take, and which of their names mean the same."""

from __future__ import annotations

import ast
import functools as ft
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torchtwin.errors import UnsupportedError

REQUIRED: Any = object()
"""The default of a parameter that has none."""
BOOKKEEPING = frozenset(["name", "parallel_iterations", "swap_memory", "validate_indices"])
"""Arguments that change nothing in the result."""
OLD = {"keep_dims": "keepdims", "reduction_indices": "axis", "dim": "axis", "dimension": "axis",
       "squeeze_dims": "axis"}  # fmt: skip
"""Names that TensorFlow 1 had for arguments."""


@ft.cache
def functions() -> Mapping[str, Mapping[str, str]]:
    """Return the tables that scripts/make_functions writes."""
    text = (Path(__file__).parent / "functions.json").read_text(encoding="utf-8")
    loaded: Mapping[str, Mapping[str, str]] = json.loads(text)
    return loaded


@dataclass(frozen=True)
class Signature:
    """The parameters of a function with their defaults, in order.

    `more` is the name of its *args; with `rest` it takes any other keyword.
    """

    name: str
    parameters: Mapping[str, Any]
    positional: Sequence[str]
    more: str = ""
    rest: bool = False

    def bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call by name; refuse what does not fit."""
        if len(args) > len(self.positional) and not self.more:
            raise UnsupportedError(f"{self.name} takes {len(self.positional)} arguments")
        given = dict(zip(self.positional, args, strict=False))
        if self.more:
            given[self.more] = list(args[len(self.positional) :])
        for key, value in kwargs.items():
            if key in given:
                raise UnsupportedError(f"{self.name} has two values for {key}")
            if key not in self.parameters and not self.rest:
                raise UnsupportedError(f"{self.name} has no argument {key}")
            given[key] = value
        missing = [k for k, v in self.parameters.items() if v is REQUIRED and k not in given]
        if missing:
            raise UnsupportedError(f"{self.name} without {', '.join(missing)}")
        return {k: v for k, v in given.items() if k not in BOOKKEEPING}


@ft.cache
def signature(name: str) -> Signature | None:
    """Return the parameters of a function by its own name, None for one that is not known."""
    text = functions()["functions"].get(name)
    if text is None:
        return None
    node = ast.parse(f"def f({text}): ...").body[0]
    assert isinstance(node, ast.FunctionDef)
    found = node.args
    positional = [arg.arg for arg in found.args]
    defaults = [REQUIRED] * (len(positional) - len(found.defaults))
    defaults += [ast.literal_eval(value) for value in found.defaults]
    parameters = dict(zip(positional, defaults, strict=True))
    for arg, value in zip(found.kwonlyargs, found.kw_defaults, strict=True):
        parameters[arg.arg] = REQUIRED if value is None else ast.literal_eval(value)
    return Signature(
        name,
        parameters,
        positional,
        found.vararg.arg if found.vararg else "",
        found.kwarg is not None,
    )


def own_name(name: str) -> str:
    """Return the one name of a function that has several."""
    return functions()["aliases"].get(name, name)


def bound(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the arguments of a call by name, None for a function that is not known.

    What fits no argument of today may have been written for TensorFlow 1.
    """
    today = signature(own_name(name))
    if today is None:
        return None
    if name.startswith("tf."):
        kwargs = {_today(key, today): value for key, value in kwargs.items()}
    return today.bound(args, kwargs)


def _today(key: str, found: Signature) -> str:
    return OLD[key] if key in OLD and OLD[key] in found.parameters else key
