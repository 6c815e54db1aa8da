"""Activations as layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from torchtwin.expr import Expr, call
from torchtwin.filling.tables import keras_variables
from torchtwin.nn.applied import MaskedSoftmax, ReLUAbove
from torchtwin.nn.lazy_prelu import LazyPReLU
from torchtwin.translate.bounds import bounded
from torchtwin.translate.registry import Module, constructor
from torchtwin.translate.rules.layers_core import initials
from torchtwin.view import LayerView

keras_variables({"weight": "alpha"}, LazyPReLU)


@constructor("ReLU")
def relu(layer: LayerView) -> Module:
    slope, ceiling, threshold = (
        layer.get(n, layer.get(old, default))
        for n, old, default in (
            ("negative_slope", "alpha", 0.0), ("max_value", "", None), ("threshold", "theta", 0.0)
        )
    )  # fmt: skip
    computed = any(isinstance(v, Expr) for v in (slope, ceiling, threshold))
    if not computed and not threshold and ceiling is None:
        return Module(call(nn.LeakyReLU, slope) if slope else call(nn.ReLU))
    if not computed and not threshold and not slope:
        return Module(call(nn.ReLU6) if ceiling == 6 else call(nn.Hardtanh, 0.0, ceiling))
    return Module(call(ReLUAbove, threshold or 0.0, negative_slope=slope or 0.0, max_value=ceiling))


@constructor("LeakyReLU")
def leaky_relu(layer: LayerView) -> Module:
    """Keras 2 says alpha; without a number it is 0.3 in both, 0.01 in PyTorch."""
    return Module(call(nn.LeakyReLU, layer.get("negative_slope", layer.get("alpha", 0.3))))


@constructor("ELU")
def elu(layer: LayerView) -> Module:
    return Module(call(nn.ELU, **_unless(1.0, alpha=layer.get("alpha", 1.0))))


def _unless(usual: Any, **option: Any) -> dict[str, Any]:
    return {k: v for k, v in option.items() if isinstance(v, Expr) or v != usual}


@constructor("ThresholdedReLU")
def thresholded_relu(layer: LayerView) -> Module:
    """A layer of Keras 1 and 2."""
    return Module(call(nn.Threshold, layer.get("theta", 1.0), 0.0))


@constructor("Softmax")
def softmax(layer: LayerView) -> Module:
    """With a mask, or over several axes, PyTorch has none."""
    axis = layer["axis"]
    masked = layer.call("mask") is not None
    if masked or isinstance(axis, tuple):
        return Module(call(MaskedSoftmax, **_unless(-1, dim=axis)))
    return Module(call(nn.Softmax, dim=axis))


@constructor("PReLU")
def prelu(layer: LayerView) -> Module:
    shared = layer.get("shared_axes")
    shared = (shared,) if isinstance(shared, int) else shared
    made = call(
        LazyPReLU, **({} if shared is None else {"shared_dims": shared}),
        **initials(layer, alpha=("weight_init", torch.zeros)),
    )  # fmt: skip
    orders: Mapping[str, Any] = {"weight": ("alpha", ())}
    return Module(bounded(layer, made, orders))
