"""A model inside TimeDistributed, from every format and in both layouts."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as L

import torchtwin
from cases import FLOAT32, compare, outputs, randomize, run


def _classifier() -> keras.Model:
    inner = keras.Sequential(
        [keras.Input((8, 7, 3)), L.Conv2D(4, 3), L.MaxPooling2D(), L.Flatten(), L.Dense(5)]
    )
    return keras.Sequential([keras.Input((3, 8, 7, 3)), L.TimeDistributed(inner), L.LSTM(4)])


def _images() -> keras.Model:
    given, frames = keras.Input((6, 6, 3)), keras.Input((None, 6, 6, 3))
    inner = keras.Model(given, L.Conv2D(3, 3, padding="same")(given))
    return keras.Model(frames, L.TimeDistributed(L.Conv2D(2, 1))(L.TimeDistributed(inner)(frames)))


@pytest.mark.parametrize("layout", ["torch", "keras"])
@pytest.mark.parametrize("build", [_classifier, _images])
def test_a_model_at_every_step(build: object, layout: str, tmp_path: Path) -> None:
    assert callable(build)
    model = build()
    randomize(model)
    x = np.random.default_rng(0).normal(size=(2, 3, *model.input_shape[2:])).astype("float32")
    sources = [model]
    for name in ("model.keras", "model.h5"):
        model.save(tmp_path / name)
        sources.append(tmp_path / name)
    for source in sources:
        twin = torchtwin.convert(source, layout=layout)
        compare(run(twin, [x]), outputs(model, [x]), FLOAT32)
