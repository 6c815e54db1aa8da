"""Operations on each element: arithmetic, comparison, logic, functions of one variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from torchtwin.activations import ACTIVATIONS, activated
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Binary, call, equal, not_equal
from torchtwin.nn.activations import squareplus
from torchtwin.ops.registry import ANY, boolean, expr, floating, op
from torchtwin.rule import Case
from torchtwin.view import Tensor

ONE = [Case({}, (2, 3, 4))]
TWO = [Case({}, [(2, 3, 4), (2, 3, 4)]), Case({}, [(2, 3, 1), (2, 3, 4)], "broadcast")]
WHOLE = [Case({}, [(2, 3), (2, 3)], inputs="int:3")]

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Arccos": torch.acos, "Arccosh": torch.acosh, "Arcsin": torch.asin, "Arcsinh": torch.asinh,
    "Arctan": torch.atan, "Arctanh": torch.atanh, "Cos": torch.cos, "Cosh": torch.cosh,
    "Deg2rad": torch.deg2rad, "Erf": torch.erf, "Erfc": torch.erfc, "Exp": torch.exp,
    "Exp2": torch.exp2, "Expm1": torch.expm1, "Log": torch.log, "Log10": torch.log10,
    "Log1p": torch.log1p, "Log2": torch.log2, "Rad2deg": torch.rad2deg,
    "Reciprocal": torch.reciprocal, "Rsqrt": torch.rsqrt, "Sin": torch.sin, "Sinc": torch.sinc,
    "Sinh": torch.sinh, "Sqrt": torch.sqrt, "Tan": torch.tan,
}  # fmt: skip
"""Functions of one variable whose result is floating point."""

SAME_TYPE: dict[str, Callable[..., Any]] = {
    "Absolute": torch.abs, "Abs": torch.abs, "Ceil": torch.ceil, "Floor": torch.floor,
    "Isfinite": torch.isfinite, "Isinf": torch.isinf, "Isnan": torch.isnan, "Sign": torch.sign,
    "Square": torch.square, "Trunc": torch.trunc,
}  # fmt: skip

OPERATORS = {
    "Add": "+", "Subtract": "-", "Multiply": "*", "Divide": "/", "TrueDivide": "/",
    "FloorDivide": "//", "Mod": "%", "Power": "**",
}  # fmt: skip
COMPARISONS = {"Greater": ">", "GreaterEqual": ">=", "Less": "<", "LessEqual": "<="}


def _function(function: Callable[..., Any], convert: Callable[[Tensor], Any]) -> Any:
    def unary(x: Tensor) -> Any:
        return call(function, convert(x))

    return unary


for _name, _made in FUNCTIONS.items():
    op(_name, layout=ANY, cases=ONE)(_function(_made, floating))
for _name, _made in SAME_TYPE.items():
    op(_name, layout=ANY, cases=ONE)(_function(_made, expr))


@op("Negative", layout=ANY, cases=ONE)
def negative(x: Tensor) -> Any:
    return -x.expr


@op("Round", layout=ANY, cases=ONE)
def round_(x: Tensor, decimals: int = 0) -> Any:
    return x.expr.round() if decimals == 0 else x.expr.round(decimals=decimals)


@op("LogicalNot", layout=ANY, cases=[Case({}, (2, 3), inputs="int:2")])
def logical_not(x: Tensor) -> Any:
    return ~boolean(x)


@op("Clip", layout=ANY, cases=[Case({"x_min": -0.5, "x_max": 0.3}, (2, 3, 4))])
def clip(x: Tensor, x_min: float, x_max: float) -> Any:
    return x.expr.clamp(expr(x_min), expr(x_max))


@op("Identity", layout=ANY)
def identity(x: Tensor) -> Any:
    return x.expr


def _operator(symbol: str) -> Any:
    def binary(x1: Any, x2: Any) -> Any:
        return Binary(symbol, expr(x1), expr(x2))

    return binary


for _name, _symbol in {**OPERATORS, **COMPARISONS}.items():
    op(_name, layout=ANY, cases=[] if _symbol == "**" else TWO)(_operator(_symbol))


@op("Equal", layout=ANY, cases=WHOLE)
def equal_(x1: Any, x2: Any) -> Any:
    return equal(expr(x1), expr(x2))


@op("NotEqual", layout=ANY, cases=WHOLE)
def not_equal_(x1: Any, x2: Any) -> Any:
    return not_equal(expr(x1), expr(x2))


def _logical(symbol: str) -> Any:
    def binary(x1: Any, x2: Any) -> Any:
        if symbol != "^" and isinstance(x1, Tensor) and x1 == x2:
            return boolean(x1)
        return Binary(symbol, boolean(x1), boolean(x2))

    return binary


for _name, _symbol in {"LogicalAnd": "&", "LogicalOr": "|", "LogicalXor": "^"}.items():
    op(_name, layout=ANY, cases=WHOLE)(_logical(_symbol))
for _name, _symbol in {"BitwiseAnd": "&", "BitwiseOr": "|", "BitwiseXor": "^"}.items():
    op(_name, layout=ANY, cases=WHOLE)(_operator(_symbol))


def _extreme(function: Callable[..., Any], bound: str) -> Any:
    def extreme(x1: Any, x2: Any) -> Any:
        for x, limit in ((x1, x2), (x2, x1)):
            if isinstance(limit, int | float):
                return x.expr.clamp(**{bound: limit})
        return call(function, expr(x1), expr(x2))

    return extreme


op("Maximum", layout=ANY, cases=TWO)(_extreme(torch.maximum, "min"))
op("Minimum", layout=ANY, cases=TWO)(_extreme(torch.minimum, "max"))

PAIRS: dict[str, Callable[..., Any]] = {
    "Arctan2": torch.atan2, "Fmax": torch.fmax, "Fmin": torch.fmin, "Fmod": torch.fmod,
    "Hypot": torch.hypot, "Logaddexp": torch.logaddexp, "Logaddexp2": torch.logaddexp2,
}  # fmt: skip


def _pair(function: Callable[..., Any]) -> Any:
    def pair(x1: Tensor, x2: Tensor) -> Any:
        return call(function, x1.expr, x2.expr)

    return pair


for _name, _made in PAIRS.items():
    op(_name, layout=ANY, cases=TWO)(_pair(_made))


@op("Where", layout=ANY)
def where(condition: Tensor, x1: Any = None, x2: Any = None) -> Any:
    if x1 is None or x2 is None:
        raise UnsupportedError("Where without its two values is not translated")
    return call(torch.where, boolean(condition), expr(x1), expr(x2))


KINDS = {
    "HardSigmoid": "hard_sigmoid", "HardSilu": "hard_silu", "HardTanh": "hard_tanh",
    "LogSigmoid": "log_sigmoid", "Relu": "relu", "Relu6": "relu6", "Selu": "selu",
    "Sigmoid": "sigmoid", "Silu": "silu", "Softplus": "softplus", "Softsign": "softsign",
    "SparsePlus": "sparse_plus", "SparseSigmoid": "sparse_sigmoid", "Tanh": "tanh",
    "TanhShrink": "tanh_shrink",
}  # fmt: skip


def _activation(name: str) -> Any:
    def activation(x: Tensor) -> Any:
        return ACTIVATIONS[name](x.expr)

    return activation


for _name, _kind in KINDS.items():
    op(_name, layout=ANY, cases=ONE)(_activation(_kind))


@op("Gelu", layout=ANY, cases=[*ONE, Case({"approximate": False}, (2, 3))])
def gelu(x: Tensor, approximate: bool = True) -> Any:
    return call(F.gelu, x.expr, approximate="tanh" if approximate else "none")


@op("LeakyRelu", layout=ANY, cases=ONE)
def leaky_relu(x: Tensor, negative_slope: float = 0.2) -> Any:
    return call(F.leaky_relu, x.expr, negative_slope=negative_slope)


@op("Elu", layout=ANY, cases=ONE)
def elu(x: Tensor, alpha: float = 1.0) -> Any:
    return call(F.elu, x.expr, alpha=alpha)


@op("Celu", layout=ANY, cases=ONE)
def celu(x: Tensor, alpha: float = 1.0) -> Any:
    return call(F.celu, x.expr, alpha=alpha)


@op("HardShrink", layout=ANY, cases=ONE)
def hard_shrink(x: Tensor, threshold: float = 0.5) -> Any:
    return call(F.hardshrink, x.expr, lambd=threshold)


@op("SoftShrink", layout=ANY, cases=ONE)
def soft_shrink(x: Tensor, threshold: float = 0.5) -> Any:
    return call(F.softshrink, x.expr, lambd=threshold)


@op("Threshold", layout=ANY, cases=[Case({"threshold": 0.1, "default_value": 0.7}, (2, 3))])
def threshold(x: Tensor, threshold: float, default_value: float) -> Any:
    return call(F.threshold, x.expr, threshold, default_value)


@op("Squareplus", layout=ANY, cases=ONE)
def squareplus_(x: Tensor, b: float = 4) -> Any:
    return call(squareplus, x.expr, b=float(b))


def _along(name: str) -> Any:
    def activation(x: Tensor, axis: int | None = -1) -> Any:
        if axis is None:
            raise UnsupportedError(f"{name} over all axes is not translated")
        return activated(name, x.expr, x.axis(axis))

    return activation


for _name, _kind in {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sparsemax": "sparsemax",
                     "Glu": "glu"}.items():  # fmt: skip
    op(
        _name, layout=ANY, cases=[*ONE, Case({"axis": -2}, (2, 3, 4, 5))] if _name != "Glu" else ONE
    )(_along(_kind))
