"""Operators between tensors and others: `x += y` of a tensor, tensors beside arrays of NumPy.

Keras's `+=` makes a new tensor, PyTorch's would change the caller's. In Keras an array takes the
tensor's dtype; in PyTorch the tensor would take the array's, or refuse it where it is trained.
"""

from __future__ import annotations

from typing import Any

import libcst as cst

from torchtwin.translate.lengths import computed
from torchtwin.translate.program import Program
from torchtwin.translate.values import text_of

OPERATORS: dict[type[cst.BaseAugOp], type[cst.BaseBinaryOp]] = {
    cst.AddAssign: cst.Add, cst.SubtractAssign: cst.Subtract, cst.MultiplyAssign: cst.Multiply,
    cst.DivideAssign: cst.Divide, cst.MatrixMultiplyAssign: cst.MatrixMultiply,
    cst.PowerAssign: cst.Power, cst.FloorDivideAssign: cst.FloorDivide,
    cst.ModuloAssign: cst.Modulo, cst.BitAndAssign: cst.BitAnd, cst.BitOrAssign: cst.BitOr,
}  # fmt: skip
TIGHT = (cst.Multiply, cst.Divide, cst.MatrixMultiply, cst.Power, cst.FloorDivide, cst.Modulo)
LOOSE = (cst.BinaryOperation, cst.Comparison, cst.BooleanOperation, cst.UnaryOperation,
         cst.IfExp, cst.Lambda, cst.NamedExpr)  # fmt: skip


def assigned(
    program: Program, original: cst.AugAssign, updated: cst.AugAssign
) -> cst.BaseSmallStatement:
    """Return `x = x + y` for `x += y` where x may be a tensor."""
    kinds = [program.kinds.of(original.target).what, program.kinds.of(original.value).what]
    operator = OPERATORS.get(type(updated.operator))
    tensor = "tensor" in kinds and kinds[0] in ("tensor", "unknown")
    plain = isinstance(updated.target, cst.Name | cst.Attribute)
    if operator is None or not tensor or not plain:
        return updated
    value = updated.value
    sum_of = operator in (cst.Add, cst.Subtract) and isinstance(value, cst.BinaryOperation)
    tight = sum_of and isinstance(getattr(value, "operator", None), TIGHT)
    if kinds == ["tensor", "array"]:
        text = text_of(value.with_changes(lpar=(), rpar=()))
        value = cst.parse_expression(f"torch.as_tensor({text}).to({text_of(updated.target)})")
    elif isinstance(value, LOOSE) and not value.lpar and not tight:
        value = value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    whole = cst.BinaryOperation(updated.target.deep_clone(), operator(), value)
    return cst.Assign([cst.AssignTarget(updated.target)], whole, semicolon=updated.semicolon)


def with_tensors(program: Program, original: cst.Call, updated: cst.Call) -> cst.Call:
    """Return a call of a module with the arrays of NumPy that it is given as tensors.

    Layers of Keras take them in their own precision; one that looks numbers up, as they are.
    """
    of = program.kinds.of(original.func).of
    plain = not of.startswith("keras.layers.") or of.endswith("Embedding")
    dtype = "" if plain else ", dtype=torch.get_default_dtype()"
    args = []
    for before, after in zip(original.args, updated.args, strict=True):
        if program.kinds.of(before.value).what == "array" and not before.star:
            made = cst.parse_expression(f"torch.as_tensor({text_of(after.value)}{dtype})")
            args.append(after.with_changes(value=made))
        else:
            args.append(after)
    return updated.with_changes(args=args)


def beside(program: Program, original: Any, updated: Any) -> cst.BaseExpression:
    """Return `x * array` with the array as a tensor like `x`."""
    lengths = computed(program.kinds, original, updated)
    if lengths is not None:
        return lengths
    left, right = program.kinds.of(original.left).what, program.kinds.of(original.right).what
    sides = {("tensor", "array"): ("left", "right"), ("array", "tensor"): ("right", "left")}
    tensor, array = sides.get((left, right), ("", ""))
    result: cst.BinaryOperation = updated
    like = _like(program, getattr(original, tensor), getattr(updated, tensor)) if array else None
    if like is None:
        return result
    value = text_of(getattr(updated, array).with_changes(lpar=(), rpar=()))
    made = cst.parse_expression(f"torch.as_tensor({value}).to({like})")
    return result.with_changes(**{array: made})


def _like(program: Program, original: Any, updated: Any) -> str | None:
    """Return a tensor whose dtype and device an expression has: itself, or a part of it."""
    if _repeats(updated):
        return text_of(updated.with_changes(lpar=(), rpar=()))
    if not isinstance(original, cst.BinaryOperation):
        return None
    for side in ("left", "right"):
        part = getattr(original, side)
        if program.kinds.of(part).what == "tensor":
            found = _like(program, part, getattr(updated, side, None))
            if found is not None:
                return found
    return None


def _repeats(node: cst.CSTNode) -> bool:
    """Tell whether an expression may be written twice: it is short, and calls nothing costly."""
    if isinstance(node, cst.Call):
        return text_of(node.func) in ("kernel_of", "bias_of")
    return isinstance(node, cst.Name | cst.Attribute) and "(" not in text_of(node)
