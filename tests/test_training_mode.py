"""What layers do in training alone: batch statistics, dropout, noise, frozen layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras import layers as L

import torchtwin
from cases import randomize
from training_support import assert_same_weights

STEPS = 6


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


def chain(*layers: Any) -> keras.Model:
    """Return a Sequential model, compiled; the first is the shape of a sample."""
    model = keras.Sequential([keras.Input(layers[0]), *layers[1:]])
    randomize(model)
    model.compile(keras.optimizers.SGD(0.05), "mse")
    return model


def sequences(shape: Sequence[int], seed: int = 1) -> np.ndarray:
    """Return samples with steps of zeros, which Masking hides, one of them hidden as a whole."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape) + 0.5
    x[rng.random(x.shape[:2]) < 0.4] = 0.0
    x[0] = 0.0
    return x


def beside_keras(model: keras.Model, x: np.ndarray, layout: str = "torch") -> torchtwin.Twin:
    """Train both on the same batches; compare the losses, and all variables in the end."""
    twin = torchtwin.convert(model, layout=layout)
    training = twin.training
    run = training.Run(twin.module)
    rng = np.random.default_rng(0)
    orders = [twin.program.inputs[0].layout, twin.program.outputs[0].layout]
    for _ in range(STEPS):
        given = rng.permutation(x)
        target = rng.normal(size=(len(x), *model.output_shape[1:]))
        model.reset_metrics()
        wanted = model.train_on_batch(given, target)
        batch = [
            torch.from_numpy(array.transpose(order) if order else array)
            for array, order in zip((given, target), orders, strict=True)
        ]
        run.train_batch(batch, len(x))
        got = run.figures.compute()["loss"]
        run.figures.reset()
        assert got == pytest.approx(float(wanted), rel=1e-9)
    assert_same_weights(twin, model, 1e-9)
    return twin


@pytest.mark.parametrize(
    ("shape", "options"),
    [((5, 3), {}), ((5, 3), {"axis": 1, "scale": False}), ((2, 5, 3), {"center": False}),
     ((2, 5, 3), {"axis": 2, "momentum": 0.8}), ((3,), {"scale": False, "center": False})],
)  # fmt: skip
def test_masked_steps_are_not_in_the_batch_statistics(shape: Any, options: Any) -> None:
    norm = L.BatchNormalization(**{"momentum": 0.9, **options})
    twin = beside_keras(chain(shape, L.Masking(), norm, L.Dense(2)), sequences((6, *shape)))
    assert "MaskedBatchNorm(" in twin.source


def test_a_batch_of_masked_steps_alone() -> None:
    model = chain((4, 3), L.Masking(), L.BatchNormalization(momentum=0.9), L.Dense(2))
    beside_keras(model, np.zeros((3, 4, 3)))


@pytest.mark.parametrize("shape", [(4, 3), (3, 4, 4, 2)])
def test_each_step_has_statistics_of_its_own(shape: Any) -> None:
    norm = L.TimeDistributed(L.BatchNormalization(momentum=0.9, scale=False))
    x = np.random.default_rng(0).normal(size=(5, *shape))
    beside_keras(chain(shape, norm, L.Dense(2)), x)
    frozen = L.TimeDistributed(L.BatchNormalization(trainable=False))
    beside_keras(chain(shape, frozen, L.Dense(2)), x)


def test_each_step_may_be_masked() -> None:
    norm = L.TimeDistributed(L.BatchNormalization(momentum=0.9))
    beside_keras(chain((4, 3), L.Masking(), norm, L.Dense(2)), sequences((6, 4, 3)))
