"""Every loss of Keras, a hundred steps on the same batches: the loss of every step, the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl
from keras import losses as ls

import torchtwin
from train_support import check_weights, precision, run_of

RNG = np.random.default_rng(11)
STEPS, SIZE = 100, 4
CLASSES = RNG.integers(0, 3, STEPS * SIZE)
ONE_HOT = np.eye(3)[CLASSES]
SIGNS = np.where(RNG.random((STEPS * SIZE, 3)) > 0.5, 1.0, -1.0)
TARGETS = {
    "numbers": RNG.normal(size=(STEPS * SIZE, 3)),
    "positive": RNG.uniform(0.1, 2, (STEPS * SIZE, 3)),
    "one_hot": ONE_HOT,
    "bits": (SIGNS + 1) / 2,
    "signs": SIGNS,
    "classes": CLASSES,
}
CASES: list[tuple[Any, str, str]] = [
    ("mse", "linear", "numbers"),
    ("mae", "linear", "numbers"),
    (lambda: ls.Huber(delta=0.7), "linear", "numbers"),
    ("log_cosh", "linear", "numbers"),
    ("mean_absolute_percentage_error", "linear", "positive"),
    ("mean_squared_logarithmic_error", "softplus", "positive"),
    (ls.CosineSimilarity, "linear", "numbers"),
    ("poisson", "softplus", "positive"),
    ("kl_divergence", "softmax", "one_hot"),
    ("hinge", "linear", "signs"),
    ("squared_hinge", "tanh", "bits"),
    ("categorical_hinge", "linear", "one_hot"),
    ("categorical_crossentropy", "softmax", "one_hot"),
    (lambda: ls.CategoricalCrossentropy(label_smoothing=0.1), "softmax", "one_hot"),
    (lambda: ls.CategoricalCrossentropy(from_logits=True), "linear", "one_hot"),
    ("sparse_categorical_crossentropy", "softmax", "classes"),
    (
        lambda: ls.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2),
        "linear",
        "classes",
    ),
    ("binary_crossentropy", "sigmoid", "bits"),
    (lambda: ls.BinaryCrossentropy(label_smoothing=0.2, from_logits=True), "linear", "bits"),
    (lambda: ls.BinaryFocalCrossentropy(apply_class_balancing=True), "sigmoid", "bits"),
    (lambda: ls.CategoricalFocalCrossentropy(gamma=1.5), "softmax", "one_hot"),
    (lambda: ls.CategoricalGeneralizedCrossEntropy(q=0.4), "softmax", "classes"),
    (ls.Dice, "sigmoid", "bits"),
    (lambda: ls.Tversky(alpha=0.3, beta=0.7), "sigmoid", "bits"),
    (lambda: ls.MeanSquaredError(reduction="sum"), "linear", "numbers"),
]


class Steps(keras.callbacks.Callback):
    """Keeps the loss of every step; Keras logs their mean so far."""

    def __init__(self) -> None:
        super().__init__()
        self.means: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        self.means.append(float(logs["loss"]))


@pytest.mark.parametrize(
    ("loss", "activation", "kind"),
    CASES,
    ids=lambda value: value if isinstance(value, str) else value().name,
)
def test_a_hundred_steps(loss: Any, activation: str, kind: str, tmp_path: Path) -> None:
    x, y = RNG.normal(size=(STEPS * SIZE, 5)), TARGETS[kind]
    with precision("float64"):
        model = keras.Sequential([keras.Input((5,)), kl.Dense(3, activation=activation)])
        # A loss computes in the precision in which it was made.
        model.compile(keras.optimizers.SGD(0.05), loss if isinstance(loss, str) else loss())
        twin = torchtwin.convert(model)
        assert twin.train is not None, twin.untrained
        run, got, steps = run_of(twin.training, tmp_path), [], Steps()
        data = twin.training.Arrays([x], [y], batch_size=SIZE)
        for k in range(STEPS):
            run.train_batch(*data.batch(k))
            got.append(run.figures.losses()["loss"])
        model.fit(x, y, batch_size=SIZE, shuffle=False, verbose=0, callbacks=[steps])
        after = torchtwin.convert(model).module
    assert len(set(got)) > STEPS // 2
    np.testing.assert_allclose(got, steps.means, rtol=1e-9)
    check_weights(run.module, after, "float64")
