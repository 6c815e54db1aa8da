"""Attention layers.

Their variables: kernel and bias of query, key, gate, value and output in this order, the kernels
(in, heads, size) and (heads, size, *out); scale and concat_score_weight where heads are missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.filling.tables import filled_by
from torchtwin.nn.lazy_attention import (
    LazyHeads,
    LazyJoin,
    LazyMultiHeadAttention,
    PairAttention,
)
from torchtwin.notation import Notation
from torchtwin.translate.registry import Module, constructor
from torchtwin.translate.rules.layers_core import BIAS, KERNEL, initials
from torchtwin.translate.rules.layers_recurrent import said
from torchtwin.view import LayerView


@filled_by(LazyHeads)
def _heads_variables(module: Any) -> Mapping[str, Notation]:
    sizes = {"h": module.heads, "k": module.size}
    return {
        "weight": Notation("kernel: d h k -> (h k) d", sizes),
        "bias": Notation("bias: h k -> (h k)", sizes),
    }


@filled_by(LazyJoin)
def _join_variables(module: Any) -> Mapping[str, Notation]:
    letters = " ".join(f"o{k}" for k in range(len(module.out_shape)))
    sizes = {"h": module.heads, "v": module.size}
    sizes |= {f"o{k}": n for k, n in enumerate(module.out_shape)}
    return {
        "weight": Notation(f"kernel: h v {letters} -> ({letters}) (h v)", sizes),
        "bias": Notation(f"bias: {letters} -> ({letters})", sizes),
    }


def _options(layer: LayerView) -> dict[str, Any]:
    """Return what both kinds of heads share; refuse what bounds several kernels at once."""
    layer.ignore("flash_attention", "seed")
    for name in ("kernel", "bias"):
        for kind in ("regularizer", "constraint"):
            if layer.get(f"{name}_{kind}") is not None:
                raise UnsupportedError(f"{layer.class_name}({name}_{kind}=...) is not translated")
    bias = layer["use_bias"]
    return {
        **said(dropout=layer["dropout"]), **({} if bias is True else {"bias": bias}),
        **said(window=layer.get("sliding_window"), gate=layer.get("use_gate")),
        **initials(layer, kernel=KERNEL, bias=BIAS),
    }  # fmt: skip


@constructor("MultiHeadAttention")
def multi_head_attention(layer: LayerView) -> Module:
    return Module(call(
        LazyMultiHeadAttention, layer["num_heads"], layer["key_dim"],
        **said(value_dim=layer.get("value_dim"), output_shape=layer.get("output_shape"),
               attention_axes=layer.get("attention_axes")),
        **_options(layer),
    ))  # fmt: skip


@constructor("GroupedQueryAttention")
def grouped_query_attention(layer: LayerView) -> Module:
    return Module(call(
        LazyMultiHeadAttention, layer["num_query_heads"], layer["head_dim"],
        value_heads=layer["num_key_value_heads"], **_options(layer),
    ))  # fmt: skip


@constructor("Attention")
def attention(layer: LayerView) -> Module:
    layer.ignore("seed")
    mode = layer["score_mode"]
    if not isinstance(mode, Expr) and mode not in ("dot", "concat"):
        raise UnsupportedError(f"Attention(score_mode={mode!r})")
    given = said(scaled=layer["use_scale"], dropout=layer["dropout"])
    return Module(call(PairAttention, **({} if mode == "dot" else {"mode": mode}), **given))


@constructor("AdditiveAttention")
def additive_attention(layer: LayerView) -> Module:
    layer.ignore("seed")
    given = said(scaled=layer["use_scale"], dropout=layer["dropout"])
    return Module(call(PairAttention, "additive", **given))
