"""Dropout and noise, which act in training mode alone."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import nn

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.nn.noise import GaussianDropout, GaussianNoise, SharedAlphaDropout, SharedDropout
from torchtwin.rule import ANY, Case, Piece, rule
from torchtwin.view import LayerView


@rule(
    "Dropout",
    layout=ANY,
    mask="pass",
    cases=[
        Case({"rate": 0.3}, (2, 4)),
        Case({"rate": 0.3, "noise_shape": (None, 1, None)}, (2, 3, 4), "over steps"),
        Case({"rate": 0.3, "noise_shape": (2, 1, 1, 5)}, (2, 3, 4, 5), "over an image"),
        Case({"rate": 0.3}, (2, 4), "switched off", call={"training": False}),
    ],
)
def dropout(layer: LayerView) -> Piece:
    training = layer.call("training")
    dims = _shared_axes(layer)
    if training is False:
        layer.ignore("rate")
        return Piece(layer.x)
    if training and not dims:
        return Piece(call(F.dropout, layer.x, p=layer["rate"]))
    if training:
        layer.read.discard("call:training")
    if dims:
        return Piece(module=call(SharedDropout, layer["rate"], dims=dims))
    return Piece(module=call(nn.Dropout, layer["rate"]))


def _shared_axes(layer: LayerView) -> tuple[int, ...]:
    """Return the physical axes along which all positions share their fate."""
    shape: Any = layer["noise_shape"] or ()
    if shape and len(shape) != layer.input.rank:
        raise UnsupportedError(f"noise_shape {shape} for a tensor of rank {layer.input.rank}")
    lengths = zip(shape, layer.input.shape, strict=False)
    shared = [k for k, (n, length) in enumerate(lengths) if n == 1 and length != 1]
    return tuple(sorted(layer.input.axis(k) for k in shared))


@rule(
    "AlphaDropout",
    layout=ANY,
    mask="pass",
    cases=[
        Case({"rate": 0.3}, (2, 4)),
        Case({"rate": 0.3, "noise_shape": (None, 1, None)}, (2, 3, 4), "over steps"),
    ],
)
def alpha_dropout(layer: LayerView) -> Piece:
    if dims := _shared_axes(layer):
        return Piece(module=call(SharedAlphaDropout, layer["rate"], dims=dims))
    return Piece(module=call(nn.AlphaDropout, layer["rate"]))


@rule("GaussianNoise", layout=ANY, mask="pass", cases=[Case({"stddev": 0.3}, (2, 4))])
def gaussian_noise(layer: LayerView) -> Piece:
    return Piece(module=call(GaussianNoise, layer["stddev"]))


@rule("GaussianDropout", layout=ANY, mask="pass", cases=[Case({"rate": 0.3}, (2, 4))])
def gaussian_dropout(layer: LayerView) -> Piece:
    if layer["rate"] >= 1:
        raise UnsupportedError("GaussianDropout(1), whose noise is infinite")
    return Piece(module=call(GaussianDropout, layer["rate"]))
