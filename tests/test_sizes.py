"""Layers and nested models that are called on inputs of several sizes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import torchtwin
from cases import FLOAT32, compare, outputs, run
from torchtwin.errors import UnsupportedError

SIZES = (16, 17)


def called_on_both(layer: keras.layers.Layer) -> keras.Model:
    inputs = [keras.Input((size, size, 3)) for size in SIZES]
    return keras.Model(inputs, [layer(x) for x in inputs])


@pytest.mark.parametrize("layout", ["torch", "keras"])
def test_nested_model_on_two_sizes(layout: str) -> None:
    inner = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Conv2D(4, 3, strides=2, padding="same"),
            keras.layers.AveragePooling2D(3, 2, padding="same"),
            keras.layers.Conv2DTranspose(2, 3, strides=2, padding="same"),
        ]
    )
    model = called_on_both(inner)
    given = [np.random.default_rng(0).normal(size=(2, s, s, 3)).astype("float32") for s in SIZES]
    twin = torchtwin.convert(model, layout=layout)
    compare(run(twin, given), outputs(model, given), FLOAT32)


def test_layer_that_would_need_two_modules_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="two modules"):
        torchtwin.convert(called_on_both(keras.layers.Conv2D(4, 3, strides=2, padding="same")))
