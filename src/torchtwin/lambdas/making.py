"""Functions of a Lambda that make new tensors: constants, zeros, ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Field, call
from torchtwin.lambdas.functions import run
from torchtwin.lambdas.operators import constant
from torchtwin.lambdas.special import known_as
from torchtwin.lambdas.values import Length, Value, applied
from torchtwin.view import Tensor


@known_as("tf.constant", "K.constant", "K.variable", "keras.ops.array", "numpy.array",
          "keras.ops.convert_to_tensor", "tf.convert_to_tensor", "K.cast_to_floatx")  # fmt: skip
def constant_(beside: Value | None, value: Any, dtype: Any = None) -> Any:
    if isinstance(value, Value):
        return value if dtype is None else run("Cast", (value,), {"dtype": dtype})
    if isinstance(value, int | float | Length) and dtype is None:
        return value
    if beside is None:
        raise UnsupportedError("a constant with no tensor beside it")
    kind = beside.tensor.dtype if _has_float(value) else "int32"
    return constant(value, beside, str(dtype or kind))


def _has_float(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_float, value))
    return isinstance(value, float)


def _made(
    beside: Value | None, sizes: Any, kind: Any, make: Callable[..., Any], *values: Any
) -> Value:
    if beside is None:
        raise UnsupportedError("a new tensor with no tensor beside it")
    if isinstance(sizes, int | Length):
        sizes = (sizes,)
    if not all(isinstance(n, int | Length) for n in sizes):
        raise UnsupportedError("a new tensor of this shape is not translated")
    dtype = str(kind or beside.tensor.dtype)

    def made(x: Tensor, lengths: Any) -> Any:
        more = {"dtype": getattr(torch, dtype)} if dtype != "float32" else {}
        return call(make, *lengths, *values, **more, device=Field(x.expr, "device"))

    result: Value = applied(made, beside, tuple(sizes))
    return result


@known_as("K.zeros", "tf.zeros", "keras.ops.zeros")
def zeros(beside: Any, shape: Any, dtype: Any = None) -> Any:
    return _made(beside, shape, dtype, torch.zeros)


@known_as("K.ones", "tf.ones", "keras.ops.ones")
def ones(beside: Any, shape: Any, dtype: Any = None) -> Any:
    return _made(beside, shape, dtype, torch.ones)


@known_as("K.arange", "tf.range", "keras.ops.arange")
def arange(
    beside: Any,
    start: Any,
    stop: Any = None,
    step: Any = 1,
    dtype: Any = None,
    *,
    limit: Any = None,
    delta: Any = None,
) -> Any:
    stop, step = stop if limit is None else limit, step if delta is None else delta
    start, stop = (0, start) if stop is None else (start, stop)
    whole = all(isinstance(v, int | Length) for v in (start, stop, step))
    kind = str(dtype or ("int32" if whole else "float32"))
    if beside is None:
        raise UnsupportedError("a new tensor with no tensor beside it")

    def made(x: Tensor, ends: Any) -> Any:
        given = ends[1:2] if ends[0] == 0 and ends[2] == 1 else ends
        return call(
            torch.arange, *given, dtype=getattr(torch, kind), device=Field(x.expr, "device")
        )

    return applied(made, beside, (start, stop, step))
