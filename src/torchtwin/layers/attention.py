"""Attention layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call, shape_of, unpack
from torchtwin.nn.attention import (
    AdditiveAttention,
    DotAttention,
    MultiHeadAttention,
    MultiHeadAttentionScores,
    SumAttention,
)
from torchtwin.notation import Notation
from torchtwin.rule import Case, Piece, options, rule
from torchtwin.view import LayerView, Tensor

TENSORS = ("query", "value", "key")
MASKS = ("query_mask", "value_mask", "key_mask")
REST = ("attention_mask", "return_attention_scores", "training", "use_causal_mask")


def _arguments(layer: LayerView) -> dict[str, Any]:
    """Return the arguments of a MultiHeadAttention's call by name."""
    names = TENSORS + REST if layer.version[:1] in ("1", "2") else TENSORS + MASKS + REST
    given = dict(zip(names, layer.args, strict=False))
    given |= {name: layer.call(name) for name in names if name in layer.kwargs}
    if not all(isinstance(given.get(name), Tensor) for name in TENSORS[:2]):
        raise UnsupportedError("MultiHeadAttention without its query and value")
    if given.pop("training", None):
        raise UnsupportedError("MultiHeadAttention with training=True is not translated")
    return given


def _mask_of(layer: LayerView, tensor: Tensor | None) -> Expr | None:
    """Return the Keras mask that comes with an argument."""
    pairs = zip(layer.inputs, layer.masks, strict=True)
    return next((m.expr for t, m in pairs if t is tensor and m is not None), None)


def _query_mask(layer: LayerView) -> Expr | None:
    return _mask_of(layer, _arguments(layer)["query"])


_MHA = {"num_heads": 2, "key_dim": 3, "dropout": 0.3}  # with dropout, Keras computes in float64
_NO_DROPOUT = {"num_heads": 2, "key_dim": 3}
_TWO = [(2, 5, 4), (2, 6, 4)]
_NAMES = ("query", "value")


@rule(
    "MultiHeadAttention",
    mask=_query_mask,
    takes_mask=True,
    cases=[
        Case(_MHA, _TWO, names=_NAMES),
        Case(_MHA, _TWO, "by position", names=("", "")),
        Case({**_MHA, "value_dim": 5, "output_shape": 7}, _TWO, "other sizes", names=_NAMES),
        Case({**_MHA, "output_shape": (2, 3)}, _TWO, "output of rank 4", names=_NAMES),
        Case({**_MHA, "use_bias": False}, _TWO, "without bias", names=_NAMES),
        Case(_MHA, [(2, 5, 4), (2, 6, 3), (2, 6, 7)], "with a key", names=TENSORS),
        Case(_MHA, _TWO, "causal", names=_NAMES, call={"use_causal_mask": True}),
        Case(_MHA, _TWO, "scores", names=_NAMES, call={"return_attention_scores": True}),
        Case(_NO_DROPOUT, _TWO, "without dropout", names=_NAMES, single=True),
        Case(_NO_DROPOUT, _TWO, "masked", names=_NAMES, mask=True, single=True),
        Case(_MHA, _TWO, "masked, with dropout", names=_NAMES, mask=True),
        Case(_MHA, _TWO, "masked scores", names=_NAMES, mask=[False, True],
             call={"return_attention_scores": True, "use_causal_mask": True}),
        Case(_MHA, [*_TWO, (2, 5, 6)], "an attention mask", names=(*_NAMES, "attention_mask"),
             inputs=["normal", "normal", "int:2"], call={"use_causal_mask": True}),
        Case(_MHA, [(2, 3, 2, 4), (2, 3, 2, 4)], "over an image", names=_NAMES),
        Case({**_MHA, "attention_axes": (2,)}, [(2, 3, 5, 4), (2, 3, 6, 4)], "over one axis",
             names=_NAMES),
    ],
)  # fmt: skip
def multi_head_attention(layer: LayerView) -> Piece:
    given = _arguments(layer)
    scores = bool(given.get("return_attention_scores"))
    rank = given["query"].rank
    axes = layer["attention_axes"]
    axes = (axes,) if isinstance(axes, int) else axes or tuple(range(1, rank - 1))
    axes = tuple(k % rank for k in axes)
    flat = axes == tuple(range(1, rank - 1)) and rank > 3
    if not flat and axes != (rank - 2,):
        raise UnsupportedError(f"attention over the axes {axes} is not translated")
    mask, causal = _mask(layer, given), bool(given.get("use_causal_mask"))
    if rank > 3 and (mask is not None or causal or (flat and scores)):
        raise UnsupportedError("attention over images with a mask is not translated")
    tensors = [given[name] for name in TENSORS if given.get(name) is not None]
    exprs = [t.expr.flatten(1, -2) if flat else t.expr for t in tensors]
    result: Any = layer.module(*exprs, **options(mask=mask, causal=causal))
    shape = layer["output_shape"]
    shape = (shape,) if isinstance(shape, int) else shape
    if scores:
        result = unpack(result, "x", "scores")
    if flat:
        result = result.unflatten(1, shape_of(given["query"].expr)[1:-1])
    if shape and len(shape) > 1:
        result = (
            (result[0].unflatten(-1, shape), result[1]) if scores else result.unflatten(-1, shape)
        )
    return Piece(
        result, _module(layer, given, shape, scores), _weights(layer, shape), _sizes(layer),
        layout=None,
    )  # fmt: skip


def _mask(layer: LayerView, given: dict[str, Any]) -> Expr | None:
    """Return all masks as one, (B, T, S) or what broadcasts to it."""
    masks: list[Expr] = []
    if isinstance(attention := given.get("attention_mask"), Tensor):
        masks.append(attention.expr if attention.dtype == "bool" else attention.expr.bool())
    elif attention is not None:
        raise UnsupportedError("an attention mask that is written in the file is not translated")
    query, value, key = (
        own.expr if isinstance(own := given.get(f"{name}_mask"), Tensor) and name != "query"
        else _mask_of(layer, given.get(name))
        for name in TENSORS
    )  # fmt: skip
    if query is not None:
        masks.append(query[..., None])
    if value is not None:
        masks.append(value[:, None])
    if key is not None and given.get("key") is not given["value"]:
        masks.append(key[:, None])
    return reduce(lambda a, b: a & b, masks) if masks else None


def _module(layer: LayerView, given: dict[str, Any], shape: Any, scores: bool) -> Any:
    features = [_features(given.get(name) or given["value"]) for name in ("query", "key", "value")]
    key_dim, dropout = layer["key_dim"], layer["dropout"]
    value_dim = layer["value_dim"] or key_dim
    out = math.prod(shape) if shape else features[0]
    # Keras 3 lets a query that may look nowhere see zeros where it computes the scores itself.
    zero = (bool(dropout) or scores) and layer.version[:1] not in ("1", "2")
    return call(
        MultiHeadAttentionScores if scores else MultiHeadAttention,
        features[0],
        heads=layer["num_heads"],
        head_size=key_dim,
        value_size=None if value_dim == key_dim else value_dim,
        key_features=None if features[1] == features[0] else features[1],
        value_features=None if features[2] == features[0] else features[2],
        out_features=None if out == features[0] else out,
        bias=layer["use_bias"],
        dropout=float(dropout),
        zero_masked=zero and _mask(layer, given) is not None,
    )


def _features(tensor: Tensor) -> int:
    if tensor.shape[-1] is None:
        raise UnsupportedError("the number of features is not in the file")
    return tensor.shape[-1]


def _weights(layer: LayerView, shape: Sequence[int] | None) -> dict[str, str | Notation]:
    weights: dict[str, str | Notation] = {}
    for name in ("query", "key", "value"):
        letters = "h v" if name == "value" else "h k"
        weights[f"{name}.weight"] = f"{name}_dense/kernel: d {letters} -> ({letters}) d"
        if layer["use_bias"]:
            weights[f"{name}.bias"] = f"{name}_dense/bias: {letters} -> ({letters})"
    out = " ".join(f"o{k}" for k in range(len(shape or "d")))
    merged = f"({out})" if " " in out else out
    lengths = {f"o{k}": n for k, n in enumerate(shape or ())}
    weights["output.weight"] = Notation(
        f"output_dense/kernel: h v {out} -> {merged} (h v)", {**_sizes(layer), **lengths}
    )
    if layer["use_bias"]:
        weights["output.bias"] = Notation(f"output_dense/bias: {out} -> {merged}", lengths)
    return weights


def _sizes(layer: LayerView) -> dict[str, int]:
    heads, key = layer["num_heads"], layer["key_dim"]
    return {"h": heads, "k": key, "v": layer["value_dim"] or key}


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
    scaled, features = layer["use_scale"], _features(layer.input)
    module = call(AdditiveAttention, features, scaled=scaled, dropout=float(layer["dropout"]))
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
