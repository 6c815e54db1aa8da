"""Random numbers, as a variational autoencoder draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Field, call
from torchtwin.lambdas.special import known_as
from torchtwin.lambdas.values import Length, Value, applied
from torchtwin.ops.registry import expr
from torchtwin.view import Tensor


@known_as("K.random_normal", "tf.random.normal", "tf.random_normal", "keras.random.normal")
def normal(
    beside: Any, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, *more: Any, **named: Any
) -> Any:
    """Draws anew at each call; PyTorch's numbers are others than Keras's, whatever the seed."""
    dtype = _dtype(more, named)
    noise = _drawn(beside, shape, dtype, torch.randn, torch.randn_like)
    return _moved(noise, stddev, mean)


@known_as("K.random_uniform", "tf.random.uniform", "tf.random_uniform", "keras.random.uniform")
def uniform(
    beside: Any, shape: Any, minval: Any = 0.0, maxval: Any = 1.0, *more: Any, **named: Any
) -> Any:
    dtype = _dtype(more, named)
    noise = _drawn(beside, shape, dtype, torch.rand, torch.rand_like)
    return _moved(noise, maxval - minval, minval)


def _dtype(more: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Return the dtype among the last arguments, (dtype, seed)."""
    given = {**dict(zip(("dtype", "seed"), more, strict=False)), **named}
    if len(more) > 2 or set(given) - {"dtype", "seed"}:
        raise UnsupportedError("random numbers of these arguments are not translated")
    return given.get("dtype")


def _moved(noise: Value, scale: Any, offset: Any) -> Any:
    for value in (scale, offset):
        if not isinstance(value, int | float | Value):
            raise UnsupportedError("random numbers whose range is no number")

    def moved(x: Tensor, by: Any, to: Any) -> Any:
        result = x.expr if isinstance(by, int | float) and by == 1 else x.expr * expr(by)
        return result if isinstance(to, int | float) and to == 0 else result + expr(to)

    return applied(moved, noise, scale, offset)


def _drawn(beside: Any, shape: Any, dtype: Any, new: Any, like: Any) -> Value:
    if not isinstance(beside, Value):
        raise UnsupportedError("random numbers with no tensor beside them")
    lengths = (shape,) if isinstance(shape, int | Length) else tuple(shape)
    if not all(isinstance(n, int | Length) for n in lengths):
        raise UnsupportedError("random numbers of this shape are not translated")
    kind = str(dtype or beside.tensor.dtype)
    if not kind.startswith("float"):
        raise UnsupportedError("random whole numbers are not translated")
    sizes = tuple(tuple(n.runs[k] if isinstance(n, Length) else n for n in lengths) for k in (0, 1))
    result: Value
    # Lengths that are free look alike here: only the batch is surely the same.
    alike = sizes == beside.sizes and beside.shape.count(None) < 2
    if alike and kind == beside.tensor.dtype:
        result = applied(lambda x: call(like, x.expr), beside)
        return result

    def drawn(x: Tensor, lengths: Any) -> Any:
        more = {"dtype": getattr(torch, kind)} if kind != "float32" else {}
        return call(new, *lengths, **more, device=Field(x.expr, "device"))

    result = applied(drawn, beside, lengths)
    return result
