"""Random numbers: the same distributions, other numbers than Keras's, whatever the seed."""

from __future__ import annotations

import re
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Field, Item, Method, Source, call
from torchtwin.ops.functions import named
from torchtwin.ops.operands import is_literal, is_number, operand, tensor
from torchtwin.ops.registry import expr
from torchtwin.view import Tensor

SHAPE = re.compile(r"(\w+(?:\.\w+)*)\.shape")
FLOATS = frozenset(["float16", "bfloat16", "float32", "float64"])


def fixed(seed: Any) -> dict[str, Any]:
    """Return the generator of a seed.

    keras.random draws the same numbers at every call with a whole number as its seed; a
    SeedGenerator goes on, as PyTorch's own generator does.
    """
    if is_literal(seed):
        return {"generator": Method(call(torch.Generator), "manual_seed", (seed,), {})}
    return {}


def lengths(shape: Any) -> list[Any]:
    """Return the arguments that say a shape: its lengths, or one expression of all of them."""
    if isinstance(shape, list | tuple):
        return [expr(n) for n in shape] or [()]
    return [expr(shape)]


def dtype_of(dtype: Any) -> dict[str, Any]:
    if dtype is None or dtype == "float32":
        return {}
    if isinstance(dtype, Expr):
        return {"dtype": dtype}
    if dtype not in FLOATS:
        raise UnsupportedError(f"random numbers of the dtype {dtype} are not translated")
    return {"dtype": getattr(torch, dtype)}


def drawn(new: Any, like: Any, shape: Any, dtype: Any, more: dict[str, Any]) -> Expr:
    """Return new random numbers; with the shape of a tensor those that are like it."""
    beside = shape_of_what(shape)
    if beside is not None and not more and dtype is None:
        return call(like, beside)
    return call(new, *lengths(shape), **dtype_of(dtype), **more)


def shape_of_what(shape: Any) -> Expr | None:
    if isinstance(shape, Field) and shape.name == "shape":
        found: Expr = shape.subject
        return found
    match = SHAPE.fullmatch(shape.text) if isinstance(shape, Source) else None
    return Source(match[1]) if match else None


def moved(noise: Any, scale: Any, offset: Any) -> Any:
    """Return noise times `scale` plus `offset`."""
    result = noise
    if not (is_literal(scale) and scale == 1):
        result = result * operand(scale)
    if not (is_literal(offset) and offset == 0):
        result = result + operand(offset)
    return result


def normal(shape: Any, mean: Any, stddev: Any, dtype: Any, more: dict[str, Any]) -> Any:
    return moved(drawn(torch.randn, torch.randn_like, shape, dtype, more), stddev, mean)


def uniform(shape: Any, minval: Any, maxval: Any, dtype: Any, more: dict[str, Any]) -> Any:
    noise = drawn(torch.rand, torch.rand_like, shape, dtype, more)
    if is_literal(minval) and is_literal(maxval):
        return moved(noise, maxval - minval, minval)
    zero = is_literal(minval) and minval == 0
    return moved(noise, maxval if zero else operand(maxval) - operand(minval), minval)


def whole(shape: Any, minval: Any, maxval: Any, dtype: Any, more: dict[str, Any]) -> Any:
    """Whole numbers under maxval."""
    low = [] if is_literal(minval) and minval == 0 else [expr(minval)]
    size = expr(shape) if isinstance(shape, list | tuple) else lengths(shape)[0]
    size = tuple(size) if isinstance(size, list) else size
    return call(
        torch.randint, *low, expr(maxval), size, dtype=getattr(torch, str(dtype)), **more
    )  # fmt: skip


def truncated(shape: Any, mean: Any, stddev: Any, dtype: Any, more: dict[str, Any]) -> Any:
    """Within two standard deviations: what lies outside is drawn again."""
    mean, stddev = operand(mean), operand(stddev)
    empty = call(torch.empty, *lengths(shape), **dtype_of(dtype))
    if is_number(mean) and is_number(stddev):
        ends = (mean - 2 * stddev, mean + 2 * stddev)
        return call(nn.init.trunc_normal_, empty, mean, stddev, *ends, **more)
    return moved(call(nn.init.trunc_normal_, empty, **more), stddev, mean)


@named("keras.random.normal")
def keras_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    return normal(shape, mean, stddev, dtype, fixed(seed))


@named("keras.backend.random_normal", "tf.random.normal")
def tf_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    del seed  # of TensorFlow's sequence of numbers
    return normal(shape, mean, stddev, dtype, {})


@named("keras.random.uniform")
def keras_uniform(
    shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    return uniform(shape, minval, maxval, dtype, fixed(seed))


@named("keras.backend.random_uniform")
def backend_uniform(
    shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    del seed
    return uniform(shape, minval, maxval, dtype, {})


@named("tf.random.uniform")
def tf_uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = None, seed: Any = None
) -> Any:
    del seed
    if dtype in ("int32", "int64"):
        if maxval is None:
            raise UnsupportedError("tf.random.uniform of whole numbers without their end")
        return whole(shape, minval, maxval, dtype, {})
    return uniform(shape, minval, 1.0 if maxval is None else maxval, dtype, {})


@named("keras.random.randint")
def randint(shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Any:
    if dtype not in ("int32", "int64", "int8", "int16", "uint8"):
        raise UnsupportedError(f"random whole numbers of the dtype {dtype} are not translated")
    return whole(shape, minval, maxval, dtype, fixed(seed))


@named("keras.random.truncated_normal")
def keras_truncated(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    return truncated(shape, mean, stddev, dtype, fixed(seed))


@named("tf.random.truncated_normal", "keras.backend.truncated_normal")
def tf_truncated(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    del seed
    return truncated(shape, mean, stddev, dtype, {})


def _categorical(logits: Tensor, count: Any, more: dict[str, Any]) -> Any:
    chances = call(F.softmax, logits.expr, dim=-1)
    return chances.multinomial(expr(count), replacement=True, **more)


@named("keras.random.categorical")
def keras_categorical(
    logits: Tensor, num_samples: Any, dtype: Any = "int32", seed: Any = None
) -> Any:
    found = _categorical(logits, num_samples, fixed(seed))
    return found if dtype == "int64" else found.to(getattr(torch, str(dtype)))


@named("tf.random.categorical")
def tf_categorical(logits: Tensor, num_samples: Any, dtype: Any = "int64", seed: Any = None) -> Any:
    del seed
    return keras_categorical(logits, num_samples, dtype or "int64")


@named("keras.random.shuffle")
def keras_shuffle(x: Tensor, axis: Any = 0, seed: Any = None) -> Any:
    return _shuffled(x, axis, fixed(seed))


@named("tf.random.shuffle")
def tf_shuffle(value: Tensor, seed: Any = None) -> Any:
    del seed
    return _shuffled(value, 0, {})


def _shuffled(x: Tensor, axis: Any, more: dict[str, Any]) -> Any:
    count = Item(Field(x.expr, "shape"), expr(axis))
    order = call(torch.randperm, count, device=Field(x.expr, "device"), **more)
    return x.expr[order] if axis == 0 else x.expr.index_select(expr(axis), order)


@named("keras.backend.random_bernoulli", "keras.backend.random_binomial")
def bernoulli(shape: Any, p: Any = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    del seed
    noise = drawn(torch.rand, torch.rand_like, shape, dtype, {})
    below = noise < operand(p)
    return below.to(dtype_of(dtype).get("dtype", torch.float32))


@named("tf.random.set_seed", "tf.compat.v1.set_random_seed")
def set_seed(seed: Any) -> Any:
    return call(torch.manual_seed, expr(seed))


@named("keras.random.SeedGenerator")
def seed_generator(*seeds: Any, **named_seeds: Any) -> Any:
    del seeds, named_seeds  # PyTorch's own generator does its work
    return Source("None")


def _sampled(distribution: Any, shape: Any, *parameters: Any) -> Any:
    """Draw from a distribution whose parameters broadcast to the shape."""
    if all(map(is_number, parameters)):
        given = [float(p) if is_literal(p) else p for p in parameters]
        return call(distribution, *given).rsample(_size(shape))
    given = [tensor(p).expr.expand(_size(shape)) for p in parameters]
    return call(distribution, *given).rsample()


def _size(shape: Any) -> Any:
    return tuple(map(expr, shape)) if isinstance(shape, list | tuple) else expr(shape)


@named("keras.random.gamma")
def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Any:
    _refuse_fixed(seed, dtype)
    return _sampled(torch.distributions.Gamma, shape, alpha, 1.0)


@named("keras.random.beta")
def beta_(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Any:
    _refuse_fixed(seed, dtype)
    return _sampled(torch.distributions.Beta, shape, alpha, beta)


@named("keras.random.binomial")
def binomial(
    shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None
) -> Any:
    _refuse_fixed(seed, dtype)
    given = [tensor(p).expr.expand(_size(shape)) for p in (counts, probabilities)]
    return call(torch.distributions.Binomial, *given).sample()


def _refuse_fixed(seed: Any, dtype: Any) -> None:
    if is_literal(seed) or dtype not in (None, "float32"):
        raise UnsupportedError("random numbers with this seed or dtype are not translated")
