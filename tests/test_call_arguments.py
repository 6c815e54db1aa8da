"""How layers are called: by position, by name, on whole numbers and with masks of any dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import torchtwin
from cases import FLOAT32, compare, run
from torchtwin.build import build
from torchtwin.errors import UnsupportedError
from torchtwin.source import Source
from torchtwin.upgrade import upgraded

STEPS, IMAGE = (6, 4), (8, 8, 3)
WHOLE: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "dense": (lambda: layers.Dense(3), (4,)),
    "einsum": (lambda: layers.EinsumDense("ab,bc->ac", 3), (4,)),
    "lstm": (lambda: layers.LSTM(3), STEPS),
    "gru": (lambda: layers.GRU(3, return_sequences=True), STEPS),
    "cells": (lambda: layers.RNN(layers.LSTMCell(3)), STEPS),
    "both ways": (lambda: layers.Bidirectional(layers.LSTM(3)), STEPS),
    "each step": (lambda: layers.TimeDistributed(layers.Dense(3)), STEPS),
    "norm": (layers.BatchNormalization, STEPS),
    "average": (layers.GlobalAveragePooling2D, IMAGE),
    "average of steps": (layers.GlobalAveragePooling1D, STEPS),
    "larger": (lambda: layers.UpSampling2D(2), IMAGE),
    "adaptive": (lambda: layers.AdaptiveMaxPooling2D(2), IMAGE),
    "largest": (lambda: layers.MaxPooling2D(2), IMAGE),
    "pads": (lambda: layers.ZeroPadding2D(1), IMAGE),
}


def compared(model: keras.Model, given: list[np.ndarray]) -> None:
    wanted = [keras.ops.convert_to_numpy(x) for x in keras.tree.flatten(model(given))]
    for layout in ("keras", "torch"):
        compare(run(torchtwin.convert(model, layout=layout), given), wanted, FLOAT32)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers(name: str) -> None:
    layer, shape = WHOLE[name]
    x = keras.Input(shape, dtype="int32")
    given = np.random.default_rng(0).integers(0, 9, (2, *shape)).astype("int32")
    compared(keras.Model(x, layer()(x)), [given])


@pytest.mark.parametrize(
    "layer", [layers.LayerNormalization, lambda: layers.UpSampling2D(interpolation="bilinear")]
)
def test_whole_numbers_that_keras_rounds_are_refused(layer: Callable[[], Any]) -> None:
    x = keras.Input(IMAGE, dtype="int32")
    with pytest.raises(UnsupportedError, match="whole numbers"):
        torchtwin.convert(keras.Model(x, layer()(x)))


CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "average by position": layers.GlobalAveragePooling1D(name="mean"),
    "average by name": lambda x, m: layers.GlobalAveragePooling1D()(x, mask=m),
    "all by name": lambda x, m: layers.GlobalAveragePooling1D()(inputs=x, mask=m),
    "recurrent by position": lambda x, m: layers.LSTM(3)(x, None, m),
    "recurrent by name": lambda x, m: layers.GRU(3)(sequences=x, mask=m),
    "norm by position": lambda x, m: layers.BatchNormalization()(x, None, m),
}


@pytest.mark.parametrize("dtype", ["bool", "int32"])
@pytest.mark.parametrize("name", CALLS)
def test_masks_that_a_model_is_given(name: str, dtype: str) -> None:
    x, mask = keras.Input(STEPS), keras.Input(STEPS[:1], dtype=dtype)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, *STEPS)).astype("float32")
    kept = np.arange(6) < np.array([[6], [2], [4]])
    masks = kept.astype(dtype) * (1 if dtype == "bool" else 2)
    compared(keras.Model([x, mask], CALLS[name](x, mask)), [values, masks.astype(dtype)])


def test_a_single_input_by_name() -> None:
    x = keras.Input(IMAGE)
    given = np.random.default_rng(0).normal(size=(2, *IMAGE)).astype("float32")
    compared(keras.Model(x, layers.Conv2D(2, 3)(inputs=x)), [given])
    compared(keras.Model(x, layers.UpSampling2D(2)(inputs=x)), [given])


CELLS: dict[str, tuple[Callable[[], Any], list[int]]] = {
    "lstm": (lambda: layers.LSTMCell(3), [3, 3]),
    "lstm of other functions": (lambda: layers.LSTMCell(3, activation="relu", dropout=0.1), [3, 3]),
    "gru": (lambda: layers.GRUCell(3), [3]),
    "gru of Keras 1": (lambda: layers.GRUCell(3, reset_after=False), [3]),
    "simple": (lambda: layers.SimpleRNNCell(3, use_bias=False), [3]),
    "stacked": (lambda: layers.StackedRNNCells([layers.GRUCell(2), layers.GRUCell(3)]), [2, 3]),
}


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_cells_called_for_one_step(name: str, by_name: bool) -> None:
    make, units = CELLS[name]
    x, states = keras.Input((4,)), [keras.Input((n,)) for n in units]
    result = make()(x, states=states) if by_name else make()(x, states)
    rng = np.random.default_rng(0)
    model = keras.Model([x, *states], keras.tree.flatten(result))
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    compared(model, [rng.normal(size=(2, n)).astype("float32") for n in (4, *units)])


def test_an_argument_that_no_rule_looks_at_is_refused() -> None:
    x = keras.Input((4,))
    config = keras.Model(x, layers.Dense(2, name="d")(x)).get_config()
    call = config["layers"][1]["inbound_nodes"][0]
    call["args"] = [call["args"][0], call["args"][0]]
    source = Source({"class_name": "Functional", "config": config}, "3.15", "test")
    with pytest.raises(UnsupportedError, match="called with 2 arguments"):
        build(upgraded(source))
