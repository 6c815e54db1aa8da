"""Every public name of the installed Keras is translated, or refused with a reason."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import keras
import pytest

from torchtwin.errors import UnsupportedError
from torchtwin.refusals import REFUSALS, refusal
from torchtwin.rule import rule_of
from torchtwin.support import support

MODULES = ("layers", "ops", "random", "activations", "initializers", "regularizers", "constraints",
           "losses", "metrics", "optimizers", "optimizers.schedules", "callbacks")  # fmt: skip


def module_of(path: str) -> Any:
    return functools.reduce(getattr, path.split("."), keras)


def public(path: str) -> dict[str, Any]:
    found = {k: v for k, v in vars(module_of(path)).items() if not k.startswith("_")}
    return {k: v for k, v in found.items() if not inspect.ismodule(v)}


@functools.cache
def supported(path: str) -> set[str]:
    return {row.name for row in support() if row.module == path and row.supported}


def is_supported(path: str, name: str, value: Any) -> bool:
    """Tell whether a name, what it is an alias of, or the layer that a function makes is known."""
    names = {name, getattr(value, "__name__", name)}
    if path == "layers" and inspect.isfunction(value):
        names |= {name.capitalize(), f"{name}Layer"}
    return bool(names & supported(path))


@pytest.mark.parametrize("path", MODULES)
def test_every_public_name_is_translated_or_refused(path: str) -> None:
    names = public(path)
    missing = {k for k, v in names.items() if not is_supported(path, k, v)}
    assert not {k for k in missing if refusal(path, k) is None}


def test_walks_all_of_keras() -> None:
    assert sum(map(inspect.isclass, public("layers").values())) >= 164
    assert len(public("ops")) >= 337


@pytest.mark.parametrize("path", REFUSALS)
def test_what_is_refused_is_in_keras_and_not_translated(path: str) -> None:
    module, _, name = path.rpartition(".")
    assert name in public(module)
    assert name not in supported(module)
    assert REFUSALS[path].reason
    assert REFUSALS[path].hint


@pytest.mark.parametrize("name", [p.removeprefix("layers.") for p in REFUSALS if "layers." in p])
def test_the_error_says_the_reason(name: str) -> None:
    why = REFUSALS[f"layers.{name}"]
    with pytest.raises(UnsupportedError) as error:
        rule_of(name)
    assert str(error.value) == f"{name} is not translated: {why.reason}\n  try  {why.hint}"
