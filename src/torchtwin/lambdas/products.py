"""Products of matrices in a Lambda."""

from __future__ import annotations

from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.lambdas.functions import run
from torchtwin.lambdas.special import as_tensor, known_as
from torchtwin.lambdas.values import applied
from torchtwin.view import Tensor


@known_as("K.batch_dot")
def batch_dot(_beside: Any, x: Any, y: Any, axes: Any = None) -> Any:
    """Of matrices; of vectors the sum of products, with an axis of length 1 behind."""
    ranks = (len(as_tensor(x).shape), len(as_tensor(y).shape))
    first, second = (axes, axes) if isinstance(axes, int) else axes or (ranks[0] - 1, ranks[1] - 2)
    if ranks == (2, 2) and (first, second) in ((1, 1), (-1, -1)):
        return applied(lambda a, b: (a.expr * b.expr).sum(1, keepdim=True), x, y)
    if ranks != (3, 3) or first % 3 not in (1, 2) or second % 3 not in (1, 2):
        raise UnsupportedError("K.batch_dot of these axes is not translated")

    def product(a: Tensor, b: Tensor) -> Any:
        left = a.expr if first % 3 == 2 else a.expr.transpose(1, 2)
        right = b.expr if second % 3 == 1 else b.expr.transpose(1, 2)
        return left.matmul(right)

    return applied(product, x, y)


@known_as("K.dot")
def backend_dot(beside: Any, x: Any, y: Any) -> Any:
    """A matrix product along the last axis; of two tensors of more axes it is no other's."""
    if len(as_tensor(y).shape) != 2 or len(as_tensor(x).shape) < 2:
        raise UnsupportedError("K.dot with a tensor that is no matrix is not translated")
    return dot(beside, x, y)


@known_as("tf.matmul", "tf.linalg.matmul", "keras.ops.matmul")
def dot(_beside: Any, a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    ranks = (len(as_tensor(a).shape), len(as_tensor(b).shape))
    if ranks[1] != 2 and ranks[0] != ranks[1]:
        raise UnsupportedError("a product of tensors of different ranks is not translated")

    def product(x: Tensor, y: Tensor) -> Any:
        left = x.expr.transpose(-2, -1) if transpose_a else x.expr
        return left.matmul(y.expr.transpose(-2, -1) if transpose_b else y.expr)

    return applied(product, a, b)


@known_as("tf.einsum", "keras.ops.einsum", "tf.linalg.einsum")
def einsum(_beside: Any, subscripts: str, *operands: Any) -> Any:
    if not isinstance(subscripts, str):
        raise UnsupportedError("an einsum without its letters")
    return run("Einsum", operands, {"subscripts": subscripts})
