"""Activations as layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import nn

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.graph import Layout
from torchtwin.nn.activations import PReLU, relu_above
from torchtwin.notation import Notation
from torchtwin.rule import ANY, Case, Piece, rule
from torchtwin.view import LayerView, Tensor


@rule(
    "ReLU",
    layout=ANY,
    mask="pass",
    cases=[
        Case({}, (2, 20)),
        Case({"max_value": 6}, (2, 20)),
        Case({"max_value": 0.5}, (2, 20), "a ceiling"),
        Case({"negative_slope": 0.1}, (2, 20), "leaky"),
        Case({"negative_slope": 0.1, "max_value": 0.5}, (2, 20), "leaky with a ceiling"),
        Case({"threshold": 0.3}, (2, 20), "a threshold"),
        Case({"negative_slope": 0.1, "threshold": 0.3, "max_value": 0.7}, (2, 20), "all of them"),
    ],
)
def relu(layer: LayerView) -> Piece:
    slope, ceiling, threshold = (
        layer[name] or 0 if name != "max_value" else layer[name]
        for name in ("negative_slope", "max_value", "threshold")
    )
    return Piece(relued(layer.x, slope, ceiling, threshold))


def relued(x: Expr, slope: float = 0, ceiling: float | None = None, threshold: float = 0) -> Expr:
    """Return keras.activations.relu of `x`."""
    if threshold:
        return call(relu_above, x, threshold, negative_slope=slope, max_value=ceiling)
    if slope:
        x = call(F.leaky_relu, x, negative_slope=slope)
        return x if ceiling is None else x.clamp(max=ceiling)
    if ceiling is None:
        return call(F.relu, x)
    return call(F.relu6, x) if ceiling == 6 else x.clamp(0, ceiling)


@rule(
    "LeakyReLU",
    layout=ANY,
    mask="pass",
    cases=[Case({}, (2, 20)), Case({"negative_slope": 0.1}, (2, 20))],
)
def leaky_relu(layer: LayerView) -> Piece:
    return Piece(call(F.leaky_relu, layer.x, negative_slope=layer["negative_slope"]))


@rule("ELU", layout=ANY, mask="pass", cases=[Case({}, (2, 20)), Case({"alpha": 0.5}, (2, 20))])
def elu(layer: LayerView) -> Piece:
    return Piece(call(F.elu, layer.x, alpha=layer["alpha"]))


@rule("ThresholdedReLU", layout=ANY, mask="pass")
def thresholded_relu(layer: LayerView) -> Piece:
    """A layer of Keras 1 and 2."""
    return Piece(call(F.threshold, layer.x, layer.get("theta", 1.0), 0.0))


@rule(
    "Softmax",
    layout=ANY,
    mask="pass",
    takes_mask=True,
    cases=[
        Case({}, (2, 4)),
        Case({"axis": 1}, (2, 3, 4, 5), "another axis"),
        Case({"axis": [1, 2]}, (2, 3, 4, 5), "several axes"),
        Case(
            {"axis": -1},
            [(3, 4), (3, 4)],
            "masked",
            names=("", "mask"),
            inputs=["normal", "int:2"],
        ),
    ],
)
def softmax(layer: LayerView) -> Piece:
    axis, mask = layer["axis"], layer.call("mask")
    dims = tuple(layer.input.axis(k) for k in ([axis] if isinstance(axis, int) else axis))
    x = layer.x
    if mask is None and layer.mask is not None:
        mask = layer.masks[0]
    if isinstance(mask, Tensor):
        if mask.rank != layer.input.rank:
            raise UnsupportedError("Softmax with a mask of another rank is not translated")
        kept = mask.expr if mask.dtype == "bool" else mask.expr > 0.5
        x = x.masked_fill(~kept, -1e9)
    if len(dims) == 1:
        x = call(F.softmax, x, dim=dims[0])
    else:
        x = (x - x.logsumexp(dims, keepdim=True)).exp()
    # Where everything is masked, softmax alone would share out evenly.
    return Piece(x.masked_fill(~kept, 0.0) if isinstance(mask, Tensor) else x)


def _own_axes(config: Mapping[str, Any], rank: int) -> list[int]:
    """Return the axes along which a PReLU has slopes of their own."""
    shared = config.get("shared_axes") or ()
    shared = [shared] if isinstance(shared, int) else shared
    return [k for k in range(1, rank) if k not in shared]


def _prelu_layout(config: Mapping[str, Any], rank: int) -> Layout | str | None:
    own = _own_axes(config, rank)
    if len(own) != 1:
        return ANY
    order = (0, own[0], *(k for k in range(1, rank) if k != own[0]))
    return None if order == tuple(range(rank)) else order


@rule(
    "PReLU",
    layout=_prelu_layout,
    mask="pass",
    cases=[
        Case({}, (2, 4)),
        Case({}, (2, 3, 4), "a slope for each number"),
        Case({"shared_axes": [1, 2]}, (2, 3, 4, 5), "a slope for each channel"),
        Case({"shared_axes": [1]}, (2, 3, 4), "a slope for each feature"),
        Case({"shared_axes": [2]}, (2, 3, 4, 5), "shared along one axis"),
        Case({"shared_axes": [1, 2, 3]}, (2, 3, 4, 5), "one slope"),
        Case({}, (2, 3, 4, 5), "an image"),
    ],
)
def prelu(layer: LayerView) -> Piece:
    layer.ignore("shared_axes")
    rank = layer.input.rank
    own = _own_axes(layer.config, rank)
    lengths = {k: layer.input.shape[k] for k in own}
    if None in lengths.values():
        raise UnsupportedError("the lengths of the slopes are not in the file")
    letters = {k: "bcdefgh"[k] if k in own else "1" for k in range(1, rank)}
    before = " ".join(letters.values())
    if len(own) <= 1:
        count = lengths[own[0]] if own else 1
        after = letters[own[0]] if own else "1"
        return Piece(
            module=call(nn.PReLU, *([count] if count != 1 else [])),
            weights={"weight": Notation(f"alpha: {before} -> {after}")},
        )
    order = (layer.input.layout or tuple(range(rank)))[1:]
    shape = tuple(lengths.get(k, 1) for k in order)
    after = " ".join(letters[k] for k in order)
    return Piece(
        module=call(PReLU, shape), weights={"weight": Notation(f"alpha: {before} -> {after}")}
    )
