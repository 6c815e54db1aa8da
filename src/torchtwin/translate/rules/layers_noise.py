"""Dropout and noise, which act in training mode alone."""

from __future__ import annotations

from typing import Any

from torch import nn

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.nn.noise import GaussianDropout, GaussianNoise, SharedAlphaDropout, SharedDropout
from torchtwin.translate.registry import Module, constructor
from torchtwin.translate.rules.layers_conv import rank_of
from torchtwin.view import LayerView


@constructor("Dropout", "AlphaDropout")
def dropout(layer: LayerView) -> Module:
    dims = _shared(layer.get("noise_shape"))
    plain, shared = (
        (nn.Dropout, SharedDropout)
        if layer.class_name == "Dropout"
        else (nn.AlphaDropout, SharedAlphaDropout)
    )
    if dims:
        return Module(call(shared, layer["rate"], dims=dims))
    return Module(call(plain, layer["rate"]))


def _shared(shape: Any) -> tuple[int, ...]:
    """Return the axes along which all positions share their fate: those of length 1."""
    if shape is None:
        return ()
    # Behind the batch nobody knows whether a length that is computed is 1.
    if isinstance(shape, Expr) or any(isinstance(n, Expr) for n in shape[1:]):
        raise UnsupportedError("a noise_shape that is computed is not translated")
    return tuple(k for k, n in enumerate(shape) if not isinstance(n, Expr) and n == 1)


@constructor("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")
def spatial_dropout(layer: LayerView) -> Module:
    form = layer.get("data_format")
    if form not in (None, "channels_last", "channels_first"):
        raise UnsupportedError("a data_format that is computed is not translated")
    first = 2 if form == "channels_first" else 1
    dims = tuple(range(first, first + rank_of(layer)))
    return Module(call(SharedDropout, layer["rate"], dims=dims))


@constructor("GaussianNoise")
def gaussian_noise(layer: LayerView) -> Module:
    return Module(call(GaussianNoise, layer["stddev"]))


@constructor("GaussianDropout")
def gaussian_dropout(layer: LayerView) -> Module:
    return Module(call(GaussianDropout, layer["rate"]))
