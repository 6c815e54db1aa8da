"""Operations on each element of one tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from torchtwin.expr import Method, Unary, call
from torchtwin.ops.operands import EITHER, is_number, of_numbers, operand, tensor
from torchtwin.ops.registry import ANY, boolean, expr, floating, op
from torchtwin.rule import Case
from torchtwin.view import Tensor

ONE = [Case({}, (2, 3, 4))]
WHOLE = [Case({}, (2, 3), inputs="int:9")]

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Angle": torch.angle, "Arccos": torch.acos, "Arccosh": torch.acosh, "Arcsin": torch.asin,
    "Arcsinh": torch.asinh, "Arctan": torch.atan, "Arctanh": torch.atanh, "Cos": torch.cos,
    "Cosh": torch.cosh, "Deg2rad": torch.deg2rad, "Erf": torch.erf, "Erfc": torch.erfc,
    "Erfinv": torch.erfinv, "Exp": torch.exp, "Exp2": torch.exp2, "Expm1": torch.expm1,
    "Fabs": torch.abs, "I0": torch.i0, "Log": torch.log, "Log10": torch.log10,
    "Log1p": torch.log1p, "Log2": torch.log2, "Rad2deg": torch.rad2deg,
    "Reciprocal": torch.reciprocal, "Rsqrt": torch.rsqrt, "Sin": torch.sin, "Sinc": torch.sinc,
    "Sinh": torch.sinh, "Sqrt": torch.sqrt, "Tan": torch.tan,
}  # fmt: skip
"""Functions of one variable whose result is floating point."""

ROUNDING = {"Ceil": torch.ceil, "Floor": torch.floor, "Trunc": torch.trunc}
"""Keras makes whole numbers floating point before the first two, and leaves them before Trunc."""

SAME_TYPE: dict[str, Callable[..., Any]] = {
    "Absolute": torch.abs, "Abs": torch.abs, "Isfinite": torch.isfinite, "Isinf": torch.isinf,
    "Isnan": torch.isnan, "Isneginf": torch.isneginf, "Isposinf": torch.isposinf,
    "Isreal": torch.isreal, "Sign": torch.sign, "Signbit": torch.signbit, "Square": torch.square,
    "Trunc": torch.trunc, "BitwiseInvert": torch.bitwise_not, "BitwiseNot": torch.bitwise_not,
    "Lgamma": torch.lgamma, "Digamma": torch.digamma, "BesselI0": torch.special.i0,
    "BesselI0e": torch.special.i0e, "BesselI1": torch.special.i1, "BesselI1e": torch.special.i1e,
    "Ndtri": torch.special.ndtri,
}  # fmt: skip


def _function(name: str, function: Callable[..., Any], convert: Callable[[Tensor], Any]) -> Any:
    """Return an operation; of a number it stays one, of what may be either it is right for both."""

    def unary(x: Any) -> Any:
        if (number := of_numbers(name, x)) is not None:
            return number
        if name in EITHER and not isinstance(x, Tensor | list | tuple):
            return EITHER[name](x)
        return call(function, convert(tensor(x)))

    return unary


def _kept(x: Tensor) -> Any:
    return expr(x)


def _counted(x: Tensor) -> Any:
    """Return a tensor, truth values as the whole numbers that they are in Keras."""
    return x.expr.int() if x.dtype == "bool" else x.expr


def _unless_bool(function: Any) -> Any:
    """Leave truth values as they are: PyTorch has no such function of them."""

    def unary(x: Any) -> Any:
        return x.expr if isinstance(x, Tensor) and x.dtype == "bool" else function(x)

    return unary


for _name, _made in FUNCTIONS.items():
    op(_name, layout=ANY, cases=ONE)(_function(_name, _made, floating))
for _name, _made in SAME_TYPE.items():
    _whole = _name.startswith("Bitwise")
    _own = _name.startswith(("Lgamma", "Digamma", "Bessel", "Ndtri"))  # TensorFlow's alone
    _unary = _function(_name, _made, _counted if _name == "Square" else _kept)
    op(_name, layout=ANY, cases=() if _own else WHOLE if _whole else ONE)(
        _unless_bool(_unary) if _name in ("Abs", "Absolute", "Trunc") else _unary
    )
for _name in ("Ceil", "Floor"):
    op(_name, layout=ANY, cases=ONE)(_function(_name, ROUNDING[_name], floating))


@op("Negative", layout=ANY, cases=ONE)
def negative(x: Any) -> Any:
    return Unary("-", operand(x))


@op("Round", layout=ANY, cases=[*ONE, Case({"decimals": 1}, (2, 3))])
def round_(x: Any, decimals: int = 0) -> Any:
    if decimals == 0 and (number := of_numbers("Round", x)) is not None:
        return number
    x = tensor(x)
    if x.dtype.startswith(("int", "uint")) and is_number(decimals):  # PyTorch rounds no such
        return x.expr if decimals >= 0 else x.expr.double().round(decimals=decimals).type_as(x.expr)
    return x.expr.round(**({} if decimals == 0 else {"decimals": expr(decimals)}))


@op("Cbrt", layout=ANY, cases=ONE)
def cbrt(x: Tensor) -> Any:
    number = floating(x)
    return call(torch.sign, number) * number.abs() ** (1 / 3)


@op("LogicalNot", layout=ANY, cases=[Case({}, (2, 3), inputs="int:2")])
def logical_not(x: Tensor) -> Any:
    return ~boolean(x) if x.dtype else call(torch.logical_not, x.expr)


@op("Clip", layout=ANY, cases=[Case({"x_min": -0.5, "x_max": 0.3}, (2, 3, 4))])
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    if all(map(is_number, (x, x_min, x_max))):
        return of_numbers("Minimum", of_numbers("Maximum", x, x_min), x_max)
    return _counted(tensor(x)).clamp(operand(x_min), operand(x_max))


@op("Identity", layout=ANY)
def identity(x: Tensor) -> Any:
    return x.expr


@op("Conjugate", layout=ANY, cases=ONE)
def conjugate(x: Tensor) -> Any:
    return x.expr.conj()


@op("Real", layout=ANY, cases=ONE)
def real(x: Tensor) -> Any:
    return call(torch.real, x.expr)


@op("Imag", layout=ANY, cases=ONE)
def imag(x: Tensor) -> Any:
    """PyTorch has no imaginary part of real numbers, Keras has zeros there."""
    if x.dtype.startswith("complex"):
        return call(torch.imag, x.expr)
    if x.dtype:
        return call(torch.zeros_like, x.expr)
    return call(torch.imag, x.expr.to(torch.complex64))


@op("NanToNum", layout=ANY, cases=ONE)
def nan_to_num(x: Tensor, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    given = {"nan": expr(nan), "posinf": expr(posinf), "neginf": expr(neginf)}
    return Method(x.expr, "nan_to_num", (), {k: v for k, v in given.items() if v is not None})
