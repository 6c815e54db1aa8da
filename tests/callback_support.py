"""Drives a callback of Keras and its twin with the same recorded curves."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import torch
from torch import nn

Logs = Mapping[str, float]
METRICS = {"accuracy": "BinaryAccuracy", "mae": "MeanAbsoluteError"}


class Run(SimpleNamespace):
    """What a callback sees of the training loop."""

    def __init__(self, output: Path, rate: float = 0.1) -> None:
        module = nn.Linear(1, 1)
        super().__init__(
            module=module, optimizer=torch.optim.SGD(module.parameters(), lr=rate), output=output,
            stop=False, is_main=True, epoch=0, step=0, saved=[],
        )  # fmt: skip

    def save(self, path: Path) -> None:
        self.saved.append(str(path.relative_to(self.output)))


@functools.cache
def keras_model() -> keras.Model:
    """Return a compiled model that knows its metrics."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[*METRICS], run_eagerly=True)
    model.train_on_batch(np.zeros((1, 1)), np.zeros((1, 1)))
    return model


def random_curves(rng: np.random.Generator, epochs: int) -> list[dict[str, float]]:
    """Return logs of epochs: curves that fall, stay, jump and break."""
    logs = []
    level = rng.normal(size=4) * 2
    for _ in range(epochs):
        level += rng.choice([0, 0, 1e-3, 0.1, -0.1], 4) * rng.normal(size=4)
        level = np.where(rng.random(4) < 0.2, np.round(level, 1), level)
        broken = np.where(rng.random(4) < 0.04, rng.choice([np.nan, np.inf, -np.inf], 4), level)
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        logs.append({n: float(v) for n, v in zip(names, broken, strict=True)})
        if rng.random() < 0.05:
            del logs[-1]["val_loss"]  # as with validation_freq
    return logs


def keras_events(
    callback: Any, curves: Sequence[Logs], rate: float, batches: Sequence[Logs] = ()
) -> Iterator[Any]:
    """Yield what a callback of Keras does in each epoch, and at last the weights it leaves."""
    model, saved = keras_model(), []
    model.optimizer.learning_rate.assign(rate)
    model.stop_training = False
    model.save = model.save_weights = lambda path, **_: saved.append(path)
    callback.set_model(model)
    callback.set_params({"epochs": len(curves), "steps": len(batches), "verbose": 0})
    callback.on_train_begin()
    for epoch, logs in enumerate(curves):
        model.set_weights([np.full(w.shape, epoch) for w in model.get_weights()])
        callback.on_epoch_begin(epoch)
        for batch, figures in enumerate(batches):
            callback.on_train_batch_end(batch, dict(figures))
            if model.stop_training:
                yield f"stopped at batch {batch}"
                break
        logs = dict(logs)
        callback.on_epoch_end(epoch, logs)
        yield model.stop_training, float(model.optimizer.learning_rate), [*saved], sorted(logs)
        if model.stop_training:
            break
    callback.on_train_end()
    yield float(model.get_weights()[1][0])


def twin_events(
    callback: Any, curves: Sequence[Logs], run: Run, batches: Sequence[Logs] = ()
) -> Iterator[Any]:
    """Yield the same of one of ours."""
    callback.on_train_begin(run)
    for epoch, logs in enumerate(curves):
        with torch.no_grad():
            for parameter in run.module.parameters():
                parameter.fill_(epoch)
        callback.on_epoch_begin(run, epoch)
        for batch, figures in enumerate(batches):
            callback.on_batch_end(run, batch, dict(figures))
            if run.stop:
                yield f"stopped at batch {batch}"
                break
        logs = dict(logs)
        callback.on_epoch_end(run, epoch, logs)
        yield run.stop, run.optimizer.param_groups[0]["lr"], [*run.saved], sorted(logs)
        if run.stop:
            break
    callback.on_train_end(run, {})
    yield float(run.module.bias)


def same_events(wanted: Iterator[Any], got: Iterator[Any]) -> list[Any]:
    """Check that two callbacks did the same in every epoch; return what they did."""
    wanted, got = list(wanted), list(got)
    assert len(got) == len(wanted)
    for mine, keras_own in zip(got, wanted, strict=True):
        if not isinstance(keras_own, tuple):
            assert mine == keras_own
            continue
        assert (mine[0], mine[2], mine[3]) == (keras_own[0], keras_own[2], keras_own[3])
        assert abs(mine[1] - keras_own[1]) <= 1e-6 * keras_own[1]  # Keras has it in float32
    return wanted
