"""Attention without projections, on [query, value] or [query, value, key]."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call, unpack
from torchtwin.layers.multi_head import features
from torchtwin.nn.attention import AdditiveAttention, DotAttention, SumAttention
from torchtwin.rule import Case, Piece, options, rule
from torchtwin.view import LayerView

_TWO = [(2, 5, 4), (2, 6, 4)]
_THREE = [(2, 5, 4), (2, 6, 4), (2, 6, 4)]


def _attention_mask_out(layer: LayerView) -> Expr | None:
    return layer.mask


@rule(
    "Attention",
    mask=_attention_mask_out,
    takes_mask=True,
    cases=[
        Case({}, _TWO),
        Case({}, _THREE, "with a key"),
        Case({"use_scale": True}, _TWO, "scaled"),
        Case({"score_mode": "concat"}, _TWO, "by sums"),
        Case({"score_mode": "concat", "use_scale": True}, _TWO, "by scaled sums"),
        Case({}, _TWO, "masked", mask=True),
        Case({}, _TWO, "masked values", mask=[False, True]),
        Case({"dropout": 0.3}, _TWO, "with dropout"),
        Case({}, _TWO, "causal", call={"use_causal_mask": True}),
        Case({}, _TWO, "masked, causal", mask=True, call={"use_causal_mask": True}),
        Case({}, _THREE, "scores", call={"return_attention_scores": True}),
    ],
)
def attention(layer: LayerView) -> Piece:
    scaled, dropout = layer["use_scale"], float(layer["dropout"])
    if layer["score_mode"] == "dot":
        module = call(DotAttention, scaled=scaled, dropout=dropout)
        weights = {"scale": "scale"} if scaled else {}
        plain = not scaled and not dropout and not any(layer.masks)
        return _attention(layer, None if plain else module, weights)
    module = call(SumAttention, scaled=scaled, dropout=dropout)
    weights = ({"scale": "scale"} if scaled else {}) | {"weight": "concat_score_weight"}
    return _attention(layer, module, weights)


@rule(
    "AdditiveAttention",
    mask=_attention_mask_out,
    takes_mask=True,
    cases=[
        Case({}, _TWO),
        Case({"use_scale": False}, _THREE, "with a key, without scale"),
        Case({"dropout": 0.3}, _TWO, "masked, with dropout", mask=True),
        Case({}, _TWO, "causal scores",
             call={"use_causal_mask": True, "return_attention_scores": True}),
    ],
)  # fmt: skip
def additive_attention(layer: LayerView) -> Piece:
    scaled = layer["use_scale"]
    module = call(
        AdditiveAttention, features(layer.input), scaled=scaled, dropout=float(layer["dropout"])
    )
    return _attention(layer, module, {"scale": "scale"} if scaled else {})


def _attention(layer: LayerView, module: Any, weights: dict[str, str]) -> Piece:
    """Return the piece of an attention without projections, on [query, value] or with a key."""
    causal = bool(layer.call("use_causal_mask", False)) or bool(layer.get("causal"))
    wants_scores = bool(layer.call("return_attention_scores", False))
    tensors = [t.expr for t in layer.inputs]
    if not 2 <= len(tensors) <= 3:
        raise UnsupportedError(f"{layer.class_name} of {len(tensors)} inputs")
    if module is None and not wants_scores:
        query, value, key = (*tensors, tensors[1])[:3]
        product = call(
            F.scaled_dot_product_attention, query, key, value, is_causal=causal, scale=1.0
        )
        return Piece(product)
    module = module or call(DotAttention)
    masks = [m.expr if m else None for m in layer.masks]
    mask = masks[1][:, None] if masks[1] is not None else None
    result, scores = unpack(
        layer.module(*tensors, **options(mask=mask, causal=causal)), "x", "scores"
    )
    if masks[0] is not None:
        result = result.masked_fill(~masks[0][..., None], 0.0)
    return Piece((result, scores) if wants_scores else result, module, weights, layout=None)
