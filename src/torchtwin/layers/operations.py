"""Calls of keras.ops that Keras itself writes into a file: those that make and join masks.

Keras 3 keeps the masks of a Functional model as calls of operations among its layers.
"""

from __future__ import annotations

from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call, equal, not_equal
from torchtwin.rule import Case, Piece, extra_cases, rule
from torchtwin.view import LayerView, Tensor

BETWEEN = {
    "ops.NotEqual": not_equal,
    "ops.Equal": equal,
    "ops.LogicalAnd": lambda a, b: a & b,
    "ops.LogicalOr": lambda a, b: a | b,
}


@rule(*BETWEEN)
def between(layer: LayerView) -> Piece:
    left, right = (_operand(layer, value) for value in layer.args)
    return Piece(BETWEEN[layer.class_name](left, right))


def _operand(layer: LayerView, value: Any) -> Any:
    if isinstance(value, Tensor):
        logical = layer.class_name.startswith("ops.Logical") and value.dtype != "bool"
        return value.expr.bool() if logical else value.expr
    if isinstance(value, bool | int | float):
        return value
    raise UnsupportedError(f"an operand {value!r} is not translated")


@rule("ops.Any", "ops.All")
def reduced(layer: LayerView) -> Piece:
    axis, keep = layer["axis"], {"keepdim": True} if layer["keepdims"] else {}
    if not isinstance(axis, int):
        raise UnsupportedError(f"{layer.class_name}(axis={axis!r}) is not translated")
    x = layer.x if layer.input.dtype == "bool" else layer.x.bool()
    return Piece(x.any(axis, **keep) if layer.class_name == "ops.Any" else x.all(axis, **keep))


@rule("ops.ExpandDims", "ops.Squeeze")
def resized(layer: LayerView) -> Piece:
    axis = layer["axis"]
    if not isinstance(axis, int):
        raise UnsupportedError(f"{layer.class_name}(axis={axis!r}) is not translated")
    more = layer.class_name == "ops.ExpandDims"
    return Piece(layer.x.unsqueeze(axis) if more else layer.x.squeeze(axis))


@rule("ops.ZerosLike", "ops.OnesLike")
def filled(layer: LayerView) -> Piece:
    function = torch.zeros_like if layer.class_name == "ops.ZerosLike" else torch.ones_like
    dtype = layer.get("dtype")
    kind = getattr(torch, str(dtype), None) if dtype else None
    if dtype and not isinstance(kind, torch.dtype):
        raise UnsupportedError(f"{layer.class_name}(dtype={dtype!r}) is not translated")
    return Piece(call(function, layer.x, **({"dtype": kind} if dtype else {})))


@rule("ops.Concatenate")
def concatenate(layer: LayerView) -> Piece:
    return Piece(call(torch.cat, [t.expr for t in layer.inputs], dim=layer["axis"]))


_TWO = [(2, 5, 3), (2, 5, 3)]
for _name in BETWEEN:
    extra_cases(_name, [Case({}, _TWO, inputs="int:2")])
for _name in ("ops.Any", "ops.All"):
    extra_cases(_name, [Case({"axis": -1}, (2, 5, 3), inputs="int:2")])
    extra_cases(_name, [Case({"axis": 1, "keepdims": True}, (2, 5, 3), inputs="int:2")])
extra_cases("ops.ExpandDims", [Case({"axis": -1}, (2, 5)), Case({"axis": 1}, (2, 5))])
extra_cases("ops.Squeeze", [Case({"axis": -1}, (2, 5, 1))])
for _name in ("ops.ZerosLike", "ops.OnesLike"):
    extra_cases(_name, [Case({"dtype": "bool"}, (2, 5)), Case({}, (2, 5))])
extra_cases("ops.Concatenate", [Case({"axis": 1}, _TWO)])
