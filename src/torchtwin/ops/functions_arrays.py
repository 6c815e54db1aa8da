"""TensorFlow's functions of indices, matrices and shapes that are more than other names."""

from __future__ import annotations

from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Binary, Field, call
from torchtwin.ops import control
from torchtwin.ops.create import eye
from torchtwin.ops.functions import named
from torchtwin.ops.indexing import scatter_update
from torchtwin.ops.registry import OPERATIONS, expr
from torchtwin.ops.shape import size
from torchtwin.ops.values import static, tensor
from torchtwin.view import Tensor


def run(name: str, *args: Any, **kwargs: Any) -> Any:
    return OPERATIONS[name](args, kwargs)


@named("keras.ops.identity")
def identity(n: Any, dtype: Any = None) -> Any:
    return eye(n, dtype=dtype)


@named("keras.ops.switch")
def switch(index: Any, branches: Any, operands: Any = ()) -> Any:
    return control.switch(index, branches, *operands)


def _scattered(reduction: str | None, sign: int = 1) -> Any:
    def scattered(tensor: Any, indices: Any, updates: Any) -> Any:
        given = updates if sign > 0 else _negative(updates)
        return scatter_update(tensor, indices, given, reduction)

    return scattered


def _negative(value: Any) -> Tensor:
    x = tensor(value)
    return Tensor(-x.expr, x.shape, x.dtype, x.layout, x.known)


named("tf.tensor_scatter_nd_update")(_scattered(None))
named("tf.tensor_scatter_nd_add")(_scattered("add"))
named("tf.tensor_scatter_nd_sub")(_scattered("add", -1))
named("tf.tensor_scatter_nd_max")(_scattered("max"))
named("tf.tensor_scatter_nd_min")(_scattered("min"))


@named("tf.slice")
def slice_(input_: Any, begin: Any, size: Any) -> Any:
    return run("Slice", input_, begin, size)


@named("tf.sequence_mask")
def sequence_mask(lengths: Tensor, maxlen: Any = None, dtype: Any = None) -> Any:
    top = lengths.expr.max() if maxlen is None else expr(maxlen)
    steps = call(torch.arange, top, device=Field(lengths.expr, "device"))
    mask = Binary("<", steps, lengths.expr.unsqueeze(-1))
    return mask if dtype in (None, "bool") else run("Cast", _unknown(mask), dtype)


def _unknown(made: Any) -> Tensor:
    return Tensor(made, (), "", known=False)


@named("tf.linalg.solve")
def solve(matrix: Any, rhs: Any, adjoint: Any = False) -> Any:
    static("tf.linalg.solve", adjoint=adjoint)
    left = tensor(matrix)
    if adjoint:
        left = _unknown(Field(left.expr, "mH"))
    return call(torch.linalg.solve, left.expr, tensor(rhs).expr)


@named("tf.linalg.svd")
def svd(tensor: Tensor, full_matrices: Any = False, compute_uv: Any = True) -> Any:
    del full_matrices  # of the vectors
    if compute_uv is not False:
        raise UnsupportedError("tf.linalg.svd, whose vectors are in another order")
    return call(torch.linalg.svdvals, tensor.expr)


@named("tf.linalg.qr")
def qr(input: Any, full_matrices: Any = False) -> Any:  # noqa: A002
    static("tf.linalg.qr", full_matrices=full_matrices)
    return run("Qr", input, "complete" if full_matrices is True else "reduced")


@named("tf.linalg.eigh", "tf.compat.v1.self_adjoint_eig")
def eigh(tensor: Tensor) -> Any:
    return call(torch.linalg.eigh, tensor.expr)


@named("tf.linalg.eigvalsh")
def eigvalsh(tensor: Tensor) -> Any:
    return call(torch.linalg.eigvalsh, tensor.expr)


@named("tf.linalg.slogdet")
def slogdet(input: Tensor) -> Any:  # noqa: A002
    return call(torch.linalg.slogdet, input.expr)


@named("tf.linalg.expm")
def expm(input: Tensor) -> Any:  # noqa: A002
    return call(torch.linalg.matrix_exp, input.expr)


@named("tf.linalg.matvec")
def matvec(a: Any, b: Any, transpose_a: Any = False, adjoint_a: Any = False) -> Any:
    column = _unknown(tensor(b, a).expr.unsqueeze(-1))
    product = run("MatmulTransposed", a, column, transpose_a, False, adjoint_a)
    return product.squeeze(-1)


@named("tf.linalg.triangular_solve")
def triangular_solve(matrix: Any, rhs: Any, lower: Any = True, adjoint: Any = False) -> Any:
    if adjoint is not False:
        raise UnsupportedError("tf.linalg.triangular_solve(adjoint=True) is not translated")
    return run("SolveTriangular", matrix, rhs, lower)


@named("tf.linalg.tensor_diag")
def tensor_diag(diagonal: Tensor) -> Any:
    return call(torch.diagflat, diagonal.expr).reshape(
        Binary("+", Field(diagonal.expr, "shape"), Field(diagonal.expr, "shape"))
    )


@named("tf.linalg.tensor_diag_part")
def tensor_diag_part(input: Tensor) -> Any:  # noqa: A002
    return input.expr.diagonal()


@named("tf.broadcast_static_shape", "tf.broadcast_dynamic_shape")
def broadcast_shape(shape_x: Any, shape_y: Any) -> Any:
    return call(torch.broadcast_shapes, size(shape_x), size(shape_y))
