"""New tensors are made where the tensors beside them are."""

from __future__ import annotations

from typing import Any

import libcst as cst
import libcst.matchers as m
import torch

from torchtwin.expr import Binary, Call, Expr, Field, Method, Source, Unary
from torchtwin.translate.infer import Kinds
from torchtwin.translate.search import findall

FACTORIES = (torch.zeros, torch.ones, torch.full, torch.arange, torch.eye, torch.linspace,
             torch.randn, torch.rand, torch.randint, torch.empty, torch.tensor, torch.logspace,
             torch.randperm)  # fmt: skip


def device_of(function: cst.FunctionDef | None, kinds: Kinds) -> Expr | None:
    """Return the device of the first tensor that a `call` is given; None where that is unclear."""
    if function is None:
        return None
    known: dict[cst.FunctionDef, Expr | None] = kinds.devices
    if function not in known:
        known[function] = _device_of(function, kinds)
    return known[function]


def _device_of(function: cst.FunctionDef, kinds: Kinds) -> Expr | None:
    if function.name.value != "call" or len(function.params.params) < 2:
        return _of_shape(function, kinds)
    first = function.params.params[1].name.value
    if not _stays(function.body, first, kinds):
        first = _unpacked(function, first, kinds)
    return Field(Source(first), "device") if first else None


SHAPES = ("tf.shape", "keras.ops.shape", "keras.backend.shape", "keras.backend.int_shape")


def _of_shape(function: cst.FunctionDef, kinds: Kinds) -> Expr | None:
    """Return the device of the first parameter of which a function asks the shape."""
    found = findall(function.body, m.Call(args=[m.Arg(value=m.Name())]))
    calls = [cst.ensure_type(node, cst.Call) for node in found]
    asked = {
        cst.ensure_type(call.args[0].value, cst.Name).value
        for call in calls
        if kinds.names.of(call.func) in SHAPES
    }
    for param in function.params.params:
        name = param.name.value
        if name in asked and _stays(function.body, name, kinds):
            return Field(Source(name), "device")
    return None


def _unpacked(function: cst.FunctionDef, name: str, kinds: Kinds) -> str:
    """Return the first of the tensors that a list of inputs is unpacked into at the beginning."""
    lines = list(function.body.body)
    if function.get_docstring() is not None:
        lines = lines[1:]
    match lines[:1]:
        case [
            cst.SimpleStatementLine(
                body=[
                    cst.Assign(
                        targets=[cst.AssignTarget(target=cst.Tuple(elements=[first, *_]))],
                        value=cst.Name(value=used),
                    )
                ]
            )
        ] if used == name and isinstance(first.value, cst.Name):
            found = first.value.value
            return found if _stays(function.body, found, kinds) else ""
    return ""


def _stays(node: cst.CSTNode, name: str, kinds: Kinds) -> bool:
    """Tell whether nothing suggests that `name` is a list, a dict or something else."""
    match node:
        case cst.Assign(value=cst.Name(value=used)) if used == name:
            return not any(isinstance(t.target, cst.Tuple | cst.List) for t in node.targets)
        case cst.Subscript(value=cst.Name(value=used)) if used == name:
            index = node.slice[0].slice
            inner = index.value if isinstance(index, cst.Index) else None
            single = len(node.slice) == 1
            return not (single and isinstance(inner, cst.Integer | cst.SimpleString))
        case cst.For(iter=cst.Name(value=used)) if used == name:
            return False
        case cst.AssignTarget(target=cst.Name(value=used)) if used == name:
            return kinds.of(node.target).what == "tensor"
    return all(_stays(child, name, kinds) for child in node.children)


def on_device(node: Any, device: Expr | None) -> Any:
    """Return an expression whose new tensors are on `device`."""
    if device is None:
        return node

    def there(value: Any) -> Any:
        match value:
            case Call():
                kwargs = {k: there(v) for k, v in value.kwargs.items()}
                if value.function in FACTORIES and "device" not in kwargs:
                    kwargs["device"] = device
                return Call(value.function, tuple(there(a) for a in value.args), kwargs)
            case Method():
                args = tuple(there(a) for a in value.args)
                return Method(there(value.subject), value.name, args, value.kwargs)
            case Binary():
                return Binary(value.symbol, there(value.left), there(value.right))
            case Unary():
                return Unary(value.symbol, there(value.operand))
        return value

    return there(node)
