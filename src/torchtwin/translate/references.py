"""Names of Keras and TensorFlow that a program uses without calling them."""

from __future__ import annotations

from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, Source
from torchtwin.nn.reductions import max_along, mean_along, min_along, sum_along
from torchtwin.ops.functions import operation_for
from torchtwin.translate.program import Program
from torchtwin.translate.values import dtype_named
from torchtwin.view import Tensor

VALUES = {
    "tf.newaxis": "None",
    "tf.keras.backend.epsilon": "1e-7",
    "keras.__version__": '"3"',
    "tf.__version__": "torch.__version__",
    "tf.version.VERSION": "torch.__version__",
}

REDUCTIONS: dict[str, Any] = {
    "mean": mean_along, "sum": sum_along, "max": max_along, "min": min_along,
}  # fmt: skip
OF_TWO = {
    "add": "add", "multiply": "mul", "subtract": "sub", "divide": "div", "maximum": "maximum",
    "minimum": "minimum", "matmul": "matmul",
}  # fmt: skip
"""Functions of two tensors that PyTorch has as they are."""
HOMES = ("tf", "tf.math", "keras.ops", "keras.backend")


def reference(program: Program, name: str) -> Expr | None:
    """Return what a canonical name is in PyTorch: a dtype, or a function of one tensor.

    Returns None for what is part of a longer name.
    """
    dtype = dtype_named(name)
    if dtype is not None:
        if not isinstance(getattr(torch, dtype, None), torch.dtype):
            raise UnsupportedError(f"PyTorch has no dtype {dtype}")
        return Source(f"torch.{dtype}")
    if name in VALUES:
        return Source(VALUES[name])
    if name.rpartition(".")[2][:1].isupper() or name.count(".") == 0:
        raise UnsupportedError(f"{name} is not translated here")
    home, _, last = name.rpartition(".")
    if home in HOMES and (reduction := REDUCTIONS.get(last.removeprefix("reduce_"))) is not None:
        return Source(program.name_of(reduction))
    if home in HOMES and last in OF_TWO:
        return Source(f"torch.{OF_TWO[last]}")
    x = Source("x")
    made = operation_for(name, [Tensor(x, (), "", known=False)], {})
    if isinstance(made, Call) and made.args == (x,) and not made.kwargs:
        from torchtwin.emit.expressions import is_helper, qualified

        if is_helper(made.function):
            program.helpers[made.function.__name__] = made.function
        return Source(qualified(made.function))
    return Source(f"lambda x: {program.text(made)}", -1)
