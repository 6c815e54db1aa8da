"""Writes tests/fuzz/seeds: small files of every format, from which fuzzing starts.

KERAS_BACKEND=tensorflow python tests/fuzz/make_seeds.py
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tf_keras

SEEDS = Path(__file__).parent / "seeds"
sys.path.insert(0, str(Path(__file__).parents[1]))


def image(k: Any) -> Any:
    x = inputs = k.layers.Input((8, 8, 3), name="image")
    x = k.layers.Conv2D(4, 3, padding="same", strides=2, activation="relu", name="conv")(x)
    x = k.layers.BatchNormalization(name="norm")(x)
    y = k.layers.ZeroPadding2D(1)(x)
    y = k.layers.MaxPooling2D(3, strides=1)(y)
    x = k.layers.Add(name="add")([x, y])
    x = k.layers.Dropout(0.5)(k.layers.Flatten()(x))
    return k.Model(inputs, k.layers.Dense(2, activation="softmax", name="head")(x), name="image")


def sequence(k: Any) -> Any:
    layers = [
        k.layers.Input((5,), dtype="int32"),
        k.layers.Embedding(7, 4, mask_zero=True),
        k.layers.Bidirectional(k.layers.LSTM(3, return_sequences=True)),
        k.layers.TimeDistributed(k.layers.Dense(2)),
        k.layers.GlobalAveragePooling1D(),
    ]
    return k.Sequential(layers, name="sequence")


def plain(k: Any) -> Any:
    layers = [k.layers.Input((4,)), k.layers.Dense(3, activation="relu", name="dense")]
    model = k.Sequential(layers, name="plain")
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.zeros((2, 4)), np.zeros((2, 3)), verbose=0)
    return model


def main() -> None:
    from tensorflow_files import tfjs

    shutil.rmtree(SEEDS, ignore_errors=True)
    SEEDS.mkdir()
    for make in (image, sequence, plain):
        name = make.__name__
        new, old = make(keras), make(tf_keras)
        new.save(SEEDS / f"{name}.keras")
        new.save_weights(SEEDS / f"{name}.weights.h5")
        (SEEDS / f"{name}.json").write_text(new.to_json())
        old.save(SEEDS / f"{name}.h5")
        tfjs(SEEDS / f"{name}.h5", SEEDS / f"{name}_tfjs")
    old.save_weights(SEEDS / "checkpoint" / "plain")
    (SEEDS / "checkpoint" / "plain.json").write_text(old.to_json())
    old.save(SEEDS / "saved_model", save_format="tf")


if __name__ == "__main__":
    main()
