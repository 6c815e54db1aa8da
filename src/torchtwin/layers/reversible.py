"""ReversibleEmbedding."""

from __future__ import annotations

from typing import Any

from torchtwin.apply import torch_dtype
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call, not_equal
from torchtwin.layers.core import indices
from torchtwin.layers.quantized import adapted, embedding_piece
from torchtwin.nn.reversible import QuantizedReversibleEmbedding, ReversibleEmbedding
from torchtwin.quantization import quantization_of
from torchtwin.rule import Case, Piece, options, rule
from torchtwin.view import LayerView

_SIZES = {"input_dim": 7, "output_dim": 3}
_BACK = {"reverse": True}


def _reverses(layer: LayerView) -> bool:
    return bool(layer.call("reverse", layer.args[1] if len(layer.args) > 1 else False))


def _mask(layer: LayerView) -> Expr | None:
    return not_equal(layer.x, 0) if layer["mask_zero"] and not _reverses(layer) else None


@rule(
    "ReversibleEmbedding",
    mask=_mask,
    cases=[
        Case(_SIZES, (2, 5), inputs="int:7"),
        Case({**_SIZES, "logit_soft_cap": 2.0}, (2, 5, 3), "back, capped", call=_BACK),
    ],
)
def reversible_embedding(layer: LayerView) -> Piece:
    layer.ignore("mask_zero")
    if adapted(layer) is not None:
        raise UnsupportedError("ReversibleEmbedding with a LoRA adapter is not translated")
    tied, cap, dtype = (layer[n] for n in ("tie_weights", "logit_soft_cap", "reverse_dtype"))
    reverse = _reverses(layer)
    x = layer.x if reverse else indices(layer)
    expr = layer.module(x, **options(reverse=reverse))
    further: dict[str, Any] = {**({} if tied else {"tied": False}), **options(cap=cap)}
    if (q := quantization_of(layer.config)) is not None:
        layer.ignore("quantization_config", "reverse_dtype")  # Keras does not use it there
        rounds = {"rounds": False} if q.rounds is False else {}
        kind = QuantizedReversibleEmbedding
        return embedding_piece(layer, q, kind, expr, own_rows=not tied, **further, **rounds)
    further |= options(reverse_dtype=torch_dtype(dtype) if dtype else None)
    own = {} if tied else {"rows": "reverse_embeddings: d n -> n d"}
    return Piece(
        expr,
        module=call(ReversibleEmbedding, layer["input_dim"], layer["output_dim"], **further),
        weights={"weight": "embeddings", **own},
    )
