"""Functions of Keras's old backend, `K`, that are more than another name for an operation."""

from __future__ import annotations

import math
import re
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, Field, Source, call
from torchtwin.nn.switch import switch
from torchtwin.ops.functions import named
from torchtwin.ops.functions_tf import l2_normalized, run
from torchtwin.ops.operands import is_literal, is_number, tensor
from torchtwin.ops.registry import expr
from torchtwin.view import Tensor

CLAMPED = re.compile(r"\.clamp\((min=)?\d[\d.e-]*(, [^()]*)?\)$")
"""Source of a tensor that has nothing under zero."""


@named("keras.backend.epsilon", "keras.config.epsilon")
def epsilon() -> Any:
    return Source("1e-7", number=True)


@named("keras.backend.floatx", "keras.config.floatx")
def floatx() -> Any:
    return Source("torch.float32")


@named("keras.backend.image_data_format", "keras.config.image_data_format")
def image_data_format() -> Any:
    return Source('"channels_last"')


@named("keras.backend.sqrt")
def sqrt(x: Any) -> Any:
    """Keras's backend takes the root of what is under zero as zero."""
    if is_number(x):
        low = x if is_literal(x) and x >= 0 else Call(max, (x, 0.0), {})
        return Call(math.sqrt, (low,), {})
    known = isinstance(x, Tensor) and isinstance(x.expr, Source) and CLAMPED.search(x.expr.text)
    value = tensor(x).expr
    return (value if known else value.clamp(min=0)).sqrt()


@named("keras.backend.hard_sigmoid")
def hard_sigmoid(x: Tensor) -> Any:
    """0.2 x + 0.5, cut at 0 and 1; Keras 3's own has another slope."""
    return (0.2 * x.expr + 0.5).clamp(0, 1)


@named("keras.backend.backend", "keras.config.backend")
def backend() -> Any:
    """What a program does on TensorFlow is what is translated, where it asks."""
    return Source('"tensorflow"')


@named("keras.backend.l2_normalize")
def l2_normalize(x: Tensor, axis: Any = None) -> Any:
    return l2_normalized(x, axis)


def _position(name: str) -> Any:
    def position(x: Tensor, axis: Any = -1) -> Any:
        number = x.expr.int() if x.dtype == "bool" else x.expr
        return getattr(number, name)(x.axis(expr(axis)))

    return position


named("keras.backend.argmax")(_position("argmax"))
named("keras.backend.argmin")(_position("argmin"))


@named("keras.backend.arange")
def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Any:
    start, stop = (0, start) if stop is None else (start, stop)
    return run("Arange", start, stop, step, dtype)


@named("keras.backend.constant", "keras.backend.variable")
def constant(value: Any, dtype: Any = None, shape: Any = None) -> Any:
    made = run("ConvertToTensor", value, dtype or "float32")
    if shape is None:
        return made
    return made.expand(expr(shape)) if is_number(value) else made.reshape(expr(shape))


@named("keras.backend.cast_to_floatx")
def cast_to_floatx(x: Any) -> Any:
    return run("Cast", x, "float32")


@named("keras.backend.get_value", "keras.backend.eval")
def get_value(x: Tensor) -> Any:
    return x.expr.detach().cpu().numpy()


def _stored(x: Tensor, value: Any) -> Any:
    """Return a variable's new value, which takes no part in gradients."""
    return Field(x.expr, "data").copy_(value)


@named("keras.backend.set_value")
def set_value(x: Tensor, value: Any) -> Any:
    return _stored(x, tensor(value).expr)


@named("keras.backend.update")
def update(x: Tensor, new_x: Any) -> Any:
    return _stored(x, tensor(new_x).expr)


@named("keras.backend.update_add")
def update_add(x: Tensor, increment: Any) -> Any:
    return Field(x.expr, "data").add_(expr(increment))


@named("keras.backend.update_sub")
def update_sub(x: Tensor, decrement: Any) -> Any:
    return Field(x.expr, "data").sub_(expr(decrement))


@named("keras.backend.moving_average_update")
def moving_average_update(x: Tensor, value: Any, momentum: Any) -> Any:
    return _stored(x, x.expr * expr(momentum) + expr(value) * (1 - expr(momentum)))


@named("keras.backend.switch")
def switch_(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    return call(switch, expr(condition), expr(then_expression), expr(else_expression))


@named("keras.backend.gather")
def gather(reference: Tensor, indices: Any) -> Any:
    return run("Take", reference, indices, axis=0)


@named("keras.backend.repeat")
def repeat(x: Tensor, n: Any) -> Any:
    """(batch, features), repeated along new steps."""
    return x.expr[:, None].repeat(1, expr(n), 1)


@named("keras.backend.count_params")
def count_params(x: Tensor) -> Any:
    return x.expr.numel()


@named("keras.backend.to_dense", "keras.backend.print_tensor")
def unchanged(x: Any = None, tensor: Any = None) -> Any:
    return expr(tensor if x is None else x)


@named("keras.backend.is_sparse")
def is_sparse(tensor: Any) -> Any:
    del tensor
    return Source("False", number=True)


@named("keras.backend.temporal_padding")
def temporal_padding(x: Tensor, padding: Any = (1, 1)) -> Any:
    return _padded(x, [padding])


@named("keras.backend.spatial_2d_padding")
def spatial_2d_padding(x: Tensor, padding: Any = ((1, 1), (1, 1)), data_format: Any = None) -> Any:
    if data_format not in (None, "channels_last"):
        raise UnsupportedError("K.spatial_2d_padding of channels-first data is not translated")
    return _padded(x, padding)


def _padded(x: Tensor, padding: Any) -> Any:
    pairs = [*padding] if isinstance(padding, list | tuple) else None
    if pairs is None or not all(isinstance(pair, list | tuple) for pair in pairs):
        raise UnsupportedError("padding that the program computes is not translated")
    return run("Pad", x, [(0, 0), *pairs, (0, 0)])


@named("keras.backend.binary_crossentropy")
def binary_crossentropy(target: Tensor, output: Tensor, from_logits: Any = False) -> Any:
    if isinstance(from_logits, Expr):
        raise UnsupportedError("K.binary_crossentropy needs to know from_logits")
    if from_logits:
        return run_named("tf.nn.sigmoid_cross_entropy_with_logits", target, output)
    p = output.expr.clamp(1e-7, 1 - 1e-7)
    return -(target.expr * (p + 1e-7).log() + (1 - target.expr) * (1 - p + 1e-7).log())


@named("keras.backend.categorical_crossentropy")
def categorical_crossentropy(
    target: Tensor, output: Tensor, from_logits: Any = False, axis: Any = -1
) -> Any:
    if isinstance(from_logits, Expr):
        raise UnsupportedError("K.categorical_crossentropy needs to know from_logits")
    if from_logits:
        return run_named("tf.nn.softmax_cross_entropy_with_logits", target, output, axis)
    dim = expr(axis)
    p = (output.expr / output.expr.sum(dim, keepdim=True)).clamp(1e-7, 1 - 1e-7)
    return -(target.expr * p.log()).sum(dim)


def run_named(name: str, *args: Any) -> Any:
    from torchtwin.ops.functions import operation_for

    return operation_for(name, args, {})


@named("keras.backend.sparse_categorical_crossentropy")
def sparse_categorical_crossentropy(
    target: Tensor, output: Tensor, from_logits: Any = False, axis: Any = -1,
    ignore_class: Any = None,
) -> Any:  # fmt: skip
    if isinstance(from_logits, Expr) or axis != -1 or ignore_class is not None:
        raise UnsupportedError("K.sparse_categorical_crossentropy of these arguments")
    logits = output if from_logits else Tensor(output.expr.clamp(1e-7, 1 - 1e-7).log(), (), "",
                                               known=False)  # fmt: skip
    return run_named("tf.nn.sparse_softmax_cross_entropy_with_logits", target, logits)


@named("tf.compat.v1.to_float")
def to_float(x: Any) -> Any:
    return run("Cast", x, "float32")


@named("tf.compat.v1.to_int32")
def to_int32(x: Any) -> Any:
    return run("Cast", x, "int32")


@named("tf.compat.v1.to_int64")
def to_int64(x: Any) -> Any:
    return run("Cast", x, "int64")


@named("keras.backend.spatial_3d_padding")
def spatial_3d_padding(
    x: Tensor, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: Any = None
) -> Any:
    if data_format not in (None, "channels_last"):
        raise UnsupportedError("K.spatial_3d_padding of channels-first data is not translated")
    return _padded(x, padding)
