"""Dense, Embedding, Flatten and other layers that move or mix features."""

from __future__ import annotations

from torch import nn

from torchtwin.expr import Expr, call, not_equal
from torchtwin.layers.quantized import (
    adapted,
    lora_dense,
    lora_embedding,
    quantized_dense,
    quantized_embedding,
    untrained_weight,
)
from torchtwin.notation import Notation
from torchtwin.quantization import quantization_of
from torchtwin.rule import ANY, Case, Piece, rule
from torchtwin.view import LayerView

_LEAKY = {"class_name": "LeakyReLU", "config": {"negative_slope": 0.1}}


@rule(
    "Dense",
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
    return Piece(
        module=call(nn.Linear, size, layer["units"], bias=layer["use_bias"]),
        weights={"weight": kernel(layer)} | ({"bias": "bias"} if layer["use_bias"] else {}),
        activation=layer["activation"],
        frozen=untrained_weight(layer),
    )


def kernel(layer: LayerView) -> Notation:
    """Return the kernel's notation; behind a Flatten of channels-first values its rows move."""
    if layer.flattened is None:
        return Notation("kernel: i o -> o i")
    lengths, layout = layer.flattened
    letters = ["h", "w", "c"] if len(lengths) == 3 else ["d", "h", "w", "c"][-len(lengths) :]
    moved = [letters[axis - 1] for axis in layout[1:]]
    text = f"kernel: ({' '.join(letters)}) o -> o ({' '.join(moved)})"
    return Notation(text, dict(zip(letters, lengths, strict=True)))


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
