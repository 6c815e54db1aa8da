"""MultiHeadAttention and GroupedQueryAttention."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call, shape_of, unpack
from torchtwin.layers.heads import Axes, Heads, axes_of
from torchtwin.nn.attention import MultiHeadAttention, MultiHeadAttentionScores
from torchtwin.nn.attention_grouped import GroupedAttention, GroupedAttentionScores
from torchtwin.notation import Notation
from torchtwin.rule import Case, Piece, extra_cases, options, rule
from torchtwin.view import LayerView, Tensor

TENSORS = ("query", "value", "key")
_KINDS = ("query", "key", "value")
MASKS = ("query_mask", "value_mask", "key_mask")
REST = ("attention_mask", "return_attention_scores", "training", "use_causal_mask")


def _arguments(layer: LayerView) -> dict[str, Any]:
    """Return the arguments of an attention's call by name."""
    names = TENSORS + REST if layer.version[:1] in ("1", "2") else TENSORS + MASKS + REST
    given = dict(zip(names, layer.args, strict=False))
    given |= {name: layer.call(name) for name in names if name in layer.kwargs}
    if not all(isinstance(given.get(name), Tensor) for name in TENSORS[:2]):
        raise UnsupportedError(f"{layer.class_name} without its query and value")
    if given.pop("training", None):
        raise UnsupportedError(f"{layer.class_name} with training=True is not translated")
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
_SCORES = {"return_attention_scores": True}
_WITH_MASK: dict[str, Any] = {
    "names": (*_NAMES, "attention_mask"), "inputs": ["normal", "normal", "int:2"],
}  # fmt: skip


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
        Case(_MHA, _TWO, "scores", names=_NAMES, call=_SCORES),
        Case(_NO_DROPOUT, _TWO, "without dropout", names=_NAMES, single=True),
        Case(_NO_DROPOUT, _TWO, "masked", names=_NAMES, mask=True, single=True),
        Case(_MHA, _TWO, "masked, with dropout", names=_NAMES, mask=True),
        Case(_MHA, _TWO, "masked scores", names=_NAMES, mask=[False, True],
             call={**_SCORES, "use_causal_mask": True}),
        Case(_MHA, [*_TWO, (2, 5, 6)], "an attention mask", **_WITH_MASK,
             call={"use_causal_mask": True}),
        Case(_MHA, [(2, 3, 2, 4), (2, 3, 2, 4)], "over an image", names=_NAMES),
        Case({**_MHA, "attention_axes": (2,)}, [(2, 3, 5, 4), (2, 3, 6, 4)], "over one axis",
             names=_NAMES),
        Case({**_MHA, "attention_axes": (2, 3), "output_shape": (2, 3)},
             [(2, 3, 5, 2, 4), (2, 3, 4, 3, 4)], "two axes", names=_NAMES, call=_SCORES),
        Case({**_MHA, "attention_axes": 1, "output_shape": (2, 3)}, [(2, 5, 3, 4), (2, 6, 3, 4)],
             "over the first axis", names=_NAMES, call={"use_causal_mask": True}),
        Case({**_MHA, "attention_axes": (3, 1)}, [(2, 3, 4, 2, 4), (2, 2, 4, 3, 4)],
             "over axes apart", names=_NAMES, call=_SCORES),
        Case({**_MHA, "attention_axes": (2,)}, [(2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 5, 6)],
             "masked over one axis", **_WITH_MASK),
        Case(_NO_DROPOUT, [(2, 3, 2, 4), (2, 2, 2, 4), (2, 3, 2, 2, 2)], "masked over an image",
             **_WITH_MASK, call=_SCORES),
        Case({**_MHA, "use_gate": True, "value_dim": 5}, _TWO, "gate", names=_NAMES, mask=True),
        Case({**_MHA, "use_gate": True, "use_bias": False}, _TWO, "gate and scores", names=_NAMES,
             call=_SCORES),
        Case({**_MHA, "sliding_window": 2}, [(2, 7, 4), (2, 4, 4)], "window", names=_NAMES),
        Case({**_NO_DROPOUT, "sliding_window": 3}, _TWO, "causal window", names=_NAMES,
             call={"use_causal_mask": True}, single=True),
    ],
)  # fmt: skip
def multi_head_attention(layer: LayerView) -> Piece:
    size, count = layer["key_dim"], layer["num_heads"]
    heads = Heads(count, count, size, layer["value_dim"] or size, *_further(layer, "use_gate"))
    shape = layer["output_shape"]
    shape = (shape,) if isinstance(shape, int) else shape
    return _attention(layer, heads, shape, layer["attention_axes"])


def _further(layer: LayerView, gate: str) -> tuple[bool, int | None]:
    return bool(layer[gate]), layer["sliding_window"]


_GROUPED = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2, "dropout": 0.2}


_SAME = [(2, 5, 4), (2, 6, 4), (2, 6, 4)]


@rule("GroupQueryAttention", "GroupedQueryAttention", mask=_query_mask, takes_mask=True)
def grouped_query_attention(layer: LayerView) -> Piece:
    count, keys, size = (
        layer[name] for name in ("num_query_heads", "num_key_value_heads", "head_dim")
    )
    heads = Heads(count, keys, size, size, *_further(layer, "use_gate"))
    return _attention(layer, heads, None, None)


extra_cases(
    "GroupQueryAttention",
    [
        Case(_GROUPED, _TWO, names=_NAMES),
        Case({**_GROUPED, "num_key_value_heads": 4, "use_bias": False},
             _SAME, "with a key", names=TENSORS),
        Case({**_GROUPED, "use_gate": True}, _TWO, "gate and scores", names=_NAMES,
             call={**_SCORES, "use_causal_mask": True}),
        Case({**_GROUPED, "sliding_window": 2}, _TWO, "window", names=_NAMES, mask=True),
        Case(_GROUPED, [*_TWO, (2, 5, 6)], "an attention mask", **_WITH_MASK),
        Case({**_GROUPED, "dropout": 0.0}, _TWO, "causal", names=_NAMES, single=True,
             call={"use_causal_mask": True}),
    ],
)  # fmt: skip


def _attention(
    layer: LayerView, heads: Heads, shape: Sequence[int] | None, attention_axes: Any
) -> Piece:
    """Return the piece of an attention whose output has `shape` as features."""
    given = _arguments(layer)
    scores, causal = bool(given.get("return_attention_scores")), bool(given.get("use_causal_mask"))
    query, value = given["query"], given["value"]
    axes = axes_of(layer, query.rank, attention_axes)
    mask = _mask(layer, given, axes)
    if causal or heads.window:
        _check_order(query, value, axes)
    tensors = [axes.together(given[name].expr) for name in TENSORS if given.get(name) is not None]
    result: Any = layer.module(*tensors, **options(mask=mask, causal=causal))
    seen = None
    if scores:
        result, seen = unpack(result, "x", "scores")
    count = len(shape or "d")
    if count > 1:
        result = result.unflatten(-1, shape)
    lengths = _lengths(query, axes)
    result = axes.apart(result, lengths, count)
    if seen is not None and len(axes.over) > 1:
        seen = seen.unflatten(-1, _lengths(value, axes)).unflatten(-1 - len(axes.over), lengths)
    module = _module(layer, given, heads, shape, mask is not None or heads.window is not None)
    weights = _weights(heads, shape, bias=layer["use_bias"])
    result = result if seen is None else (result, seen)
    return Piece(result, module, weights, heads.sizes, layout=None)


def _lengths(tensor: Tensor, axes: Axes) -> Any:
    """Return the lengths of the axes to look over, as an argument of unflatten."""
    known = tuple(tensor.shape[k] for k in axes.over)
    if None not in known:
        return known
    whole = shape_of(tensor.expr)
    if axes.over == tuple(range(axes.over[0], axes.over[-1] + 1)):
        return whole[axes.over[0] : axes.over[-1] + 1]
    return tuple(whole[k] for k in axes.over)


def _check_order(query: Tensor, value: Tensor, axes: Axes) -> None:
    """Keras counts what comes before along the first axis behind the batch, whatever the axes."""
    own = axes.over[0]
    same = own == 1 or all(t.shape[1] == t.shape[own] is not None for t in (query, value))
    if len(axes.over) > 1 or not same:
        raise UnsupportedError("attention that is causal, or in a window, over other axes")


def _mask(layer: LayerView, given: dict[str, Any], axes: Axes) -> Expr | None:
    """Return all masks as one, (B, T, S) or what broadcasts to it."""
    masks: list[Expr] = []
    if isinstance(attention := given.get("attention_mask"), Tensor):
        masks.append(_given_mask(attention, given, axes))
    elif attention is not None:
        raise UnsupportedError("an attention mask that is written in the file is not translated")
    query, value, key = (
        own.expr if isinstance(own := given.get(f"{name}_mask"), Tensor) and name != "query"
        else _mask_of(layer, given.get(name))
        for name in TENSORS
    )  # fmt: skip
    if given["query"].rank > 3 and not (query is value is key is None):
        raise UnsupportedError("attention over images with a mask is not translated")
    if query is not None:
        masks.append(query[..., None])
    if value is not None:
        masks.append(value[:, None])
    if key is not None and given.get("key") is not given["value"]:
        masks.append(key[:, None])
    return reduce(lambda a, b: a & b, masks) if masks else None


def _given_mask(mask: Tensor, given: dict[str, Any], axes: Axes) -> Expr:
    """Return an attention mask with all axes to look over as one, of the query and of the keys."""
    expr, count = mask.expr if mask.dtype == "bool" else mask.expr.bool(), len(axes.over)
    if count == 1:
        return expr
    wanted = [given[name].shape[k] for name in TENSORS[:2] for k in axes.over]
    if list(mask.shape[-2 * count :]) != wanted or None in wanted:
        raise UnsupportedError("an attention mask that does not name every position")
    return expr.flatten(-count, -1).flatten(-1 - count, -2)


def _module(layer: LayerView, given: dict[str, Any], heads: Heads, shape: Any, masked: bool) -> Any:
    query, key, value = (features(given.get(name) or given["value"]) for name in _KINDS)
    scores, dropout = bool(given.get("return_attention_scores")), layer["dropout"]
    out = math.prod(shape) if shape else query
    # Keras 3 lets a query that may look nowhere see zeros where it computes the scores itself.
    own_scores = bool(dropout) or scores or given["query"].rank > 3
    kinds = {
        (False, False): MultiHeadAttention, (False, True): MultiHeadAttentionScores,
        (True, False): GroupedAttention, (True, True): GroupedAttentionScores,
    }  # fmt: skip
    return call(
        kinds[bool(heads.grouped), scores],
        query,
        heads=heads.count,
        head_size=heads.size,
        **heads.grouped,
        value_size=None if heads.value_size == heads.size else heads.value_size,
        key_features=None if key == query else key,
        value_features=None if value == query else value,
        bias=layer["use_bias"],
        **options(
            out_features=None if out == query else out,
            dropout=float(dropout) or None,
            zero_masked=masked and own_scores and layer.version[:1] not in ("1", "2"),
        ),
    )


def features(tensor: Tensor) -> int:
    if tensor.shape[-1] is None:
        raise UnsupportedError("the number of features is not in the file")
    return tensor.shape[-1]


def _weights(
    heads: Heads, shape: Sequence[int] | None, *, bias: bool
) -> Mapping[str, str | Notation]:
    weights: dict[str, str | Notation] = {}
    keys = "h" if heads.keys == heads.count else "g"
    letters = {"query": "h k", "key": f"{keys} k", "gate": "h v", "value": f"{keys} v"}
    for name, axes in letters.items():
        if name == "gate" and not heads.gate:
            continue
        weights[f"{name}.weight"] = f"{name}_dense/kernel: d {axes} -> ({axes}) d"
        if bias:
            weights[f"{name}.bias"] = f"{name}_dense/bias: {axes} -> ({axes})"
    out = " ".join(f"o{k}" for k in range(len(shape or "d")))
    merged = f"({out})" if " " in out else out
    lengths = {f"o{k}": n for k, n in enumerate(shape or ())}
    weights["output.weight"] = Notation(
        f"output_dense/kernel: h v {out} -> {merged} (h v)", {**heads.sizes, **lengths}
    )
    if bias:
        weights["output.bias"] = Notation(f"output_dense/bias: {out} -> {merged}", lengths)
    return weights
