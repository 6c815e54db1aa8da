"""Products with vectors where Keras takes matrices: PyTorch would mix the samples of a batch."""

from __future__ import annotations

import re
from collections.abc import Sequence

import libcst as cst

from torchtwin.errors import UnsupportedError
from torchtwin.translate.program import Program
from torchtwin.translate.values import text_of

MATRICES = ("tf.matmul", "tf.linalg.matmul", "keras.backend.dot")
"""tensorflow/python/ops/math_ops.py, matmul; keras.backend.dot calls it."""
TENSORFLOW = re.compile(r"^\s*(import|from) tensorflow\b", re.MULTILINE)


def check_product(program: Program, name: str, factors: Sequence[cst.BaseExpression]) -> None:
    """Refuse a product of matrices with a vector.

    `@` between tensors is tf.matmul where TensorFlow computes; Keras on JAX takes vectors.
    """
    if name not in MATRICES and not (name == "@" and TENSORFLOW.search(program.code)):
        return
    kinds = [(factor, program.kinds.of(factor)) for factor in factors]
    if any(kind.what != "tensor" for _, kind in kinds) and name == "@":
        return
    for factor, kind in kinds:
        if kind.what == "tensor" and kind.rank is not None and kind.rank < 2:
            raise UnsupportedError(
                f"{name} needs matrices, and {text_of(factor)} has {kind.rank} "
                f"{'axis' if kind.rank == 1 else 'axes'}: this does not run in Keras",
                hint="make a matrix of it in build, whose input_shape tells the number of rows",
            )
