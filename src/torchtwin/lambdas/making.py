"""Functions of a Lambda that make new tensors: constants, zeros, ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Field, call
from torchtwin.lambdas.evaluate import Closure
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


@known_as("tf.fill")
def fill(beside: Any, dims: Any, value: Any) -> Any:
    if not isinstance(value, int | float):
        raise UnsupportedError("a fill with what is no number")
    return _filled(beside, dims, value)


@known_as("keras.ops.full")
def full(beside: Any, shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    if dtype is not None or not isinstance(fill_value, float):
        raise UnsupportedError("a tensor full of whole numbers is not translated")
    return _filled(beside, shape, fill_value)


def _filled(beside: Any, shape: Any, value: float) -> Any:
    dtype = "int32" if isinstance(value, int) else None
    zeros_ = _made(beside, shape, dtype, torch.zeros)
    return run("Add", (zeros_, value), {})


@known_as("tf.slice", "K.slice")
def slice_(_beside: Any, x: Any, begin: Any, size: Any) -> Any:
    """A size of -1 is all that is left."""
    pairs = list(zip(begin, size, strict=True))
    if not all(isinstance(a, int) and isinstance(n, int | Length) for a, n in pairs):
        raise UnsupportedError("a slice that is computed is not translated")
    index = tuple(
        slice(a or None, None if isinstance(n, Length) or n < 0 else a + n) for a, n in pairs
    )
    if any(isinstance(n, Length) and a for a, n in pairs):
        raise UnsupportedError("a slice that is computed is not translated")
    return run("GetItem", (x, index), {})


@known_as("K.switch")
def switch(_beside: Any, condition: Any, then: Any, otherwise: Any) -> Any:
    if not isinstance(condition, Value) or isinstance(then, Closure):
        raise UnsupportedError("K.switch of functions is not translated")
    ranks = {len(v.shape) for v in (condition, then, otherwise) if isinstance(v, Value)}
    if len(ranks) > 1:
        raise UnsupportedError("K.switch of tensors of different ranks is not translated")
    return run("Where", (condition, then, otherwise), {})


@known_as("tf.nn.moments")
def moments(_beside: Any, x: Any, axes: Any, shift: Any = None, keepdims: bool = False) -> Any:
    del shift  # TensorFlow ignores it
    more = {"axis": tuple(axes) if isinstance(axes, list) else axes, "keepdims": keepdims}
    return run("Mean", (x,), more), run("Var", (x,), more)
