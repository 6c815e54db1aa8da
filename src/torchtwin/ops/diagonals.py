"""Operations on the diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.ops.registry import expr, is_floating, op
from torchtwin.ops.values import is_whole, kind, tensor
from torchtwin.rule import Case

SQUARE = (2, 4, 4)


def _k(value: Any) -> tuple[Any, ...]:
    return () if is_whole(value) and value == 0 else (expr(value),)


@op("Tril", cases=[Case({"k": -1}, SQUARE)])
def tril(x: Any, k: Any = 0) -> Any:
    return tensor(x).expr.tril(*_k(k))


@op("Triu", cases=[Case({"k": 1}, SQUARE)])
def triu(x: Any, k: Any = 0) -> Any:
    return tensor(x).expr.triu(*_k(k))


@op("BandPart")
def band_part(x: Any, num_lower: Any, num_upper: Any) -> Any:
    """tf.linalg.band_part: so many diagonals below and above the middle one, -1 for all."""
    result = tensor(x).expr
    for count, name in ((num_upper, "tril"), (num_lower, "triu")):
        if not is_whole(count):
            raise UnsupportedError("a band of diagonals that the program counts is not translated")
        if count >= 0:
            result = getattr(result, name)(*_k(count if name == "tril" else -count))
    return result


@op("Diag", cases=[Case({}, (4, 4)), Case({"k": 1}, (4, 5))])
def diag(x: Any, k: Any = 0) -> Any:
    return call(torch.diag, tensor(x).expr, *_k(k))


@op("Diagflat", cases=[Case({"k": -1}, (2, 2))])
def diagflat(x: Any, k: Any = 0) -> Any:
    return call(torch.diagflat, tensor(x).expr, *_k(k))


@op("Diagonal", cases=[Case({}, (3, 3, 2)), Case({"offset": 1, "axis1": 1, "axis2": 2}, SQUARE)])
def diagonal(x: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    return call(torch.diagonal, tensor(x).expr, **_where(offset, axis1, axis2))


def _where(offset: Any, axis1: Any, axis2: Any) -> dict[str, Any]:
    given = {"offset": (offset, 0), "dim1": (axis1, 0), "dim2": (axis2, 1)}
    return {k: expr(v) for k, (v, default) in given.items() if isinstance(v, Expr) or v != default}


@op("Trace", cases=[Case({"axis1": 1, "axis2": 2}, SQUARE), Case({"offset": 1}, (3, 3))])
def trace(x: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    """torch.trace takes one matrix and no other diagonal."""
    x = tensor(x)
    line = call(torch.diagonal, x.expr, **_where(offset, axis1, axis2))
    whole = "int32" if x.dtype == "bool" else x.dtype
    return line.sum(-1, **({} if not x.known or is_floating(x) else kind(whole)))


@op("MatrixTrace")
def matrix_trace(x: Any) -> Any:
    """tf.linalg.trace: of the last two axes."""
    return matrix_diag_part(x).sum(-1)


@op("MatrixDiag")
def matrix_diag(diagonal: Any, k: Any = 0) -> Any:
    """tf.linalg.diag: the last axis becomes the diagonal of matrices."""
    more = {"offset": expr(k)} if isinstance(k, Expr) or k != 0 else {}
    return call(torch.diag_embed, tensor(diagonal).expr, **more)


@op("MatrixDiagPart")
def matrix_diag_part(x: Any, k: Any = 0) -> Any:
    """tf.linalg.diag_part: of the last two axes."""
    return call(torch.diagonal, tensor(x).expr, **_where(k, -2, -1))


@op("MatrixSetDiag")
def matrix_set_diag(x: Any, diagonal: Any, k: Any = 0) -> Any:
    """tf.linalg.set_diag: on the last two axes."""
    return tensor(x).expr.diagonal_scatter(tensor(diagonal, x).expr, **_where(k, -2, -1))


@op("MatrixTranspose")
def matrix_transpose(x: Any) -> Any:
    """tf.linalg.matrix_transpose: of the last two axes."""
    return tensor(x).expr.transpose(-2, -1)
