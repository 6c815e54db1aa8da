"""Where arrays of NumPy meet tensors: what layers and what functions of NumPy are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst
import libcst.matchers as m

from torchtwin.expr import Method
from torchtwin.translate.inventory import is_layer
from torchtwin.translate.parts.structures import as_input
from torchtwin.translate.values import detached, text_of

if TYPE_CHECKING:
    from torchtwin.translate.program import Program
    from torchtwin.translate.rewriter import Rewriter


WITHOUT_GRADIENTS = "without_gradients"
"""The feature of a program that calls models outside of `fit`."""
ON_ARRAYS = ("numpy.", "matplotlib.")
"""Libraries whose functions take a tensor of Keras as the array that it holds."""


def with_arrays(rewriter: Rewriter, name: str, original: cst.Call, updated: cst.Call) -> cst.Call:
    """Return a call of a function of NumPy with arrays for tensors: those may have gradients."""
    if not name.startswith(ON_ARRAYS):
        return updated
    args = []
    for before, after in zip(original.args, updated.args, strict=True):
        plain = rewriter.program.kinds.of(before.value).what == "tensor" and not before.star
        value = Method(detached(after.value), "numpy", (), {}) if plain else None
        args.append(after.with_changes(value=rewriter.program.node(value)) if plain else after)
    return updated.with_changes(args=args)


def of_losses(rewriter: Rewriter, name: str, original: cst.Call, updated: cst.Call) -> cst.Call:
    """Return the call of a function of keras.losses, outside of functions, with tensors."""
    home, _, last = name.rpartition(".")
    outside = rewriter.inside((cst.FunctionDef, cst.ClassDef, cst.Lambda)) is None
    if home != "keras.losses" or not last.islower() or not outside:
        return updated
    args = []
    for k, (before, after) in enumerate(zip(original.args, updated.args, strict=True)):
        named = before.keyword.value in ("y_true", "y_pred") if before.keyword else k < 2
        plain = rewriter.program.kinds.of(before.value).what in ("array", "unknown", "list")
        value = cst.parse_expression(f"torch.as_tensor({text_of(after.value)})")
        args.append(after.with_changes(value=value) if named and plain else after)
    return updated.with_changes(args=args)


def runs(program: Program) -> bool:
    """Tell whether a program trains when it is run, not only in functions that others call."""
    fit = m.Call(func=m.Attribute(attr=m.Name("fit") | m.Name("train_on_batch")))
    return any(
        m.findall(statement, fit)
        for statement in program.module.body
        if not isinstance(statement, cst.FunctionDef | cst.ClassDef)
    )


def _is_given(rewriter: Rewriter, node: cst.BaseExpression) -> bool:
    """Tell whether what is called, perhaps a model, was given to the function around."""
    function = rewriter.inside(cst.FunctionDef)
    names = [p.name.value for p in function.params.params] if function is not None else []
    return isinstance(node, cst.Name) and node.value in names


def with_tensors(rewriter: Rewriter, original: cst.Call, updated: cst.Call) -> cst.Call:
    """Return the call of a layer, outside of functions, with tensors for what may be arrays.

    A program that calls models itself gets results without gradients, as in Keras.
    """
    program = rewriter.program
    if program.graphs or rewriter.inside(cst.ClassDef) is not None:
        return updated
    kind = program.kinds.of(original.func)
    own = kind.of.startswith("keras.layers.") or is_layer(program.inventory, kind.of)
    called = kind.what == "module" or _is_given(rewriter, original.func)
    if called and program.trains and runs(program):
        program.features.add(WITHOUT_GRADIENTS)
    if rewriter.inside(cst.FunctionDef) is not None:
        return updated
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
