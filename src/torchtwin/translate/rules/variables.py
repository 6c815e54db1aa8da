"""Variables that a program makes itself."""

from __future__ import annotations

from typing import Any

import torch

from torchtwin.apply import torch_dtype
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Source, call
from torchtwin.translate.calls import CallView, tensor_of
from torchtwin.translate.initial import initial_tensor
from torchtwin.translate.registry import translates
from torchtwin.translate.weights import parameter
from torchtwin.view import Tensor


@translates("keras.Variable", "keras.backend.Variable")
def keras_variable(view: CallView) -> Expr:
    """keras/src/backend/common/variables.py: an initialiser with its shape, or the value itself."""
    given, shape, dtype, trainable, *_ = view.bound(
        "initializer", shape=None, dtype=None, trainable=True, autocast=True, aggregation="none",
        synchronization="auto",
    )  # fmt: skip
    if isinstance(given, Tensor):  # a value, whose shape it has, whatever is asked for
        dtype = None if isinstance(dtype, Source) and dtype.text == _its_dtype(given) else dtype
    elif shape is not None:
        return parameter(initial_tensor(given, shape, dtype or "float32"), trainable)
    if isinstance(given, int) and not isinstance(given, bool) and dtype is None:
        dtype = "int32"
    kind = {} if dtype is None else {"dtype": _dtype(dtype)}
    if isinstance(given, Tensor) and not kind:
        return parameter(given.expr, trainable)
    if isinstance(given, Expr | Tensor):
        return parameter(call(torch.as_tensor, tensor_of(given), **kind), trainable)
    if isinstance(given, bool | int | float | list | tuple):
        return parameter(call(torch.tensor, given, **kind), trainable)
    raise UnsupportedError(f"{view.name} of {given!r} without a shape")


def _its_dtype(x: Tensor) -> str:
    return f"{x.expr.text}.dtype" if isinstance(x.expr, Source) else ""


def _dtype(dtype: Any) -> Any:
    return torch_dtype(dtype) if isinstance(dtype, str) else dtype


@translates("tf.Variable")
def tf_variable(view: CallView) -> Expr:
    raise UnsupportedError(
        f"{view.name}: Keras 2 trains and saves one that a layer holds, Keras 3 does not",
        hint="make it with self.add_weight, or with keras.Variable",
    )
