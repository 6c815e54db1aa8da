"""Dense, Embedding, Flatten and other layers that move or mix features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from torchtwin.expr import Expr, call, not_equal
from torchtwin.layers.pointwise import POINTWISE, pointwise
from torchtwin.layers.quantized import (
    adapted,
    lora_dense,
    lora_embedding,
    quantized_dense,
    quantized_embedding,
    untrained_weight,
)
from torchtwin.notation import Notation, flattened_sides
from torchtwin.quantization import quantization_of
from torchtwin.rule import ANY, Case, Piece, rule
from torchtwin.view import LayerView

_LEAKY = {"class_name": "LeakyReLU", "config": {"negative_slope": 0.1}}


def _dense_layout(config: Mapping[str, Any], rank: int) -> Any:
    plain = quantization_of(config) is None and not config.get("lora_rank")
    return ANY if rank in POINTWISE and plain else None


@rule(
    "Dense",
    layout=_dense_layout,
    mask="pass",
    cases=[
        Case({"units": 3}, (2, 4)),
        Case({"units": 3, "activation": "softmax", "use_bias": False}, (2, 5, 4), "over steps"),
        Case({"units": 3, "activation": _LEAKY}, (2, 4), "with a layer as activation"),
    ],
)
def dense(layer: LayerView) -> Piece:
    size = layer.input.shape[-1]
    if (quantization := quantization_of(layer.config)) is not None and size is not None:
        return quantized_dense(layer, size, quantization)
    if (adapter := adapted(layer)) is not None and layer.flattened is None:
        return lora_dense(layer, size, adapter)
    if layer.input.axis(-1) not in (-1, layer.input.rank - 1):
        return pointwise(layer)
    return Piece(
        module=call(nn.Linear, size, layer["units"], bias=layer["use_bias"]),
        weights={"weight": kernel(layer)} | ({"bias": bias(layer)} if layer["use_bias"] else {}),
        activation=layer["activation"],
        frozen=untrained_weight(layer),
    )


def kernel(layer: LayerView) -> Notation:
    """Return the kernel's notation; rows move behind a Flatten of channels-first values, and
    columns before a Reshape to some."""
    row, moved_row, sizes = "i", "i", dict[str, int]()
    column, moved_column = "o", "o"
    if layer.flattened is not None:
        row, moved_row, sizes = flattened_sides(*layer.flattened)
    if layer.spread is not None:
        column, moved_column, more = flattened_sides(*layer.spread)
        if sizes:  # rows have these letters
            column, moved_column = column.upper(), moved_column.upper()
            more = {letter.upper(): length for letter, length in more.items()}
        sizes = {**sizes, **more}
    return Notation(f"kernel: {row} {column} -> {moved_column} {moved_row}", sizes)


def bias(layer: LayerView) -> Notation:
    if layer.spread is None:
        return Notation("bias")
    before, after, sizes = flattened_sides(*layer.spread)
    return Notation(f"bias: {before} -> {after}", sizes)


@rule(
    "Flatten",
    cases=[
        Case({}, (2, 3, 4)),
        Case({}, (2, 3, 4, 5)),
        Case({"data_format": "channels_first"}, (2, 3, 4, 5), "channels first"),
    ],
)
def flatten(layer: LayerView) -> Piece:
    """With data_format="channels_first" Keras moves the channels behind the rest before."""
    x, rank = layer.x, layer.input.rank
    if layer["data_format"] == "channels_first" and rank > 2:
        x = x.movedim(1, -1)
    return Piece(x.flatten(1) if rank > 1 else x[:, None], layout=None)


@rule("Activation", layout=ANY, mask="pass", cases=[Case({"activation": "tanh"}, (2, 4))])
def activation(layer: LayerView) -> Piece:
    return Piece(layer.x, activation=layer["activation"])


@rule(
    "Embedding",
    mask=lambda layer: not_equal(layer.x, 0) if layer["mask_zero"] else None,
    cases=[
        Case({"input_dim": 7, "output_dim": 3}, (2, 5), inputs="int:7"),
        Case({"input_dim": 7, "output_dim": 3, "mask_zero": True}, (2, 5), inputs="int:7"),
    ],
)
def embedding(layer: LayerView) -> Piece:
    layer.ignore("mask_zero", "input_length")
    x = indices(layer)
    if (quantization := quantization_of(layer.config)) is not None:
        return quantized_embedding(layer, x, quantization)
    if (adapter := adapted(layer)) is not None:
        return lora_embedding(layer, x, adapter)
    return Piece(
        layer.module(x),
        module=call(nn.Embedding, layer["input_dim"], layer["output_dim"]),
        weights={"weight": "embeddings"},
        frozen=untrained_weight(layer),
    )


def indices(layer: LayerView) -> Expr:
    """Return the input as whole numbers."""
    return layer.x if layer.input.dtype in ("int32", "int64") else layer.x.long()
