"""Activations among the operations."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F

from torchtwin.activations import ACTIVATIONS, activated
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call, shape_of
from torchtwin.nn.activations import relu_above, squareplus
from torchtwin.ops.operands import is_literal, of_numbers, tensor
from torchtwin.ops.registry import ANY, expr, floating, op
from torchtwin.rule import Case
from torchtwin.view import Tensor

ONE = [Case({}, (2, 3, 4))]

KINDS = {
    "HardSigmoid": "hard_sigmoid", "HardSilu": "hard_silu", "HardTanh": "hard_tanh",
    "LogSigmoid": "log_sigmoid", "Relu": "relu", "Relu6": "relu6", "Selu": "selu",
    "Sigmoid": "sigmoid", "Silu": "silu", "Softplus": "softplus", "Softsign": "softsign",
    "SparsePlus": "sparse_plus", "SparseSigmoid": "sparse_sigmoid", "Tanh": "tanh",
    "TanhShrink": "tanh_shrink",
}  # fmt: skip


WHOLE = ("Relu", "HardTanh")
"""Of whole numbers these give whole numbers, and take truth values for such; others do not."""


def _activation(name: str, kind: str) -> Any:
    def activation(x: Any) -> Any:
        number = of_numbers(name, x)
        if number is not None:
            return number
        x = tensor(x)
        if name in WHOLE and x.dtype != "bool":
            return ACTIVATIONS[kind](x.expr)
        return ACTIVATIONS[kind](x.expr.int() if name in WHOLE else floating(x))

    return activation


for _name, _kind in KINDS.items():
    op(_name, layout=ANY, cases=ONE)(_activation(_name, _kind))


@op("Gelu", layout=ANY, cases=[*ONE, Case({"approximate": False}, (2, 3))])
def gelu(x: Tensor, approximate: Any = True) -> Any:
    if not isinstance(approximate, bool):
        raise UnsupportedError("Gelu(approximate=...) that the program computes is not translated")
    return call(F.gelu, floating(x), approximate="tanh" if approximate else "none")


@op("LeakyRelu", layout=ANY, cases=ONE)
def leaky_relu(x: Tensor, negative_slope: Any = 0.2) -> Any:
    return call(F.leaky_relu, floating(x), negative_slope=expr(negative_slope))


@op("Elu", layout=ANY, cases=[*ONE, Case({"alpha": 0.5}, (2, 3))])
def elu(x: Tensor, alpha: Any = 1.0) -> Any:
    return call(F.elu, floating(x), alpha=expr(alpha))


@op("Celu", layout=ANY, cases=ONE)
def celu(x: Tensor, alpha: Any = 1.0) -> Any:
    return call(F.celu, floating(x), alpha=expr(alpha))


@op("HardShrink", layout=ANY, cases=ONE)
def hard_shrink(x: Tensor, threshold: Any = 0.5) -> Any:
    return call(F.hardshrink, floating(x), lambd=expr(threshold))


@op("SoftShrink", layout=ANY, cases=ONE)
def soft_shrink(x: Tensor, threshold: Any = 0.5) -> Any:
    return call(F.softshrink, floating(x), lambd=expr(threshold))


@op("Threshold", layout=ANY, cases=[Case({"threshold": 0.1, "default_value": 0.7}, (2, 3))])
def threshold(x: Tensor, threshold: Any, default_value: Any) -> Any:
    return call(F.threshold, x.expr, expr(threshold), expr(default_value))


@op("Squareplus", layout=ANY, cases=ONE)
def squareplus_(x: Tensor, b: Any = 4) -> Any:
    return call(squareplus, floating(x), b=float(b) if is_literal(b) else expr(b))


@op("Mish", layout=ANY)
def mish(x: Tensor) -> Any:
    return call(F.mish, x.expr)


@op("ReluAbove", layout=ANY)
def relu_above_(
    x: Tensor, negative_slope: Any = 0.0, max_value: Any = None, threshold: Any = 0.0
) -> Any:
    """The relu of keras.activations and of K, with all its arguments."""
    plain = threshold in (0, None) if is_literal(threshold) or threshold is None else False
    if plain and max_value is None and not isinstance(negative_slope, Expr):
        return leaky_relu(x, float(negative_slope)) if negative_slope else call(F.relu, x.expr)
    if plain and not isinstance(negative_slope, Expr) and not negative_slope:
        return x.expr.clamp(0, expr(max_value))
    slope = expr(negative_slope)
    return call(
        relu_above, x.expr, expr(threshold or 0.0) if is_literal(threshold) else expr(threshold),
        negative_slope=slope, max_value=expr(max_value),
    )  # fmt: skip


def _along(name: str) -> Any:
    def activation(x: Tensor, axis: Any = -1) -> Any:
        if isinstance(axis, list | tuple) and len(axis) == 1:
            axis = axis[0]
        if axis is None and name != "glu":
            return activated(name, x.expr.flatten(), 0).reshape(shape_of(x.expr))
        if isinstance(axis, list | tuple) and name in ("softmax", "log_softmax"):
            dims = tuple(x.axis(expr(k)) for k in axis)
            logarithm = x.expr - x.expr.logsumexp(dims, keepdim=True)
            return logarithm.exp() if name == "softmax" else logarithm
        if isinstance(axis, list | tuple) or axis is None:
            raise UnsupportedError(f"{name} over several axes is not translated")
        return activated(name, x.expr, x.axis(axis))

    return activation


for _name, _kind in {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sparsemax": "sparsemax",
                     "Glu": "glu"}.items():  # fmt: skip
    op(
        _name, layout=ANY, cases=[*ONE, Case({"axis": -2}, (2, 3, 4, 5))] if _name != "Glu" else ONE
    )(_along(_kind))
