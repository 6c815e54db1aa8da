"""`x += y` of a tensor: Keras's makes a new tensor, PyTorch's would change the caller's."""

from __future__ import annotations

import libcst as cst

from torchtwin.translate.program import Program

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
    if isinstance(value, LOOSE) and not value.lpar and not tight:
        value = value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    whole = cst.BinaryOperation(updated.target.deep_clone(), operator(), value)
    return cst.Assign([cst.AssignTarget(updated.target)], whole, semicolon=updated.semicolon)
