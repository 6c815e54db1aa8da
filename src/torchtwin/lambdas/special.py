"""Functions of a Lambda that are no operations: shapes, random numbers, new tensors, Python's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Field, Method, Part, call, equal
from torchtwin.lambdas.functions import operation, run
from torchtwin.lambdas.operators import shape
from torchtwin.lambdas.values import Shape, Value, applied
from torchtwin.ops.registry import axes_of
from torchtwin.view import Tensor

Function = Callable[..., Any]
SPECIAL: dict[str, Function] = {}
"""By canonical name. The first argument is the tensor beside which new ones are made."""


def known_as(*paths: str) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        SPECIAL.update(dict.fromkeys(paths, function))
        return function

    return register


def function(
    path: str, args: Sequence[Any], kwargs: Mapping[str, Any], beside: Value | None
) -> Any:
    """Return what the function with a canonical name returns."""
    found = SPECIAL.get(path)
    if found is None:
        return operation(path, args, kwargs)
    given = {k: v for k, v in kwargs.items() if k != "name"}
    try:
        return found(beside, *args, **given)
    except TypeError as error:
        raise UnsupportedError(f"{path}: {str(error).splitlines()[0][:200]}") from error


def as_tensor(value: Any) -> Value:
    if not isinstance(value, Value):
        raise UnsupportedError("a function of tensors is called on something else")
    return value


@known_as("K.shape", "tf.shape")
def symbolic_shape(_beside: Any, x: Any, *_: Any, **__: Any) -> Shape:
    return Shape(shape(as_tensor(x)))


@known_as("K.int_shape", "keras.ops.shape", "K.get_shape")
def static_shape(_beside: Any, x: Any) -> tuple[Any, ...]:
    return shape(as_tensor(x))


@known_as("K.ndim", "keras.ops.ndim", "tf.rank")
def ndim(_beside: Any, x: Any) -> int:
    return len(as_tensor(x).shape)


@known_as("K.dtype", "keras.backend.standardize_dtype")
def dtype(_beside: Any, x: Any) -> str:
    return x.tensor.dtype if isinstance(x, Value) else str(x)


@known_as("K.epsilon", "keras.config.epsilon")
def epsilon(_beside: Any) -> float:
    return 1e-7


@known_as("K.floatx", "keras.config.floatx")
def floatx(_beside: Any) -> str:
    return "float32"


@known_as("K.sqrt")
def clipped_sqrt(_beside: Any, x: Any) -> Any:
    """Keras's backend takes the root of what is under zero as zero."""
    if _is_positive(as_tensor(x).tensor.expr):
        return applied(lambda t: t.expr.sqrt(), x)
    return applied(lambda t: t.expr.clamp(min=0).sqrt(), x)


def _is_positive(expr: Any) -> bool:
    """Tell whether an expression shows that it gives nothing under zero."""
    match expr:
        case Method(name="clamp", kwargs={"min": int() | float() as low}):
            return low >= 0
        case Method(name="square") | Call(function=torch.square):
            return True
        case Method(name="sum" | "mean" | "amax", subject=subject):
            return _is_positive(subject)
        case Part(whole=whole):
            return _is_positive(whole.expr)
    return False


@known_as("keras.ops.normalize", "keras.ops.nn.normalize", "keras.utils.normalize")
def normalize(_beside: Any, x: Any, axis: int = -1, order: int = 2, epsilon: Any = None) -> Any:
    """Both divide by at least epsilon (keras/src/ops/nn.py)."""
    if order != 2 or not isinstance(axis, int):
        raise UnsupportedError("a normalization of another order is not translated")
    eps = float(1e-7 if epsilon is None else epsilon)
    return applied(lambda t: call(F.normalize, t.expr, dim=axis, eps=eps), as_tensor(x))


@known_as("K.repeat")
def repeat(_beside: Any, x: Any, n: Any, *more: Any, **named: Any) -> Any:
    """Keras's backend repeats a (batch, features) along new steps; keras.ops each element."""
    if more or named or len(as_tensor(x).shape) != 2 or not isinstance(n, int):
        raise UnsupportedError("K.repeat of these arguments is not translated")
    return applied(lambda t: t.expr[:, None].repeat(1, n, 1), x)


@known_as("K.gather", "tf.gather")
def gather(_beside: Any, reference: Any, indices: Any, axis: int = 0) -> Any:
    if isinstance(indices, list | tuple) and all(isinstance(k, int) for k in indices):
        axis_ = axes_of(axis, len(as_tensor(reference).shape))[0]
        index = (*[slice(None)] * axis_, list(indices))
        return applied(lambda t: t.expr[index], reference)
    return run("Take", (reference, indices), {"axis": axis})


@known_as("tf.split", "keras.ops.split")
def split(
    _beside: Any,
    value: Any,
    num_or_size_splits: Any = None,
    axis: int = 0,
    *,
    indices_or_sections: Any = None,
) -> Any:
    sizes = num_or_size_splits if indices_or_sections is None else indices_or_sections
    if not isinstance(sizes, int) and indices_or_sections is None:
        sizes = [sum(sizes[: k + 1]) for k in range(len(sizes) - 1)]
    return run("Split", (value,), {"indices_or_sections": sizes, "axis": axis})


@known_as("tf.one_hot", "K.one_hot", "keras.ops.one_hot", "keras.ops.nn.one_hot")
def one_hot(
    _beside: Any, indices: Any, count: Any = None, *, depth: Any = None, num_classes: Any = None
) -> Any:
    total = next((n for n in (count, depth, num_classes) if n is not None), None)
    if not isinstance(total, int) or not as_tensor(indices).tensor.dtype.startswith(
        ("int", "uint")
    ):
        raise UnsupportedError("one_hot of these arguments is not translated")

    def compared(t: Tensor) -> Any:  # F.one_hot stops at numbers beyond the classes
        classes = call(torch.arange, total, device=Field(t.expr, "device"))
        return equal(t.expr[..., None], classes).float()

    return applied(compared, indices)
