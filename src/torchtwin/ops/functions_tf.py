"""TensorFlow's functions that are more than another name for an operation."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Binary, Call, Expr, call, equal
from torchtwin.nn.arithmetic import divide_no_nan, product_before
from torchtwin.nn.clip import clip_by_global_norm, clip_by_norm, l2_normalize
from torchtwin.nn.order import unique_in_order
from torchtwin.ops.functions import named
from torchtwin.ops.operands import is_literal, is_number, operand
from torchtwin.ops.reduce import dims_of, kept, reduced
from torchtwin.ops.registry import OPERATIONS, expr, is_floating
from torchtwin.view import Tensor

CASTS = {"int32": "int", "int64": "long"}


def run(name: str, *args: Any, **kwargs: Any) -> Any:
    """Return what an operation gives."""
    return OPERATIONS[name](args, kwargs)


def whole(x: Any, dtype: Any, given: str = "int64") -> Any:
    """Return whole numbers, which have the dtype `given`, as those of another."""
    if dtype in (given, None):
        return x
    if dtype not in CASTS:
        raise UnsupportedError(f"whole numbers as {dtype} are not translated")
    return getattr(x, CASTS[dtype])()


def _refuse_whole(x: Any, name: str) -> None:
    if isinstance(x, Tensor) and not is_floating(x):
        raise UnsupportedError(f"{name} of whole numbers is not translated")


@named("tf.reduce_mean")
def reduce_mean(input_tensor: Any, axis: Any = None, keepdims: Any = False) -> Any:
    _refuse_whole(input_tensor, "tf.reduce_mean")  # TensorFlow gives a whole number
    return run("Mean", input_tensor, axis, keepdims or False)


@named("tf.divide", "tf.truediv", "tf.compat.v1.div")
def divide(x: Any, y: Any) -> Any:
    for value in (x, y):  # float64 in TensorFlow; tf.div gave whole numbers
        _refuse_whole(value, "division in TensorFlow")
    return Binary("/", operand(x), operand(y))


def _position(name: str) -> Any:
    def position(input: Tensor, axis: Any = None, output_type: Any = "int64") -> Any:  # noqa: A002
        number = input.expr.int() if input.dtype == "bool" else input.expr
        found = getattr(number, name)(input.axis(0 if axis is None else expr(axis)))
        return whole(found, output_type)

    return position


named("tf.argmax")(_position("argmax"))
named("tf.argmin")(_position("argmin"))


@named("tf.sort")
def sort(values: Tensor, axis: Any = -1, direction: Any = "ASCENDING") -> Any:
    return values.expr.sort(**_ordered(axis, direction))[0]


@named("tf.argsort")
def argsort(
    values: Tensor, axis: Any = -1, direction: Any = "ASCENDING", stable: Any = False
) -> Any:
    del stable  # stable in any case
    return values.expr.argsort(**_ordered(axis, direction), stable=True).int()


def _ordered(axis: Any, direction: Any) -> dict[str, Any]:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise UnsupportedError("a direction that the program computes is not translated")
    dim = {} if is_literal(axis) and axis == -1 else {"dim": expr(axis)}
    return {**dim, **({"descending": True} if direction == "DESCENDING" else {})}


@named("tf.cumsum")
def cumsum(x: Tensor, axis: Any = 0, exclusive: Any = False, reverse: Any = False) -> Any:
    def total(value: Any) -> Any:
        dtype = {} if is_floating(x) or x.dtype == "int64" else {"dtype": torch.int32}
        return value.cumsum(expr(axis), **dtype)

    return _running(x, total, axis, exclusive=exclusive, reverse=reverse,
                    without=lambda all_, own: all_ - own)  # fmt: skip


@named("tf.math.cumprod")
def cumprod(x: Tensor, axis: Any = 0, exclusive: Any = False, reverse: Any = False) -> Any:
    def total(value: Any) -> Any:
        return value.cumprod(expr(axis))

    return _running(x, total, axis, exclusive=exclusive, reverse=reverse,
                    without=lambda _, own: call(product_before, own, expr(axis)))  # fmt: skip


@named("tf.math.cumulative_logsumexp")
def cumulative_logsumexp(
    x: Tensor, axis: Any = 0, exclusive: Any = False, reverse: Any = False
) -> Any:
    if exclusive:
        raise UnsupportedError("tf.math.cumulative_logsumexp(exclusive=True) is not translated")
    return _running(x, lambda v: v.logcumsumexp(expr(axis)), axis, exclusive=False, reverse=reverse)


def _running(
    x: Tensor, total: Any, axis: Any, *, exclusive: Any, reverse: Any, without: Any = None
) -> Any:
    if isinstance(exclusive, Expr) or isinstance(reverse, Expr):
        raise UnsupportedError("running sums whose order the program computes are not translated")
    own = x.expr.flip(expr(axis)) if reverse else x.expr
    result = without(total(own), own) if exclusive else total(own)
    return result.flip(expr(axis)) if reverse else result


@named("tf.math.count_nonzero")
def count_nonzero(
    input: Tensor, axis: Any = None, keepdims: Any = False, dtype: Any = "int64"  # noqa: A002
) -> Any:  # fmt: skip
    dims = dims_of(input, axis)
    if not keepdims:
        found = input.expr.count_nonzero(*(() if dims is None else (dims,)))
    else:
        found = reduced(Binary("!=", input.expr, 0), "sum", dims, keepdims)
    return whole(found, dtype)


@named("tf.searchsorted")
def searchsorted(
    sorted_sequence: Tensor, values: Tensor, side: Any = "left", out_type: Any = "int32"
) -> Any:
    if side not in ("left", "right"):
        raise UnsupportedError("tf.searchsorted of this side is not translated")
    more = {"right": True} if side == "right" else {}
    found = call(torch.searchsorted, sorted_sequence.expr, values.expr, **more)
    return whole(found, out_type)


@named("tf.unique")
def unique(x: Tensor, out_idx: Any = "int32") -> Any:
    if out_idx != "int32":
        raise UnsupportedError("tf.unique(out_idx=...) is not translated")
    return call(unique_in_order, x.expr)[:2]


@named("tf.unique_with_counts")
def unique_with_counts(x: Tensor, out_idx: Any = "int32") -> Any:
    if out_idx != "int32":
        raise UnsupportedError("tf.unique_with_counts(out_idx=...) is not translated")
    return call(unique_in_order, x.expr)


@named("tf.math.bincount")
def bincount(arr: Tensor, weights: Any = None, minlength: Any = None, maxlength: Any = None) -> Any:
    """Numbers from `maxlength` on are not counted."""
    counts = run("Bincount", arr, weights, minlength or 0)
    return counts if maxlength is None else counts[:maxlength]


@named("tf.norm")
def norm(
    tensor: Tensor, ord: Any = "euclidean", axis: Any = None, keepdims: Any = None  # noqa: A002
) -> Any:  # fmt: skip
    """Of all numbers, whatever the axes are, where Keras and PyTorch have norms of matrices."""
    x, dims = tensor, dims_of(tensor, axis)
    matrix = isinstance(axis, list | tuple) and len(axis) == 2
    if isinstance(ord, Expr) or (matrix and ord not in ("euclidean", "fro", 2)):
        raise UnsupportedError("tf.norm of this order is not translated")
    if matrix and ord == 2:
        raise UnsupportedError("tf.norm(ord=2) of matrices is not translated")
    order = {} if ord in ("euclidean", "fro", 2) else {"ord": ord}
    given = {} if dims is None else {"dim": dims}
    return call(torch.linalg.vector_norm, x.expr, **order, **given, **kept(keepdims))


@named("tf.math.reduce_euclidean_norm")
def euclidean_norm(input_tensor: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
    return norm(input_tensor, "euclidean", axis, keepdims)


@named("tf.math.l2_normalize")
def l2_normalized(x: Tensor, axis: Any = None, epsilon: Any = 1e-12) -> Any:
    """TensorFlow divides by the root of at least epsilon, PyTorch by at least eps."""
    dims = dims_of(x, axis)
    if isinstance(dims, int) and is_literal(epsilon):
        return call(F.normalize, x.expr, dim=dims, eps=math.sqrt(epsilon))
    more = {} if is_literal(epsilon) and epsilon == 1e-12 else {"epsilon": expr(epsilon)}
    return call(l2_normalize, x.expr, **({} if dims is None else {"dim": dims}), **more)


@named("tf.linalg.normalize")
def normalize(tensor: Tensor, ord: Any = "euclidean", axis: Any = None) -> Any:  # noqa: A002
    length = norm(tensor, ord, axis, True)
    return tensor.expr / length, length


@named("tf.clip_by_norm")
def clip_norm(t: Tensor, clip_norm: Any, axes: Any = None) -> Any:
    dims = dims_of(t, axes)
    return call(clip_by_norm, t.expr, expr(clip_norm), **({} if dims is None else {"dim": dims}))


@named("tf.clip_by_global_norm")
def clip_global_norm(t_list: Any, clip_norm: Any, use_norm: Any = None) -> Any:
    more = {} if use_norm is None else {"use_norm": expr(use_norm)}
    return call(clip_by_global_norm, expr(t_list), expr(clip_norm), **more)


@named("tf.linalg.global_norm")
def global_norm(t_list: Any) -> Any:
    return call(clip_by_global_norm, expr(t_list), 1.0)[1]


@named("tf.add_n", "tf.math.accumulate_n")
def add_n(inputs: Any) -> Any:
    if not isinstance(inputs, list | tuple):
        return Call(sum, (expr(inputs),), {})
    total = operand(inputs[0])
    for value in inputs[1:]:
        total = Binary("+", total, operand(value))
    return total


@named("tf.math.squared_difference")
def squared_difference(x: Any, y: Any) -> Any:
    return Binary("**", Binary("-", operand(x), operand(y)), 2)


@named("tf.math.reciprocal_no_nan")
def reciprocal_no_nan(x: Tensor) -> Any:
    return call(divide_no_nan, call(torch.ones_like, x.expr), x.expr)


@named("tf.math.multiply_no_nan")
def multiply_no_nan(x: Any, y: Tensor) -> Any:
    return call(torch.where, equal(y.expr, 0), 0.0, Binary("*", operand(x), y.expr))


@named("tf.math.xdivy")
def xdivy(x: Tensor, y: Any) -> Any:
    return call(torch.where, equal(x.expr, 0), 0.0, Binary("/", x.expr, operand(y)))


@named("tf.where")
def where(condition: Tensor, x: Any = None, y: Any = None) -> Any:
    """Without values the places where a condition holds, one in each row."""
    if x is None and y is None:
        return condition.expr.nonzero()
    known = Tensor(condition.expr, condition.shape, condition.dtype or "bool", condition.layout,
                   condition.known)  # fmt: skip
    return run("Where", known, x, y)


@named("tf.range")
def range_(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None) -> Any:
    start, limit = (0, start) if limit is None else (start, limit)
    return run("Arange", start, limit, delta, dtype)


@named("tf.constant")
def constant(value: Any, dtype: Any = None, shape: Any = None) -> Any:
    made = run("ConvertToTensor", value, dtype)
    if shape is None:
        return made
    if is_number(value):
        return made.expand(expr(shape))
    return made.reshape(expr(shape))


@named("tf.get_static_value")
def get_static_value(tensor: Tensor) -> Any:
    return tensor.expr.detach().cpu().numpy()


@named("tf.ensure_shape")
def ensure_shape(x: Tensor, shape: Any) -> Any:
    del shape  # what Keras is told of a shape
    return x.expr
