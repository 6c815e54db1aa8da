"""The models of benchmarks/speed.py, as Keras programs."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers

STEPS, WORDS = 100, 5000


def mlp() -> keras.Model:
    x = image = keras.Input((784,))
    for _ in range(2):
        x = layers.Dense(512, activation="relu")(x)
    return keras.Model(image, layers.Dense(10, activation="softmax")(x))


def cnn() -> keras.Model:
    x = image = keras.Input((28, 28, 1))
    for filters in (32, 64):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dense(128, activation="relu")(layers.Flatten()(x))
    return keras.Model(image, layers.Dense(10, activation="softmax")(x))


def resnet50() -> keras.Model:
    return keras.applications.ResNet50(weights=None)


def efficientnet_b0() -> keras.Model:
    return keras.applications.EfficientNetB0(weights=None)


def unet() -> keras.Model:
    def double(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        return x

    x = image = keras.Input((128, 128, 3))
    skips = []
    for filters in (16, 32, 64):
        skips.append(double(x, filters))
        x = layers.MaxPooling2D()(skips[-1])
    x = double(x, 128)
    for skip, filters in zip(skips[::-1], (64, 32, 16), strict=True):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = double(layers.Concatenate()([x, skip]), filters)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))


def transformer() -> keras.Model:
    tokens = keras.Input((64,), dtype="int32")
    x = layers.Embedding(WORDS, 128)(tokens)
    for _ in range(4):
        attended = layers.MultiHeadAttention(4, 32)(x, x)
        x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, attended]))
        fed = layers.Dense(128)(layers.Dense(512, activation="relu")(x))
        x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, fed]))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(tokens, layers.Dense(10, activation="softmax")(x))


def lstm() -> keras.Model:
    x = series = keras.Input((STEPS, 64))
    return keras.Model(series, layers.Dense(10)(layers.LSTM(128)(x)))


def masked_lstm() -> keras.Model:
    tokens = keras.Input((STEPS,), dtype="int32")
    x = layers.LSTM(128)(layers.Embedding(WORDS, 64, mask_zero=True)(tokens))
    return keras.Model(tokens, layers.Dense(10)(x))


def gru() -> keras.Model:
    x = series = keras.Input((STEPS, 64))
    return keras.Model(series, layers.Dense(10)(layers.GRU(128)(x)))


MODELS: dict[str, Callable[[], keras.Model]] = {
    f.__name__: f
    for f in (mlp, cnn, resnet50, efficientnet_b0, unet, transformer, lstm, masked_lstm, gru)
}
