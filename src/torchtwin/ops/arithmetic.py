"""Operations on the elements of two tensors: arithmetic, comparison, logic, bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Binary, Expr, call, equal, not_equal
from torchtwin.nn.arithmetic import divide_no_nan
from torchtwin.ops.operands import is_literal, is_number, of_numbers, operand, tensor
from torchtwin.ops.registry import ANY, boolean, expr, floating, op
from torchtwin.ops.values import torch_type
from torchtwin.rule import Case
from torchtwin.view import Tensor

TWO = [Case({}, [(2, 3, 4), (2, 3, 4)]), Case({}, [(2, 3, 1), (2, 3, 4)], "broadcast")]
WHOLE = [Case({}, [(2, 3), (2, 3)], inputs="int:3")]

OPERATORS = {
    "Add": "+", "Subtract": "-", "Multiply": "*", "Divide": "/", "TrueDivide": "/",
    "FloorDivide": "//", "Mod": "%", "Power": "**",
}  # fmt: skip
COMPARISONS = {"Greater": ">", "GreaterEqual": ">=", "Less": "<", "LessEqual": "<="}
BITS = {"BitwiseAnd": "&", "BitwiseOr": "|", "BitwiseXor": "^"}
SHIFTS = {"LeftShift": torch.bitwise_left_shift, "RightShift": torch.bitwise_right_shift}


def _operator(symbol: str) -> Any:
    def binary(x1: Any, x2: Any) -> Any:
        if symbol in ("//", "%", "**") and _dtype(x1) == _dtype(x2) == "bool":
            x1 = tensor(x1).expr.int()  # PyTorch has none of them of truth values
        return Binary(symbol, operand(x1), operand(x2))

    return binary


def _subtract(x1: Any, x2: Any) -> Any:
    """PyTorch subtracts no truth values."""
    kinds = [_dtype(x) for x in (x1, x2)]
    if "bool" in kinds and all(kinds):
        wanted = next((torch_type(kind) for kind in kinds if kind != "bool"), torch.int32)
        x1, x2 = (
            x if kind != "bool" else int(x) if isinstance(x, bool) else x.expr.to(wanted)
            for x, kind in zip((x1, x2), kinds, strict=True)
        )
    return Binary("-", operand(x1), operand(x2))


def _bitwise(function: Callable[[Any, Any], Any]) -> Any:
    def bitwise(x: Any, y: Any) -> Any:
        return function(x, y)

    return bitwise


for _name, _symbol in {**OPERATORS, **COMPARISONS}.items():
    op(_name, layout=ANY, cases=[] if _symbol == "**" else TWO)(
        _subtract if _symbol == "-" else _operator(_symbol)
    )
for _name, _symbol in BITS.items():
    op(_name, layout=ANY, cases=WHOLE)(_bitwise(_operator(_symbol)))


@op("Equal", layout=ANY, cases=WHOLE)
def equal_(x1: Any, x2: Any) -> Any:
    return equal(operand(x1), operand(x2))


@op("NotEqual", layout=ANY, cases=WHOLE)
def not_equal_(x1: Any, x2: Any) -> Any:
    return not_equal(operand(x1), operand(x2))


def _logical(symbol: str, function: Callable[..., Any]) -> Any:
    def binary(x1: Tensor, x2: Tensor) -> Any:
        if symbol != "^" and x1 == x2:
            return boolean(x1)
        if x1.dtype and x2.dtype:
            return Binary(symbol, boolean(x1), boolean(x2))
        return call(function, x1.expr, x2.expr)

    return binary


for _name, _symbol, _made in (
    ("LogicalAnd", "&", torch.logical_and),
    ("LogicalOr", "|", torch.logical_or),
    ("LogicalXor", "^", torch.logical_xor),
):
    op(_name, layout=ANY, cases=WHOLE)(_logical(_symbol, _made))


def _extreme(name: str, function: Callable[..., Any], bound: str) -> Any:
    def extreme(x1: Any, x2: Any) -> Any:
        if (number := of_numbers(name, x1, x2)) is not None:
            return number
        # torch.maximum wants two tensors; clamp takes numbers and tensors alike.
        for x, limit in ((x1, x2), (x2, x1)):
            if is_number(limit) or (isinstance(limit, Expr) and not is_number(x)):
                return tensor(x).expr.clamp(**{bound: limit})
        return call(function, tensor(x1).expr, tensor(x2).expr)

    return extreme


op("Maximum", layout=ANY, cases=TWO)(_extreme("Maximum", torch.maximum, "min"))
op("Minimum", layout=ANY, cases=TWO)(_extreme("Minimum", torch.minimum, "max"))

PAIRS: dict[str, Callable[..., Any]] = {
    "Arctan2": torch.atan2, "Heaviside": torch.heaviside, "Hypot": torch.hypot,
    "Logaddexp": torch.logaddexp, "Logaddexp2": torch.logaddexp2, "Nextafter": torch.nextafter,
    "Xlogy": torch.xlogy, "Xlog1py": torch.special.xlog1py, "Zeta": torch.special.zeta,
    "Igamma": torch.special.gammainc, "Igammac": torch.special.gammaincc,
}  # fmt: skip
"""Functions of two variables whose result is floating point."""
KEPT: dict[str, Callable[..., Any]] = {
    "Fmax": torch.fmax, "Fmin": torch.fmin, "Fmod": torch.fmod, "Gcd": torch.gcd,
    "Lcm": torch.lcm, "Ldexp": torch.ldexp,
}  # fmt: skip


def _pair(name: str, function: Callable[..., Any], convert: Callable[[Tensor], Any]) -> Any:
    def pair(x1: Any, x2: Any) -> Any:
        number = of_numbers(name, x1, x2)
        return (
            call(function, convert(tensor(x1)), convert(tensor(x2))) if number is None else number
        )

    return pair


def _counted(x: Tensor) -> Any:
    return x.expr.int() if x.dtype == "bool" else x.expr


_CASES: dict[str, Sequence[Case]] = {
    "Gcd": WHOLE, "Lcm": WHOLE, "Ldexp": [Case({}, [(2, 3), (2, 3)], inputs=["normal", "int:5"])],
    "Xlogy": (), "Xlog1py": (), "Zeta": (), "Igamma": (), "Igammac": (),
}  # fmt: skip
for _name, _made in PAIRS.items():
    op(_name, layout=ANY, cases=_CASES.get(_name, TWO))(_pair(_name, _made, floating))
for _name, _made in KEPT.items():
    _convert = _counted if _name == "Fmod" else expr
    op(_name, layout=ANY, cases=_CASES.get(_name, TWO))(_pair(_name, _made, _convert))
for _name, _made in SHIFTS.items():
    op(_name, f"Bitwise{_name}", layout=ANY, cases=WHOLE)(_bitwise(_pair(_name, _made, expr)))


@op("DivideNoNan", layout=ANY, cases=TWO)
def divide_no_nan_(x1: Any, x2: Any) -> Any:
    return call(divide_no_nan, tensor(x1).expr, tensor(x2).expr)


def alike(x1: Any, x2: Any) -> list[Any]:
    """Return two operands as tensors of one dtype, for functions of PyTorch that want that."""
    kinds = [_dtype(x) for x in (x1, x2)]
    if not all(kinds) or (kinds[0] == kinds[1] and not is_literal(x1) and not is_literal(x2)):
        return [tensor(x).expr for x in (x1, x2)]
    common = torch.promote_types(*(getattr(torch, kind) for kind in kinds))
    result = []
    for x, kind in zip((x1, x2), kinds, strict=True):
        if is_literal(x):
            result.append(call(torch.tensor, x, dtype=common))
        else:
            result.append(x.expr if getattr(torch, kind) == common else x.expr.to(common))
    return result


def _dtype(value: Any) -> str:
    """Return the dtype of an operand, "" where it is not known."""
    if isinstance(value, Tensor):
        return value.dtype
    kinds = {bool: "bool", int: "int32", float: "float32"}
    return kinds.get(type(value), "")


def _close(x1: Any, x2: Any, rtol: Any, atol: Any, equal_nan: Any) -> Any:
    given = {"rtol": expr(rtol), "atol": expr(atol), "equal_nan": expr(equal_nan)}
    usual = {"rtol": 1e-5, "atol": 1e-8, "equal_nan": False}
    more = {k: v for k, v in given.items() if isinstance(v, Expr) or v != usual[k]}
    return call(torch.isclose, *alike(x1, x2), **more)


@op("Isclose", layout=ANY, cases=[*TWO, Case({"atol": 0.5, "rtol": 0.1}, [(2, 3), (2, 3)])])
def isclose(x1: Any, x2: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: Any = False) -> Any:
    return _close(x1, x2, rtol, atol, equal_nan)


@op("AllClose", cases=[Case({"atol": 9.0}, [(2, 3), (2, 3)])])
def allclose(x1: Any, x2: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: Any = False) -> Any:
    return _close(x1, x2, rtol, atol, equal_nan).all()


@op("IsIn", cases=[Case({}, [(4, 3), (4, 2)], inputs="int:9"),
                   Case({"invert": True}, [(4, 3), (4, 2)], inputs="int:9")])  # fmt: skip
def isin(x1: Tensor, x2: Tensor, assume_unique: Any = False, invert: Any = False) -> Any:
    given = {"assume_unique": expr(assume_unique), "invert": expr(invert)}
    return call(torch.isin, x1.expr, x2.expr, **{k: v for k, v in given.items() if v is not False})


@op("Where", layout=ANY)
def where(condition: Tensor, x1: Any = None, x2: Any = None) -> Any:
    if x1 is None and x2 is None:
        found = call(torch.where, condition.expr)
        # in a graph as many results as axes, of 32 bits
        return tuple(found[k].int() for k in range(condition.rank)) if condition.known else found
    if x1 is None or x2 is None:
        raise UnsupportedError("Where without one of its two values")
    chosen = call(torch.where, _condition(condition), operand(x1), operand(x2))
    # Keras's whole numbers have 32 bits, PyTorch's 64
    return chosen.int() if all(is_literal(v) and type(v) is int for v in (x1, x2)) else chosen


def _condition(condition: Tensor) -> Any:
    return condition.expr if condition.dtype == "bool" else condition.expr.bool()


@op("Select")
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """The first condition that holds decides."""
    if not all(isinstance(given, list | tuple) for given in (condlist, choicelist)):
        raise UnsupportedError("Select of lists that the program computes is not translated")
    result = operand(default)
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = call(torch.where, _condition(tensor(condition)), operand(choice), result)
    return result
