"""Normalisation over the batch, over features, over groups, and to unit length.

In training PyTorch's batch normalisation keeps the unbiased variance, Keras the biased one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Binary, Expr, call
from torchtwin.filling.tables import keras_variables
from torchtwin.nn.lazy_norm import (
    LazyBatchNorm,
    LazyGroupNorm,
    LazyLayerNorm,
    LazyRMSNorm,
    LazyVarianceScaling,
)
from torchtwin.nn.unit import UnitLength
from torchtwin.translate.bounds import bounded
from torchtwin.translate.registry import Module, constructor
from torchtwin.translate.rules.layers_core import initials
from torchtwin.view import LayerView

AFFINE = {"weight": "gamma", "bias": "beta"}
GAMMA, BETA = ("weight_init", torch.ones), ("bias_init", torch.zeros)
ORDERS: Mapping[str, Any] = {"weight": ("gamma", ()), "bias": ("beta", ())}

keras_variables(AFFINE, LazyLayerNorm, LazyGroupNorm, LazyVarianceScaling)
keras_variables(
    {**AFFINE, "running_mean": "moving_mean", "running_var": "moving_variance"}, LazyBatchNorm
)
keras_variables({"weight": "scale"}, LazyRMSNorm)


def _affine(layer: LayerView) -> dict[str, Any]:
    return {"scale": layer["scale"], "center": layer["center"],
            **initials(layer, gamma=GAMMA, beta=BETA)}  # fmt: skip


@constructor("BatchNormalization")
def batch_normalization(layer: LayerView) -> Module:
    """Keras's momentum is the share that stays, PyTorch's the share that is new."""
    if layer["renorm"] is not False:
        raise UnsupportedError("BatchNormalization(renorm=...) is not translated")
    layer.ignore(
        "renorm_clipping", "renorm_momentum", "synchronized", "fused", "virtual_batch_size"
    )
    momentum: Any = layer["momentum"]
    momentum = Binary("-", 1, momentum) if isinstance(momentum, Expr) else round(1 - momentum, 12)
    made = call(
        LazyBatchNorm, dim=_axis(layer), momentum=momentum, eps=layer["epsilon"], **_affine(layer),
        **initials(
            layer, moving_mean=("mean_init", torch.zeros), moving_variance=("var_init", torch.ones)
        ),
    )  # fmt: skip
    return Module(bounded(layer, _usual(made, scale=True, center=True), ORDERS))


def _usual(made: Any, **usual: Any) -> Any:
    """Return a call without options that go through `**options`, where they are the usual ones."""
    from torchtwin.expr import Call

    kept = {k: v for k, v in made.kwargs.items() if k not in usual or v is not usual[k]}
    return Call(made.function, made.args, kept)


def _axis(layer: LayerView) -> Any:
    axis = layer["axis"]
    if isinstance(axis, tuple) and len(axis) == 1:
        axis = axis[0]
    if isinstance(axis, tuple):
        raise UnsupportedError(f"{layer.class_name} over several axes is not translated")
    return axis


@constructor("LayerNormalization")
def layer_normalization(layer: LayerView) -> Module:
    shared = {**_dims(layer), "eps": layer["epsilon"]}
    if layer["rms_scaling"]:
        layer.ignore("scale", "center")
        made = call(LazyVarianceScaling, **shared, **initials(layer, gamma=GAMMA))
        return Module(bounded(layer, made, {"weight": ORDERS["weight"]}))
    made = _usual(call(LazyLayerNorm, **shared, **_affine(layer)), scale=True, center=True)
    return Module(bounded(layer, made, ORDERS))


def _dims(layer: LayerView) -> dict[str, Any]:
    axis = layer["axis"]
    if isinstance(axis, Expr):
        raise UnsupportedError(f"{layer.class_name} along axes that are computed")
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    if len({k < 0 for k in axes}) > 1:
        # Keras sorts them before it knows which are the same, and mixes their features up.
        raise UnsupportedError(f"axes counted from both ends, {axes}, are not translated")
    return {"dims": axes}


@constructor("RMSNormalization")
def rms_normalization(layer: LayerView) -> Module:
    dims = _dims(layer)
    if sorted(dims["dims"]) != list(range(-len(dims["dims"]), 0)):
        # Keras's scale is laid along the last axes all the same.
        raise UnsupportedError("RMSNormalization over axes that are not the last is not translated")
    return Module(call(LazyRMSNorm, **dims, eps=layer["epsilon"]))


@constructor("GroupNormalization")
def group_normalization(layer: LayerView) -> Module:
    axis = _axis(layer)
    if isinstance(axis, int) and axis < -1:
        raise UnsupportedError(f"GroupNormalization(axis={axis}) is not translated")
    made = call(
        LazyGroupNorm, layer["groups"], dim=axis, eps=layer["epsilon"], **_affine(layer)
    )  # fmt: skip
    return Module(bounded(layer, _usual(made, scale=True, center=True), ORDERS))


@constructor("UnitNormalization")
def unit_normalization(layer: LayerView) -> Module:
    axis = layer["axis"]
    axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    return Module(call(UnitLength, **({} if axis == -1 else {"dim": axis})))
