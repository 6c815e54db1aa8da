"""Products of matrices and tensors."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Binary, Expr, Field, call
from torchtwin.nn.axes import correlate_signals, cross_spatial, dot_batch, dot_last
from torchtwin.ops.registry import expr, floating, is_floating, op
from torchtwin.ops.values import is_whole, static, tensor, torch_type
from torchtwin.rule import Case
from torchtwin.view import Tensor

PAIR = [(3, 4), (3, 4)]


def both(x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    """Return two operands, lists of numbers on the device of the other one.

    Where their dtypes are known to differ, they get the one of both: PyTorch multiplies no others.
    """
    first, second = tensor(x1, x2), tensor(x2, x1)
    if not first.known or not second.known or first.dtype == second.dtype:
        return first, second
    common = torch.promote_types(torch_type(first.dtype), torch_type(second.dtype))
    return _typed(first, common), _typed(second, common)


def _typed(x: Tensor, dtype: torch.dtype) -> Tensor:
    if torch_type(x.dtype) == dtype:
        return x
    return replace(x, expr=x.expr.to(dtype), dtype=str(dtype).removeprefix("torch."))


@op("Matmul", cases=[Case({}, [(2, 3, 4), (2, 4, 5)]), Case({"x2": np.eye(4, 3)}, (2, 4))])
def matmul(x1: Any, x2: Any) -> Any:
    first, second = both(x1, x2)
    if first.known and first.dtype == second.dtype == "bool":  # whether any pair is true
        return Binary("@", first.expr.float(), second.expr.float()).bool()
    return Binary("@", first.expr, second.expr)


@op("MatmulTransposed")
def matmul_transposed(
    a: Any, b: Any, transpose_a: Any = False, transpose_b: Any = False, adjoint_a: Any = False,
    adjoint_b: Any = False, a_is_sparse: Any = False, b_is_sparse: Any = False,
    output_type: Any = None,
) -> Any:  # fmt: skip
    """tf.matmul, which can transpose or adjoin its operands."""
    if output_type is not None:
        raise UnsupportedError("tf.matmul with an output type is not translated")
    del a_is_sparse, b_is_sparse  # they say how to compute, not what
    first, second = both(a, b)
    left = _turned(first.expr, transpose_a, adjoint_a)
    return Binary("@", left, _turned(second.expr, transpose_b, adjoint_b))


def _turned(x: Any, transpose: Any, adjoint: Any) -> Any:
    if isinstance(transpose, Expr) or isinstance(adjoint, Expr):
        raise UnsupportedError("a product transposed when the program says so is not translated")
    return Field(x, "mH") if adjoint else Field(x, "mT") if transpose else x


@op("Dot", cases=[Case({"x2": np.eye(3, 2)}, (4, 3)), Case({"x2": np.ones((2, 4, 5))}, (2, 3, 4))])
def dot(x1: Any, x2: Any) -> Any:
    first, second = both(x1, x2)
    if second.known and 0 < second.rank <= 2 and not (first.known and first.rank == 0):
        return Binary("@", first.expr, second.expr)
    return call(dot_last, first.expr, second.expr)


@op("BatchDot")
def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """K.batch_dot."""
    axes = tuple(axes) if isinstance(axes, list) else expr(axes)
    more = {} if axes is None else {"axes": axes}
    return call(dot_batch, tensor(x).expr, tensor(y).expr, **more)


@op("Einsum")
def einsum(*operands: Any, subscripts: Any = None) -> Any:
    if subscripts is None and operands:  # as keras.ops.einsum is called
        subscripts, *operands = operands  # type: ignore[assignment]
    if not isinstance(subscripts, str | Expr):
        raise UnsupportedError("an einsum without its letters")
    given = [tensor(x) for x in operands]
    kinds = {torch_type(x.dtype) for x in given if x.known}
    if len(kinds) > 1 and all(x.known for x in given):
        common = reduce(torch.promote_types, kinds)
        given = [_typed(x, common) for x in given]
    return call(torch.einsum, subscripts, *(x.expr for x in given))


@op("Tensordot", cases=[Case({"x2": np.eye(4, 5), "axes": 1}, (2, 3, 4)),
                        Case({"x2": np.ones((3, 4)), "axes": [[1, 2], [0, 1]]}, (2, 3, 4)),
                        ])  # fmt: skip
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    first, second = both(x1, x2)
    if isinstance(axes, list | tuple):
        axes = tuple([k] if not isinstance(k, list | tuple) else list(k) for k in map(expr, axes))
    more = {} if is_whole(axes) and axes == 2 else {"dims": expr(axes)}
    return call(torch.tensordot, first.expr, second.expr, **more)


@op("Inner", cases=[Case({}, PAIR)])
def inner(x1: Any, x2: Any) -> Any:
    first, second = both(x1, x2)
    return call(torch.inner, first.expr, second.expr)


def _flat(x: Tensor) -> Any:
    return x.expr if x.known and x.rank == 1 else x.expr.flatten()


@op("Outer", cases=[Case({}, PAIR)])
def outer(x1: Any, x2: Any) -> Any:
    first, second = both(x1, x2)
    return call(torch.outer, _flat(first), _flat(second))


@op("Vdot", cases=[Case({}, PAIR)])
def vdot(x1: Any, x2: Any) -> Any:
    first, second = both(x1, x2)
    return call(torch.vdot, _flat(first), _flat(second))


@op("Kron", cases=[Case({"x2": np.eye(2)}, (2, 3))])
def kron(x1: Any, x2: Any) -> Any:
    first, second = both(x1, x2)
    return call(torch.kron, first.expr, second.expr)


@op("Cross", cases=[Case({"axis": 1}, [(2, 3, 4), (2, 3, 4)])])
def cross(
    x1: Any, x2: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None
) -> Any:
    first, second = both(x1, x2)
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    lengths = [x.shape[k] for x, k in ((first, axisa), (second, axisb)) if x.known and is_whole(k)]
    if 2 in lengths:
        turned = [x.expr.movedim(expr(k), -1) for x, k in ((first, axisa), (second, axisb))]
        return _of_planes(*turned, flat=lengths == [2, 2], axis=axisc)
    if first.known and second.known and first.rank != second.rank and axisa == axisb == -1:
        return call(cross_spatial, first.expr, second.expr).movedim(-1, expr(axisc))
    if axisa == axisb == axisc and is_whole(axisa):
        more = {} if axisa == -1 else {"dim": axisa}
        return call(torch.linalg.cross, first.expr, second.expr, **more)
    turned = [x.expr.movedim(expr(k), -1) for x, k in ((first, axisa), (second, axisb))]
    return call(torch.linalg.cross, *turned).movedim(-1, expr(axisc))


def _of_planes(first: Any, second: Any, *, flat: bool, axis: Any) -> Any:
    """A product of vectors some of which have two numbers: the third is zero.

    Of two such only the third number of the result is not, and Keras gives that alone.
    """
    if flat:
        return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    return call(cross_spatial, first, second).movedim(-1, expr(axis))


@op("Correlate")
def correlate(x1: Any, x2: Any, mode: Any = "valid") -> Any:
    static("correlate", mode=mode)
    first, second = both(x1, x2)
    found = call(correlate_signals, first.expr, second.expr, mode=mode)
    return found.float() if first.known and not is_floating(first) else found


@op("CDist", cases=[Case({}, [(2, 3, 4), (2, 5, 4)])])
def cdist(x: Any, y: Any) -> Any:
    """PyTorch would take the quicker and less exact way through products of matrices."""
    mode = "donot_use_mm_for_euclid_dist"
    return call(torch.cdist, floating(tensor(x)), floating(tensor(y)), compute_mode=mode)
