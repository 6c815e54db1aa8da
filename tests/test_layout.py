"""Spatial layers follow one another without a permute; reorders are in the weights."""

from __future__ import annotations

import re
from collections.abc import Callable

import keras
import numpy as np
import pytest
import torch
from keras import layers as kl

import torchtwin
from cases import FLOAT32, compare, outputs, randomize, run

Model = Callable[[], keras.Model]
MOVES = re.compile(r"\.(permute|transpose|movedim)\(")


def moves(twin: torchtwin.Twin) -> int:
    """Return how often the program's own classes put axes in another order."""
    own = re.findall(r"^class \w+\(nn\.Module\):\n.*?(?=^\S|\Z)", twin.source, re.M | re.S)
    return sum(len(MOVES.findall(text)) for text in own)


def classifier() -> keras.Model:
    x = image = keras.Input((9, 8, 3))
    x = kl.Conv2D(5, 3, activation="relu")(kl.ZeroPadding2D(1)(x))
    x = kl.Concatenate()([kl.MaxPooling2D(2)(x), kl.AveragePooling2D(2)(x)])
    x = kl.Dropout(0.3)(kl.BatchNormalization()(kl.Flatten()(x)))
    x = kl.Activation("softmax")(kl.LayerNormalization()(x))
    return keras.Model(image, [kl.Dense(3)(x), kl.Dense(2)(x)])


def generator() -> keras.Model:
    x = noise = keras.Input((10,))
    x = kl.LeakyReLU()(kl.BatchNormalization()(kl.Dense(4 * 3 * 8)(x)))
    x = kl.Conv2DTranspose(4, 3, strides=2, padding="same")(kl.Reshape((4, 3, 8))(x))
    return keras.Model(noise, kl.Conv2D(2, 3, activation="tanh")(kl.UpSampling2D()(x)))


def autoencoder() -> keras.Model:
    """The Dense in the middle is reordered on both sides."""
    x = image = keras.Input((6, 6, 2))
    x = kl.Reshape((-1,))(kl.Conv2D(3, 3)(x))
    x = kl.Activation("softmax")(kl.Dense(3 * 2 * 4, name="middle")(x))
    return keras.Model(image, kl.Conv2DTranspose(2, 2)(kl.Reshape((3, 2, 4))(x)))


def convnext() -> keras.Model:
    x = image = keras.Input((8, 8, 3))
    x = skip = kl.LayerNormalization(epsilon=1e-6)(kl.Conv2D(6, 2, strides=2)(x))
    x = kl.LayerNormalization(scale=False)(kl.DepthwiseConv2D(3, padding="same")(x))
    x = kl.Dense(6, activation="softmax")(kl.Dense(12, activation="gelu")(x))
    return keras.Model(image, kl.Conv2D(4, 3)(kl.Add()([x, skip])))


def squeeze_and_excite() -> keras.Model:
    x = image = keras.Input((8, 8, 3))
    x = kl.Conv2D(6, 3, activation="relu")(x)
    s = kl.Dense(6, activation="sigmoid")(kl.GlobalAveragePooling2D()(x))
    x = kl.Conv2D(6, 3)(kl.Multiply()([s, x]))
    s = kl.Dense(6)(kl.Reshape((1, 1, 6))(kl.GlobalMaxPooling2D()(x)))
    return keras.Model(image, kl.Conv2D(2, 3)(x * s + keras.ops.mean(x, axis=-1, keepdims=True)))


def volumes() -> keras.Model:
    x = volume = keras.Input((5, 6, 7, 2))
    x = kl.LayerNormalization()(kl.Dense(4, activation="tanh")(kl.Conv3D(3, 2)(x)))
    x = kl.Softmax(axis=-1)(kl.MaxPooling3D(2)(x))
    return keras.Model(volume, kl.Dense(2)(kl.Flatten()(x)))


MODELS = [classifier, generator, autoencoder, convnext, squeeze_and_excite, volumes]


@pytest.mark.parametrize("build", MODELS, ids=lambda f: f.__name__)
def test_no_permutes_but_at_the_boundaries(build: Model) -> None:
    model = build()
    randomize(model)
    given = [np.random.default_rng(0).normal(size=(3, *x.shape[1:])).astype("float32")
             for x in model.inputs]  # fmt: skip
    wanted = outputs(model, given)
    images = sum(len(x.shape) > 3 for x in [*model.inputs, *model.outputs])
    for layout, allowed in (("torch", 0), ("keras", images)):
        twin = torchtwin.convert(model, layout=layout)
        compare(run(twin, given), wanted, FLOAT32)
        compare(run(twin.optimize(), given), wanted, FLOAT32)
        assert moves(twin) == allowed, twin.source


def test_reorders_are_not_in_weights_that_others_use() -> None:
    x, y = keras.Input((4, 4, 3)), keras.Input((12,))
    features = kl.Flatten()(kl.Conv2D(3, 3)(x))
    shared = kl.Dense(12)
    model = keras.Model([x, y], [shared(features), shared(y), kl.Conv2D(2, 1)(x)])
    randomize(model)
    rng = np.random.default_rng(0)
    given = [rng.normal(size=(2, *i.shape[1:])).astype("float32") for i in model.inputs]
    twin = torchtwin.convert(model)
    compare(run(twin, given), outputs(model, given), FLOAT32)
    assert moves(twin) == 1


def test_a_reordered_dense_trains_and_starts_as_in_keras() -> None:
    model = autoencoder()
    model.compile("adam", "mse")
    twin = torchtwin.convert(model)
    module = twin.training.load()
    images = torch.randn(4, 2, 6, 6)
    twin.training.loss(module.train(), images, torch.zeros_like(module(images))).backward()
    assert all(p.grad is not None for p in module.parameters())
    module.reset_parameters()
    assert float(module.middle.bias.detach().abs().max()) == 0
