"""Normalisation over the batch, over features, over groups, and to unit length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch.nn.functional as F
from torch import nn

from torchtwin.apply import permuted
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call, shape_of
from torchtwin.graph import Layout
from torchtwin.nn.channel_norm import ChannelNorm
from torchtwin.nn.normalization import (
    AxesRMSNorm,
    FrozenBatchNorm,
    MaskedBatchNorm,
    RenormBatchNorm,
    VarianceScaling,
)
from torchtwin.rule import ANY, Case, Piece, options, rule
from torchtwin.view import LayerView, Tensor

BATCH_NORMS = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}


def _axis_second(config: Mapping[str, Any], rank: int) -> Layout | None:
    """Return the layout with the axis of features behind the batch, where torch wants it."""
    axis = config.get("axis", -1)
    if not isinstance(axis, int) or not -rank <= axis < rank or axis % rank < 2:
        return None
    return (0, axis % rank, *(k for k in range(1, rank) if k != axis % rank))


def _axes_last(config: Mapping[str, Any], rank: int) -> Layout | None:
    """Return the layout with the normalised axes at the end, where torch wants them."""
    axes = _axes(config.get("axis", -1), rank)
    order = (*(k for k in range(rank) if k not in axes), *axes)
    return None if order == tuple(range(rank)) else order


def _any_or_last(config: Mapping[str, Any], rank: int) -> Any:
    """Return ANY for the channels of an image, wherever they lie."""
    image = rank in (4, 5) and not config.get("rms_scaling")
    if image and _axes(config.get("axis", -1), rank) == [rank - 1]:
        return ANY
    return _axes_last(config, rank)


def _axes(axis: Any, rank: int) -> list[int]:
    axes = [axis] if isinstance(axis, int) else list(axis)
    if not all(-rank <= k < rank for k in axes):
        raise UnsupportedError(f"axis {axis} of a tensor of rank {rank}")
    return sorted(k % rank for k in axes)


def _lengths(tensor: Tensor, axes: Sequence[int]) -> list[int]:
    lengths = [tensor.shape[k] for k in axes]
    if any(n is None for n in lengths):
        raise UnsupportedError("the number of features is not in the file")
    return [n for n in lengths if n is not None]


def _features(layer: LayerView) -> int:
    """Return the length of the one axis that `axis` names."""
    axis = layer["axis"]
    if not isinstance(axis, int):
        raise UnsupportedError(
            f"{layer.class_name} over several axes is not translated (axis={layer['axis']})"
        )
    (axis,) = _axes(axis, layer.input.rank)
    if axis == 0:
        raise UnsupportedError(f"{layer.class_name} along the batch is not translated")
    return _lengths(layer.input, [axis])[0]


@rule(
    "BatchNormalization",
    layout=_axis_second,
    mask="pass",
    takes_mask=True,
    cases=[
        Case({}, (3, 4)),
        Case({"epsilon": 0.1, "momentum": 0.9}, (2, 5, 4)),
        Case({"center": False}, (2, 3, 4, 5), "without beta"),
        Case({"scale": False}, (2, 3, 4, 5), "without gamma"),
        Case({"scale": False, "center": False}, (2, 3, 4), "without both"),
        Case({"axis": 1}, (2, 3, 4, 5), "channels first"),
        Case({"axis": 2}, (2, 3, 4, 5), "a middle axis"),
        Case({}, (2, 2, 3, 2, 4)),
        Case({}, (2, 2, 1, 3, 2, 4), "of rank 6"),
        Case({"trainable": False}, (2, 3, 3, 4), "frozen"),
        Case({"trainable": False}, (3, 4), "frozen"),
        Case({}, (3, 5, 4), "masked", mask=True),
        Case({"axis": 1, "scale": False}, (3, 5, 4), "masked steps as features", mask=True),
        Case({"trainable": False}, (3, 5, 4), "masked and frozen", mask=True),
        Case({"renorm": True, "renorm_clipping": {"rmax": 3.0, "rmin": 0.3, "dmax": 5.0}},
             (2, 3, 3, 4), "renormalised"),
        Case({"renorm": True, "scale": False, "trainable": False}, (2, 4), "renormalised, frozen"),
    ],
)  # fmt: skip
def batch_normalization(layer: LayerView) -> Piece:
    """Keras's momentum is the share that stays, PyTorch's the share that is new.

    In training PyTorch updates `running_var` with the unbiased variance of the batch, Keras with
    the biased one. With trainable=False, or called with training=False, a layer goes by its
    statistics in training too. In training Keras leaves masked steps out of the statistics.
    """
    features, rank = _features(layer), layer.input.rank
    if rank < 2:
        raise UnsupportedError(f"BatchNormalization of a tensor of rank {rank}")
    layer.ignore("synchronized", "renorm_clipping", "renorm_momentum")
    moving = layer.config.get("trainable", True) and layer.call("training") is not False
    weights, frozen = _gamma_and_beta(layer)
    momentum = round(1 - layer["momentum"], 12)
    masked = moving and layer.mask is not None
    usual = BATCH_NORMS.get(rank, nn.BatchNorm1d)  # which takes what it does not know flattened
    norm: Any = MaskedBatchNorm if masked else usual if moving else FrozenBatchNorm
    further: dict[str, Any] = {}
    statistics = {"running_mean": "moving_mean", "running_var": "moving_variance"}
    if layer["renorm"]:
        norm, further = RenormBatchNorm, {**_renorm_options(layer), **options(frozen=not moving)}
        statistics |= RENORM
    expr: Expr | None = layer.module(layer.x, _mask(layer)) if masked else None
    if norm is usual and rank not in BATCH_NORMS:
        expr = layer.module(layer.x.flatten(2)).unflatten(2, shape_of(layer.x)[2:])
    return Piece(
        expr,
        module=call(
            norm, features, eps=layer["epsilon"], momentum=momentum, affine=bool(weights), **further
        ),
        weights={**weights, **statistics},
        untrained=tuple(statistics.values()),
        frozen=frozen,
    )


RENORM = {
    "running_std": "moving_stddev", "renorm_mean": "renorm_mean", "renorm_std": "renorm_stddev",
}  # fmt: skip
"""The statistics that batch renormalisation keeps beside the usual ones."""


def _renorm_options(layer: LayerView) -> dict[str, Any]:
    """Return the limits of a batch renormalisation, and how fast its statistics change."""
    if layer.mask is not None:
        raise UnsupportedError("BatchNormalization(renorm=True) with a mask is not translated")
    clipping = layer["renorm_clipping"] or {}
    scales = tuple(clipping.get(name) for name in ("rmin", "rmax"))
    momentum = round(1 - layer["renorm_momentum"], 12)
    return {"renorm_momentum": momentum, "scales": scales, "shift": clipping.get("dmax")}


def _mask(layer: LayerView) -> Expr:
    """Return the mask as it broadcasts to the input, whose features lie on axis 1."""
    mask = layer.masks[0]
    assert mask is not None
    if mask.rank != layer.input.rank - 1:
        raise UnsupportedError(f"BatchNormalization with a mask of rank {mask.rank}")
    layout = layer.input.layout or tuple(range(layer.input.rank))
    if layout == (0, layer.input.rank - 1, *range(1, layer.input.rank - 1)):
        return mask.expr[:, None]
    return permuted(replace(mask, expr=mask.expr[..., None], shape=(*mask.shape, 1)), layout)


def _gamma_and_beta(layer: LayerView) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the notation of weight and bias, and which of them PyTorch must not train."""
    scale, center = layer["scale"], layer["center"]
    if not scale and not center:
        return {}, ()
    weights = {"weight": "gamma" if scale else "ones", "bias": "beta" if center else "zeros"}
    frozen = [name for name, used in (("weight", scale), ("bias", center)) if not used]
    return weights, tuple(frozen)


@rule(
    "LayerNormalization",
    layout=_any_or_last,
    mask="pass",
    cases=[
        Case({}, (2, 4)),
        Case({"epsilon": 0.1}, (2, 3, 4)),
        Case({"axis": 1}, (2, 3, 4), "another axis"),
        Case({"axis": [1, 2]}, (2, 3, 4), "several axes"),
        Case({"axis": [1, 2]}, (2, 3, 4, 5), "several axes in the middle"),
        Case({"axis": [3, 1]}, (2, 3, 4, 5), "axes apart"),
        Case({"center": False}, (2, 4), "without beta"),
        Case({"scale": False}, (2, 4), "without gamma"),
        Case({"scale": False, "center": False}, (2, 4), "without both"),
        Case({"rms_scaling": True}, (2, 4), "by the variance alone"),
        Case({}, (2, 3, 3, 4), "an image"),
    ],
)
def layer_normalization(layer: LayerView) -> Piece:
    shape = _normalized_shape(layer)
    if layer["rms_scaling"]:
        layer.ignore("scale", "center")
        module = call(VarianceScaling, shape, eps=layer["epsilon"])
        return Piece(module=module, weights={"weight": "gamma"})
    weights, frozen = _gamma_and_beta(layer)
    if "bias" in frozen:
        weights.pop("bias")
        frozen = ()
    rank = layer.input.rank
    axis = -1 if isinstance(shape, list) else layer.input.axis(_axes(layer["axis"], rank)[0])
    module = call(
        nn.LayerNorm if axis in (-1, rank - 1) else ChannelNorm,
        shape,
        eps=layer["epsilon"],
        elementwise_affine=bool(weights),
        bias="bias" in weights or not weights,
        **options(dim=axis if axis not in (-1, 1, rank - 1) else None),
    )
    return Piece(module=module, weights=weights, frozen=frozen)


def _normalized_shape(layer: LayerView) -> Any:
    """Return the lengths of the normalised axes, one alone as a number."""
    axis = layer["axis"]
    if isinstance(axis, tuple) and len({k < 0 for k in axis}) > 1:
        # Keras sorts them before it knows which are the same, and mixes their features up.
        raise UnsupportedError(f"axes counted from both ends, {axis}, are not translated")
    shape = _lengths(layer.input, _axes(axis, layer.input.rank))
    return shape[0] if len(shape) == 1 else shape


@rule(
    "RMSNormalization",
    cases=[
        Case({"axis": 1}, (2, 4, 4), "an axis in the middle"),
        Case({}, (2, 4)),
        Case({"epsilon": 0.1, "axis": [-2, -1]}, (2, 3, 4, 5), "several axes"),
    ],
)
def rms_normalization(layer: LayerView) -> Piece:
    shape = _normalized_shape(layer)
    dims = tuple(_axes(layer["axis"], rank := layer.input.rank))
    if dims == tuple(range(rank - len(dims), rank)):
        module = call(nn.RMSNorm, shape, eps=layer["epsilon"])
    else:  # Keras's scale is laid along the last axes all the same
        module = call(AxesRMSNorm, shape, dims, eps=layer["epsilon"])
    return Piece(module=module, weights={"weight": "scale"})


@rule(
    "GroupNormalization",
    layout=_axis_second,
    mask="pass",
    cases=[
        Case({"groups": 2}, (2, 4)),
        Case({"groups": 2, "epsilon": 0.1}, (2, 3, 4)),
        Case({"groups": 3}, (2, 4, 5, 6), "an image"),
        Case({"groups": -1}, (2, 4, 5, 6), "one group a channel"),
        Case({"groups": 2, "axis": 1}, (2, 4, 5, 3), "channels first"),
        Case({"groups": 2, "scale": False}, (2, 3, 4), "without gamma"),
        Case({"groups": 2, "center": False}, (2, 3, 4), "without beta"),
        Case({"groups": 2, "center": False, "scale": False}, (2, 3, 4), "without both"),
    ],
)
def group_normalization(layer: LayerView) -> Piece:
    features = _features(layer)
    groups = features if layer["groups"] == -1 else layer["groups"]
    weights, frozen = _gamma_and_beta(layer)
    module = call(nn.GroupNorm, groups, features, eps=layer["epsilon"], affine=bool(weights))
    return Piece(module=module, weights=weights, frozen=frozen)


@rule(
    "UnitNormalization",
    layout=ANY,
    mask="pass",
    cases=[
        Case({}, (2, 4)),
        Case({"axis": 1}, (2, 3, 4), "another axis"),
        Case({"axis": [1, 2]}, (2, 3, 4, 5), "several axes"),
    ],
)
def unit_normalization(layer: LayerView) -> Piece:
    axis = layer["axis"]
    dims: Any = tuple(layer.input.axis(k) for k in ([axis] if isinstance(axis, int) else axis))
    # Keras keeps the square of the length above 1e-12.
    return Piece(call(F.normalize, layer.x, dim=dims[0] if len(dims) == 1 else dims, eps=1e-6))
