"""tf.nn: activations with arguments of their own, normalisation, losses."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Binary, Unary, call
from torchtwin.nn.switch import dropout as dropout_along
from torchtwin.ops.functions import named
from torchtwin.ops.operands import is_literal, operand
from torchtwin.ops.registry import expr
from torchtwin.view import Tensor


@named("tf.nn.silu")
def silu(features: Tensor, beta: Any = 1.0) -> Any:
    if is_literal(beta) and beta == 1:
        return call(F.silu, features.expr)
    return features.expr * call(torch.sigmoid, Binary("*", expr(beta), features.expr))


@named("tf.nn.crelu")
def crelu(features: Tensor, axis: Any = -1) -> Any:
    both = call(torch.cat, [features.expr, Unary("-", features.expr)], dim=expr(axis))
    return call(F.relu, both)


@named("tf.nn.l2_loss")
def l2_loss(t: Tensor) -> Any:
    return t.expr.square().sum() / 2


@named("tf.math.zero_fraction")
def zero_fraction(value: Tensor) -> Any:
    return Binary("==", value.expr, 0).float().mean()


@named("tf.nn.bias_add")
def bias_add(value: Tensor, bias: Tensor, data_format: Any = None) -> Any:
    if data_format is not None and not str(data_format).endswith("C"):
        raise UnsupportedError("tf.nn.bias_add of channels-first data is not translated")
    return value.expr + bias.expr


@named("keras.backend.bias_add")
def backend_bias_add(x: Tensor, bias: Tensor, data_format: Any = None) -> Any:
    if data_format not in (None, "channels_last"):
        raise UnsupportedError("K.bias_add of channels-first data is not translated")
    return x.expr + bias.expr


@named("tf.nn.batch_normalization")
def batch_normalization(
    x: Tensor, mean: Any, variance: Any, offset: Any, scale: Any, *, variance_epsilon: Any
) -> Any:
    inverse = (operand(variance) + expr(variance_epsilon)).rsqrt()
    inverse = inverse if scale is None else inverse * operand(scale)
    result = (x.expr - operand(mean)) * inverse
    return result if offset is None else result + operand(offset)


@named("keras.backend.batch_normalization")
def backend_batch_normalization(
    x: Tensor, mean: Any, var: Any, beta: Any, gamma: Any, axis: Any = -1, epsilon: Any = 1e-3
) -> Any:
    del axis  # Keras leaves it out as well (keras/src/legacy/backend.py)
    return batch_normalization(x, mean, var, beta, gamma, variance_epsilon=epsilon)


@named("tf.nn.dropout", "tf.compat.v1.nn.dropout")
def dropout(x: Tensor, rate: Any, noise_shape: Any = None, seed: Any = None) -> Any:
    """Drops at every call, whatever the mode; PyTorch draws others than TensorFlow from a seed."""
    del seed
    if noise_shape is not None:
        return call(dropout_along, x.expr, expr(rate), expr(noise_shape))
    return call(F.dropout, x.expr, p=expr(rate))


@named("keras.backend.dropout")
def backend_dropout(x: Tensor, level: Any, noise_shape: Any = None, seed: Any = None) -> Any:
    return dropout(x, level, noise_shape, seed)


@named("keras.random.dropout")
def random_dropout(inputs: Tensor, rate: Any, noise_shape: Any = None, seed: Any = None) -> Any:
    if is_literal(seed):  # the same mask at every call
        raise UnsupportedError("keras.random.dropout with a number as its seed is not translated")
    return dropout(inputs, rate, noise_shape)


@named("tf.nn.sigmoid_cross_entropy_with_logits")
def sigmoid_cross_entropy(labels: Tensor, logits: Tensor) -> Any:
    return call(
        F.binary_cross_entropy_with_logits, logits.expr, labels.expr, reduction="none"
    )  # fmt: skip


@named("tf.nn.weighted_cross_entropy_with_logits")
def weighted_cross_entropy(labels: Tensor, logits: Tensor, pos_weight: Any) -> Any:
    weight = (
        pos_weight.expr if isinstance(pos_weight, Tensor) else call(torch.as_tensor, pos_weight)
    )
    return call(
        F.binary_cross_entropy_with_logits, logits.expr, labels.expr, pos_weight=weight,
        reduction="none",
    )  # fmt: skip


@named("tf.nn.softmax_cross_entropy_with_logits")
def softmax_cross_entropy(labels: Tensor, logits: Tensor, axis: Any = -1) -> Any:
    dim = expr(axis)
    return Unary("-", (labels.expr * call(F.log_softmax, logits.expr, dim=dim)).sum(dim))


@named("tf.compat.v1.nn.softmax_cross_entropy_with_logits_v2")
def softmax_cross_entropy_v2(labels: Tensor, logits: Tensor, axis: Any = None) -> Any:
    return softmax_cross_entropy(labels, logits, -1 if axis is None else axis)


@named("tf.nn.sparse_softmax_cross_entropy_with_logits")
def sparse_softmax_cross_entropy(labels: Tensor, logits: Tensor) -> Any:
    """PyTorch wants the classes behind the batch."""
    classes = labels.expr if labels.dtype == "int64" else labels.expr.long()
    return call(F.cross_entropy, logits.expr.movedim(-1, 1), classes, reduction="none")


@named("tf.nn.embedding_lookup")
def embedding_lookup(params: Tensor, ids: Tensor) -> Any:
    return call(F.embedding, ids.expr, params.expr)


@named("keras.activations.exponential")
def exponential(x: Tensor) -> Any:
    return call(torch.exp, x.expr)
