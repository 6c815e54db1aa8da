"""Layers that merge tensors, and the functions that do the same: layers.add([a, b])."""

from __future__ import annotations

from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.nn.merge import (
    BatchDot,
    Concatenate,
    MaskedMerge,
    Mean,
    Merge,
    batch_dot,
    mean_of,
    merged,
    merged_where,
)
from torchtwin.translate.calls import CallView, tensor_of
from torchtwin.translate.registry import Module, constructor, translates
from torchtwin.view import LayerView, Tensor

FUNCTIONS = {
    "Add": torch.add, "Subtract": torch.sub, "Multiply": torch.mul, "Maximum": torch.maximum,
    "Minimum": torch.minimum,
}  # fmt: skip


def merging(name: str) -> Expr:
    return call(Mean) if name == "Average" else call(Merge, FUNCTIONS[name])


@constructor(*FUNCTIONS, "Average")
def elementwise(layer: LayerView) -> Module:
    masked = layer.get("masked")  # see `masking`: it is given masks when it is called
    name = layer.class_name
    return Module(call(MaskedMerge, FUNCTIONS[name]) if masked else merging(name))


@constructor("Concatenate")
def concatenate(layer: LayerView) -> Module:
    return Module(call(Concatenate, dim=layer["axis"]))


@constructor("Dot")
def dot(layer: LayerView) -> Module:
    return Module(call(BatchDot, layer["axes"], normalize=layer["normalize"]))


@translates(*(f"keras.layers.{name.lower()}" for name in (*FUNCTIONS, "Average")))
def merge(view: CallView) -> Any:
    """`layers.add([a, b])`: where ranks differ Keras puts axes behind the batch, PyTorch before."""
    inputs, mask = view.bound("inputs", mask=None)
    name = view.name.rpartition(".")[2].capitalize()
    if mask is not None:
        return call(merged_where, FUNCTIONS[name], inputs_of(inputs), mask)
    if name == "Average":
        return call(mean_of, inputs_of(inputs))
    return call(merged, FUNCTIONS[name], inputs_of(inputs))


@translates("keras.layers.concatenate")
def concatenated(view: CallView) -> Any:
    inputs, axis = view.bound("inputs", axis=-1)
    return call(torch.cat, inputs_of(inputs), dim=axis)


@translates("keras.layers.dot")
def dotted(view: CallView) -> Any:
    inputs, axes, normalize = view.bound("inputs", axes=-1, normalize=False)
    x, y = inputs_of(inputs)
    return call(batch_dot, x, y, axes, normalize=normalize)


def inputs_of(inputs: Any) -> Any:
    if isinstance(inputs, list | tuple):
        return [tensor_of(x) for x in inputs]
    if isinstance(inputs, Expr | Tensor):
        return tensor_of(inputs)  # a list that the program holds
    raise UnsupportedError(f"{inputs!r} are no tensors")
