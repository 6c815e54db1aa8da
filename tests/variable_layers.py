"""Layers of every kind that has variables, each with an argument for every variable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import torch
from keras import layers as kl

from cases import randomize

BOTH = ("kernel", "bias")
CELL = ("kernel", "recurrent", "bias")
NORM = ("gamma", "beta")


@dataclass(frozen=True)
class Kind:
    """A layer: how it is made, on what shape, and what its variables' arguments begin with.

    `whole` tells that it takes whole numbers.
    """

    make: Callable[..., Any]
    shape: tuple[int, ...]
    keys: Sequence[str] = BOTH
    whole: bool = False


def _attention(**more: Any) -> Callable[[Any], Any]:
    layer = kl.MultiHeadAttention(2, 3, **more)
    return lambda x: layer(x, x)


def _flattened(**more: Any) -> Callable[[Any], Any]:
    dense = kl.Dense(4, **more)
    return lambda x: dense(kl.Flatten()(kl.MaxPooling2D(1)(x)))


def _stacked(**more: Any) -> Any:
    return kl.RNN([kl.LSTMCell(3, **more), kl.GRUCell(2, **more), kl.LSTMCell(4, **more)])


KINDS: dict[str, Kind] = {
    "Dense": Kind(lambda **k: kl.Dense(5, **k), (4,)),
    "Dense behind Flatten": Kind(_flattened, (3, 2, 4)),
    "EinsumDense": Kind(
        lambda **k: kl.EinsumDense("abc,cde->abde", (None, 3, 2), bias_axes="de", **k), (3, 4)
    ),
    "EinsumDense as Dense": Kind(
        lambda **k: kl.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d", **k), (3, 4)
    ),
    "Embedding": Kind(lambda **k: kl.Embedding(7, 3, **k), (4,), ("embeddings",), whole=True),
    "Conv1D": Kind(lambda **k: kl.Conv1D(4, 3, **k), (7, 2)),
    "Conv2D": Kind(lambda **k: kl.Conv2D(4, (3, 2), **k), (5, 6, 2)),
    "Conv2D same": Kind(lambda **k: kl.Conv2D(4, 3, strides=2, padding="same", **k), (6, 7, 2)),
    "Conv2D groups": Kind(lambda **k: kl.Conv2D(4, 3, groups=2, **k), (5, 6, 6)),
    "Conv3D": Kind(lambda **k: kl.Conv3D(3, 2, **k), (3, 4, 3, 2)),
    "Conv1DTranspose": Kind(lambda **k: kl.Conv1DTranspose(4, 3, **k), (5, 2)),
    "Conv2DTranspose": Kind(lambda **k: kl.Conv2DTranspose(4, (3, 2), **k), (3, 4, 2)),
    "Conv3DTranspose": Kind(lambda **k: kl.Conv3DTranspose(2, 2, **k), (2, 3, 2, 3)),
    "DepthwiseConv1D": Kind(lambda **k: kl.DepthwiseConv1D(3, **k), (5, 4), ("depthwise", "bias")),
    "DepthwiseConv2D": Kind(
        lambda **k: kl.DepthwiseConv2D((3, 2), depth_multiplier=2, **k),
        (5, 4, 3),
        ("depthwise", "bias"),
    ),
    "SeparableConv1D": Kind(
        lambda **k: kl.SeparableConv1D(4, 3, **k), (5, 3), ("depthwise", "pointwise", "bias")
    ),
    "SeparableConv2D": Kind(
        lambda **k: kl.SeparableConv2D(4, (3, 2), depth_multiplier=2, **k),
        (5, 4, 3),
        ("depthwise", "pointwise", "bias"),
    ),
    "PReLU": Kind(kl.PReLU, (3, 4), ("alpha",)),
    "PReLU of images": Kind(lambda **k: kl.PReLU(shared_axes=[2], **k), (3, 2, 4), ("alpha",)),
    "PReLU of channels": Kind(
        lambda **k: kl.PReLU(shared_axes=[1, 2], **k), (3, 2, 4), ("alpha",)
    ),
    "BatchNormalization": Kind(kl.BatchNormalization, (4, 5, 3), NORM),
    "LayerNormalization": Kind(lambda **k: kl.LayerNormalization(axis=[1, 2], **k), (3, 4), NORM),
    "LayerNormalization by variance": Kind(
        lambda **k: kl.LayerNormalization(rms_scaling=True, **k), (3, 4), ("gamma",)
    ),
    "GroupNormalization": Kind(lambda **k: kl.GroupNormalization(2, **k), (3, 4), NORM),
    "MultiHeadAttention": Kind(_attention, (3, 4)),
    "LSTM": Kind(lambda **k: kl.LSTM(3, **k), (4, 2), CELL),
    "LSTM, hard": Kind(lambda **k: kl.LSTM(3, activation="relu", **k), (4, 2), CELL),
    "GRU": Kind(lambda **k: kl.GRU(3, **k), (4, 2), CELL),
    "GRU, reset before": Kind(lambda **k: kl.GRU(3, reset_after=False, **k), (4, 2), CELL),
    "SimpleRNN with dropout": Kind(lambda **k: kl.SimpleRNN(3, dropout=0.1, **k), (4, 2), CELL),
    "StackedRNNCells": Kind(_stacked, (4, 2), CELL),
    "Bidirectional LSTM": Kind(lambda **k: kl.Bidirectional(kl.LSTM(3, **k)), (4, 2), CELL),
    "Bidirectional GRU": Kind(lambda **k: kl.Bidirectional(kl.GRU(3, **k)), (4, 2), CELL),
    "Bidirectional of two": Kind(
        lambda **k: kl.Bidirectional(
            kl.GRU(3, **k), backward_layer=kl.GRU(3, go_backwards=True, activation="relu", **k)
        ),
        (4, 2),
        CELL,
    ),
    "ConvLSTM2D": Kind(lambda **k: kl.ConvLSTM2D(2, 3, **k), (2, 4, 5, 3), CELL),
    "TimeDistributed": Kind(
        lambda **k: kl.TimeDistributed(kl.Conv2D(3, 2, **k)), (2, 4, 5, 3)
    ),
}  # fmt: skip


def model_of(
    kind: Kind, dtype: str = "float64", *, random: bool = True, **arguments: Any
) -> keras.Model:
    """Return a model of one layer; `kernel_regularizer=...` as usual.

    Its weights are random unless they are to be as the initialisers made them.
    """
    keras.config.set_dtype_policy(dtype)
    if random:  # JAX compiles every random draw for each shape: zeros are had sooner
        arguments = every(kind, "initializer", lambda: "zeros") | arguments
    try:
        given = keras.Input(kind.shape, dtype="int32" if kind.whole else dtype)
        model = keras.Model(given, kind.make(**arguments)(given))
    finally:
        keras.config.set_dtype_policy("float32")
    if random:
        randomize(model)
    return model


def every(kind: Kind, what: str, make: Callable[[], Any]) -> dict[str, Any]:
    """Return an argument for each variable: {"kernel_regularizer": ..., ...}."""
    return {f"{key}_{what}": make() for key in kind.keys}


def function(written: Any, name: str) -> Callable[[torch.nn.Module], Any]:
    """Return a function of train.py, executed as it is written there."""
    scope = {"torch": torch, "nn": torch.nn, **{p.__name__: p for p in written.parts}}
    exec(compile(written.source, "train.py", "exec"), scope)
    made: Callable[[torch.nn.Module], Any] = scope[name]  # type: ignore[assignment]
    return made
