"""TensorFlow's rarer functions: statistics, counting, random images, stateless random numbers."""

from __future__ import annotations

from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Binary, Field, Unary, call
from torchtwin.nn.counting import confusion_matrix, histogram_of, random_crop, random_flip
from torchtwin.ops.functions import named, operation_for
from torchtwin.ops.functions_tf import run, whole
from torchtwin.ops.operands import is_literal, operand
from torchtwin.ops.random import (
    dtype_of,
    fixed,
    gamma,
    lengths,
    normal,
    truncated,
    uniform,
)
from torchtwin.ops.random import whole as whole_numbers
from torchtwin.ops.reduce import dims_of, reduced
from torchtwin.ops.registry import expr
from torchtwin.view import Tensor


@named("tf.truncatediv")
def truncatediv(x: Tensor, y: Any) -> Any:
    return call(torch.div, x.expr, operand(y), rounding_mode="trunc")


@named("tf.identity_n")
def identity_n(input: Any) -> Any:  # noqa: A002
    return expr(input)


@named("tf.linalg.adjoint")
def adjoint(matrix: Tensor) -> Any:
    return Field(matrix.expr, "mH")


@named("tf.math.invert_permutation")
def invert_permutation(x: Tensor) -> Any:
    return whole(x.expr.argsort(), "int32")


@named("tf.math.polyval")
def polyval(coeffs: Any, x: Any) -> Any:
    if not isinstance(coeffs, list | tuple) or not coeffs:
        raise UnsupportedError("tf.math.polyval of coefficients that the program computes")
    result = operand(coeffs[0])
    for value in coeffs[1:]:
        result = Binary("+", Binary("*", result, operand(x)), operand(value))
    return result


@named("tf.math.polygamma")
def polygamma(a: Any, x: Tensor) -> Any:
    if not is_literal(a):
        raise UnsupportedError("tf.math.polygamma of an order that the program computes")
    return call(torch.special.polygamma, int(a), x.expr)


@named("tf.math.lbeta")
def lbeta(x: Tensor) -> Any:
    return x.expr.lgamma().sum(-1) - x.expr.sum(-1).lgamma()


@named("tf.math.confusion_matrix")
def confusion(
    labels: Tensor, predictions: Tensor, num_classes: Any = None, weights: Any = None,
    dtype: Any = "int32",
) -> Any:  # fmt: skip
    given = {"classes": expr(num_classes), "weights": expr(weights)}
    more = {k: v for k, v in given.items() if v is not None}
    found = call(confusion_matrix, labels.expr, predictions.expr, **more)
    return found if dtype == "int32" and weights is None else found.to(getattr(torch, str(dtype)))


@named("tf.histogram_fixed_width")
def histogram_fixed_width(values: Tensor, value_range: Any, nbins: Any = 100) -> Any:
    return call(histogram_of, values.expr, expr(value_range), count=expr(nbins))


@named("tf.nn.weighted_moments")
def weighted_moments(x: Tensor, axes: Any, frequency_weights: Tensor, keepdims: Any = False) -> Any:
    dims, w = dims_of(x, axes), frequency_weights.expr.expand_as(x.expr)
    total = reduced(w, "sum", dims, True)
    mean = reduced(x.expr * w, "sum", dims, True) / total
    spread = reduced((x.expr - mean).square() * w, "sum", dims, True) / total
    if keepdims:
        return mean, spread
    return mean.squeeze(dims), spread.squeeze(dims)


@named("tf.nn.log_poisson_loss")
def log_poisson_loss(targets: Tensor, log_input: Tensor) -> Any:
    return log_input.expr.exp() - log_input.expr * targets.expr


@named("tf.linalg.lstsq")
def lstsq(matrix: Any, rhs: Any, l2_regularizer: Any = 0.0, fast: Any = True) -> Any:
    del fast
    if not is_literal(l2_regularizer) or l2_regularizer:
        raise UnsupportedError("tf.linalg.lstsq(l2_regularizer=...) is not translated")
    return run("Lstsq", matrix, rhs)


# Random numbers whose seed is an argument: the same numbers at every call.


def _pair(seed: Any) -> dict[str, Any]:
    parts = seed if isinstance(seed, list | tuple) else ()
    if len(parts) != 2 or not all(map(is_literal, parts)):
        raise UnsupportedError("stateless random numbers with a seed that the program computes")
    return fixed(int(parts[0]) * 2**32 + int(parts[1]))


@named("tf.random.stateless_normal")
def stateless_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None
) -> Any:
    return normal(shape, mean, stddev, dtype, _pair(seed))


@named("tf.random.stateless_truncated_normal")
def stateless_truncated_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None
) -> Any:
    return truncated(shape, mean, stddev, dtype, _pair(seed))


@named("tf.random.stateless_uniform")
def stateless_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = None
) -> Any:
    if dtype in ("int32", "int64"):
        return whole_numbers(shape, minval, maxval, dtype, _pair(seed))
    return uniform(shape, minval, 1.0 if maxval is None else maxval, dtype, _pair(seed))


@named("tf.random.gamma")
def tf_gamma(shape: Any, alpha: Any, beta: Any = None, dtype: Any = None, seed: Any = None) -> Any:
    del seed
    if not is_literal(alpha):
        raise UnsupportedError("tf.random.gamma with tensors is not translated")
    drawn = gamma(shape, alpha, dtype)
    return drawn if beta is None else drawn / operand(beta)


@named("tf.random.poisson")
def poisson(shape: Any, lam: Any, dtype: Any = None, seed: Any = None) -> Any:
    del seed
    if not is_literal(lam):
        raise UnsupportedError("tf.random.poisson with tensors is not translated")
    rates = call(torch.full, tuple(lengths(shape)), float(lam), **dtype_of(dtype))
    return call(torch.poisson, rates)


# Images at random: one draw for all, but for flips, as in TensorFlow.


def _between(low: Any, high: Any) -> Any:
    return call(torch.rand, ()) * Binary("-", operand(high), operand(low)) + operand(low)


def _flipped(dim: int) -> Any:
    def flipped(image: Tensor, seed: Any = None) -> Any:
        del seed
        return call(random_flip, image.expr, dim)

    return flipped


named("tf.image.random_flip_left_right")(_flipped(-2))
named("tf.image.random_flip_up_down")(_flipped(-3))


@named("tf.image.random_brightness")
def random_brightness(image: Tensor, max_delta: Any, seed: Any = None) -> Any:
    del seed
    delta = _between(Unary("-", operand(max_delta)), max_delta)
    return operation_for("tf.image.adjust_brightness", [image, delta], {})


def _adjusted(name: str) -> Any:
    def adjusted(image: Tensor, lower: Any, upper: Any, seed: Any = None) -> Any:
        del seed
        return operation_for(f"tf.image.adjust_{name}", [image, _between(lower, upper)], {})

    return adjusted


named("tf.image.random_contrast")(_adjusted("contrast"))
named("tf.image.random_saturation")(_adjusted("saturation"))


@named("tf.image.random_hue")
def random_hue(image: Tensor, max_delta: Any, seed: Any = None) -> Any:
    del seed
    delta = _between(Unary("-", operand(max_delta)), max_delta)
    return operation_for("tf.image.adjust_hue", [image, delta], {})


@named("tf.image.random_crop")
def random_crop_(value: Tensor, size: Any, seed: Any = None) -> Any:
    del seed
    return call(random_crop, value.expr, expr(size))
