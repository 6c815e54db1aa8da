"""Which variables of Keras fill a module, for torch's own modules and for those of torchtwin.nn.

    keras_variables({"weight": "kernel: i o -> o i", "bias": "bias"}, nn.Linear)

    @filled_by(nn.Conv2d)                  where it depends on the module
    def convolution(module): return {"weight": ..., "bias": "bias"}

A table names the parameters and buffers of a module, as paths below it, in the order in which
Keras's layer has its variables, each with its notation (see `notation`); several parameters may
take rows of one variable. A tuple of notations is a choice: the first whose shape fits. A module
without a table is a class of the user's: its own parameters, then its submodules, in order.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from torchtwin.notation import Notation

Table = Callable[[Any], Mapping[str, str | Notation | tuple[str | Notation, ...]]]

_TABLES: dict[type, Table] = {}


def filled_by(*classes: type) -> Callable[[Table], Table]:
    """Register the table of modules of these classes, and of classes that inherit them."""

    def register(table: Table) -> Table:
        for cls in classes:
            if cls in _TABLES:
                raise ValueError(f"two tables for {cls.__name__}")
            _TABLES[cls] = table
        return table

    return register


def keras_variables(table: Mapping[str, str], *classes: type) -> None:
    """Register the table of modules of these classes, the same for all of them."""
    filled_by(*classes)(lambda _: table)


def table_of(cls: type) -> tuple[type, Table] | None:
    """Return the class among a module's ancestors that has a table, and the table."""
    _load()
    for ancestor in become(cls).__mro__:
        known = ancestor if ancestor in _TABLES else _copied().get(_document(ancestor))
        if known is not None:
            return ancestor, _TABLES[known]
    return None


def become(cls: type) -> type:
    """Return what one of torch's lazy classes is after its first call; of others, themselves."""
    return getattr(cls, "cls_to_become", None) or cls


def is_copy_of(cls: type, original: type) -> bool:
    """Tell whether a class is, or inherits, a copy of one of torchtwin.nn in a translated file."""
    text = _document(original)
    return any(c is original or _document(c) == text for c in cls.__mro__)


def _document(cls: type) -> str:
    """Return the docstring by which a copied class is known, whatever its name is there."""
    if cls is object or cls.__module__.startswith("torch."):
        return ""
    return inspect.cleandoc(cls.__dict__.get("__doc__") or "")


@functools.cache
def _copied() -> dict[str, type]:
    own = [cls for cls in _TABLES if cls.__module__.startswith("torchtwin.")]
    return {_document(cls): cls for cls in own}


@functools.cache
def _load() -> None:
    from torchtwin.translate import registry

    importlib.import_module("torchtwin.filling.modules")
    registry.load()


def unknown_parameters(module: nn.Module) -> bool:
    """Tell whether a module of torch's has parameters of its own in an order of its own."""
    own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    return bool(own) and type(module).__module__.startswith("torch.nn.modules.")
