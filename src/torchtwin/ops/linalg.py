"""Linear algebra."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Binary, call, unpack
from torchtwin.nn.matrices import positive_definite_inverse, solve_rows, solve_triangle
from torchtwin.ops.registry import expr, op
from torchtwin.ops.values import static, tensor
from torchtwin.rule import Case

SQUARE = [Case({}, (2, 3, 3))]


def _one(function: Callable[..., Any]) -> Any:
    def matrix(x: Any) -> Any:
        return call(function, tensor(x).expr)

    return matrix


op("Det", cases=SQUARE)(_one(torch.linalg.det))
op("Inv", cases=SQUARE)(_one(torch.linalg.inv))


@op("Logdet", cases=SQUARE)
def logdet(x: Any) -> Any:
    """Of the size of the determinant: torch.logdet gives NaN for one under zero."""
    return call(torch.linalg.slogdet, tensor(x).expr)[1]


def parts(x: Any, pair: Any, *names: str) -> Any:
    """Return what a function gives several of: names in a graph, the whole in source."""
    return unpack(pair, *names) if tensor(x).known else pair


@op("Slogdet", cases=SQUARE)
def slogdet(x: Any) -> Any:
    return parts(x, call(torch.linalg.slogdet, tensor(x).expr), "sign", "logdet")


@op("Cholesky")
def cholesky(x: Any, upper: Any = False) -> Any:
    return call(torch.linalg.cholesky, tensor(x).expr, **({"upper": expr(upper)} if upper else {}))


@op("CholeskyInverse")
def cholesky_inverse(x: Any, upper: Any = False) -> Any:
    return call(positive_definite_inverse, tensor(x).expr, upper=expr(upper))


def refuse_vectors(x: Any, name: str, used: Collection[int], values: int) -> None:
    """Refuse vectors of either sign where a model needs them; values are the same everywhere."""
    if tensor(x).known and set(used) != {values}:
        raise UnsupportedError(f"{name}: the signs of its vectors differ between libraries")


@op("Eig")
def eig(x: Any, used: Collection[int] = ()) -> Any:
    refuse_vectors(x, "Eig", used, 0)
    return parts(x, call(torch.linalg.eig, tensor(x).expr), "values", "vectors")


@op("Eigh")
def eigh(x: Any, used: Collection[int] = ()) -> Any:
    refuse_vectors(x, "Eigh", used, 0)
    return parts(x, call(torch.linalg.eigh, tensor(x).expr), "values", "vectors")


@op("LuFactor", cases=SQUARE)
def lu_factor(x: Any) -> Any:
    """PyTorch counts pivots from 1."""
    pair = call(torch.linalg.lu_factor, tensor(x).expr)
    if not tensor(x).known:
        return pair[0], pair[1] - 1
    factors, pivots = unpack(pair, "factors", "pivots")
    return factors, pivots - 1


@op("Qr", cases=[Case({}, (2, 4, 3)), Case({"mode": "complete"}, (2, 4, 3))])
def qr(x: Any, mode: Any = "reduced") -> Any:
    more = {} if mode == "reduced" else {"mode": expr(mode)}
    return parts(x, call(torch.linalg.qr, tensor(x).expr, **more), "q", "r")


@op("Solve", cases=[Case({}, [(2, 3, 3), (2, 3, 2)])])
def solve(a: Any, b: Any) -> Any:
    first, second = tensor(a), tensor(b)
    if first.known and second.known and first.rank == second.rank:
        return call(torch.linalg.solve, first.expr, second.expr)
    if first.known and second.known and 1 < second.rank == first.rank - 1:  # vectors, in a graph
        return call(torch.linalg.solve, first.expr, second.expr[..., None])[..., 0]
    return call(solve_rows, first.expr, second.expr)


@op("SolveTriangular", cases=[Case({}, [(2, 3, 3), (2, 3, 2)]),
                              Case({"lower": True}, [(2, 3, 3), (2, 3, 2)])])  # fmt: skip
def solve_triangular(a: Any, b: Any, lower: Any = False) -> Any:
    return call(solve_triangle, tensor(a).expr, tensor(b).expr, lower=expr(lower))


@op("SVD", cases=[Case({"compute_uv": False}, (2, 4, 3))])
def svd(
    x: Any, full_matrices: Any = True, compute_uv: Any = True, used: Collection[int] = ()
) -> Any:
    static("svd", compute_uv=compute_uv)
    if not compute_uv:
        return call(torch.linalg.svdvals, tensor(x).expr)
    refuse_vectors(x, "SVD", used, 1)
    whole = {} if full_matrices is True else {"full_matrices": expr(full_matrices)}
    return parts(x, call(torch.linalg.svd, tensor(x).expr, **whole), "u", "s", "vh")


@op("Lstsq")
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """Through the pseudo-inverse: with few rows or little rank PyTorch's driver would differ."""
    return Binary("@", pinv(a, rcond), tensor(b).expr)


@op("Pinv", cases=[Case({}, (2, 4, 3))])
def pinv(x: Any, rcond: Any = None) -> Any:
    if rcond is not None:
        return call(torch.linalg.pinv, tensor(x).expr, rtol=expr(rcond))
    return call(torch.linalg.pinv, tensor(x).expr)


@op("MatrixRank", cases=[Case({"tol": 0.5}, (2, 4, 3))])
def matrix_rank(x: Any, tol: Any = None) -> Any:
    if tol is None:
        return call(torch.linalg.matrix_rank, tensor(x).expr).int()
    return call(torch.linalg.matrix_rank, tensor(x).expr, atol=expr(tol)).int()


@op("JVP")
def jvp(*_: Any, **__: Any) -> Any:
    raise UnsupportedError("a product of a vector and a function's derivative is not translated")
