"""Makes examples/digits.keras: a small CNN that reads the digits of a seven-segment display.

    python examples/make_digits.py

The digits are drawn here, shifted, unevenly lit and noisy, so that nothing
has to be downloaded. Needs Keras (`pip install keras jax`).
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from keras import layers

SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
PLACES = {  # rows and columns of each segment in a picture of 20 x 12
    "a": (slice(0, 2), slice(1, 11)), "b": (slice(1, 10), slice(10, 12)),
    "c": (slice(10, 19), slice(10, 12)), "d": (slice(18, 20), slice(1, 11)),
    "e": (slice(10, 19), slice(0, 2)), "f": (slice(1, 10), slice(0, 2)),
    "g": (slice(9, 11), slice(1, 11)),
}  # fmt: skip


def drawn(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures (count, 28, 28, 1) and the digits that they show."""
    labels = rng.integers(0, 10, count)
    images = np.zeros((count, 28, 28, 1), "float32")
    for image, label in zip(images, labels, strict=True):
        top, left = rng.integers(0, 9), rng.integers(0, 17)
        for segment in SEGMENTS[label]:
            rows, columns = PLACES[segment]
            image[top:, left:][rows, columns, 0] = rng.uniform(0.4, 1.0)
    return images + rng.normal(scale=0.25, size=images.shape).astype("float32"), labels


def model() -> keras.Model:
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="stem")(image)
    x = layers.BatchNormalization(name="stem_norm")(x)
    x = layers.Activation("relu", name="stem_relu")(x)
    x = layers.Conv2D(24, 3, padding="same", activation="relu", name="conv_1")(x)
    x = layers.MaxPooling2D(2, name="pool_1")(x)
    x = layers.Conv2D(24, 3, padding="same", activation="relu", name="conv_2")(x)
    x = layers.MaxPooling2D(2, name="pool_2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(32, activation="relu", name="hidden")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    digit = layers.Dense(10, activation="softmax", name="digit")(x)
    return keras.Model(image, digit, name="digits")


def main() -> None:
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    net = model()
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    net.fit(*drawn(6000, rng), batch_size=64, epochs=8, verbose=0)
    _, accuracy = net.evaluate(*drawn(1000, rng), verbose=0)
    target = Path(__file__).with_name("digits.keras")
    net.save(target)
    print(f"{target.name}: {net.count_params():,} parameters, accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
