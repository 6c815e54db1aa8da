"""Where arrays of NumPy meet tensors: what layers and what functions of NumPy are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from torchtwin.translate.inventory import is_layer
from torchtwin.translate.parts.structures import as_input
from torchtwin.translate.values import source_of

if TYPE_CHECKING:
    from torchtwin.translate.rewriter import Rewriter


ON_ARRAYS = ("numpy.", "matplotlib.")
"""Libraries whose functions take a tensor of Keras as the array that it holds."""


def with_arrays(rewriter: Rewriter, name: str, original: cst.Call, updated: cst.Call) -> cst.Call:
    """Return a call of a function of NumPy with arrays for tensors: those may have gradients."""
    if not name.startswith(ON_ARRAYS):
        return updated
    args = []
    for before, after in zip(original.args, updated.args, strict=True):
        plain = rewriter.program.kinds.of(before.value).what == "tensor" and not before.star
        value = source_of(after.value).detach().numpy() if plain else None
        args.append(after.with_changes(value=rewriter.program.node(value)) if plain else after)
    return updated.with_changes(args=args)


def with_tensors(rewriter: Rewriter, original: cst.Call, updated: cst.Call) -> cst.Call:
    """Return the call of a layer, outside of functions, with tensors for what may be arrays."""
    program = rewriter.program
    if program.graphs or rewriter.inside((cst.FunctionDef, cst.ClassDef)) is not None:
        return updated
    kind = program.kinds.of(original.func)
    own = kind.of.startswith("keras.layers.") or is_layer(program.inventory, kind.of)
    named = isinstance(updated.func, cst.Name | cst.Attribute)  # it is written twice
    if kind.what != "module" or not own or not named:
        return updated
    args = []
    for before, after in zip(original.args, updated.args, strict=True):
        value = after.value
        if program.kinds.of(before.value).what in ("array", "unknown") and not before.star:
            given = [cst.Arg(value), cst.Arg(updated.func)]
            value = cst.Call(cst.Name(program.name_of(as_input)), given)
        args.append(after.with_changes(value=value))
    return updated.with_changes(args=args)
