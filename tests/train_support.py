"""Trains a Keras model and its twin on the same batches."""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch

import torchtwin

TOLERANCE = {"float32": 1e-4, "float64": 1e-9}


@contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Build Keras models in this dtype."""
    before = keras.backend.floatx()
    set_precision(dtype)
    try:
        yield
    finally:
        set_precision(before)


def set_precision(dtype: str) -> None:
    keras.backend.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)  # kept apart, once something has asked for it


def run_of(training: types.ModuleType, output: Path, dtype: str = "float64") -> Any:
    """Return a run of a twin's training, whose weights and metrics have a dtype."""
    kind = getattr(torch, dtype)
    run = training.Run(training.load().to(kind), output=output)
    for metric in run.figures.metrics.values():
        metric.set_dtype(kind)
    return run


def ours(array: Any, layout: str) -> np.ndarray:
    """Return an array of Keras's as the twin takes it."""
    array = np.asarray(array)
    return np.moveaxis(array, -1, 1) if layout == "torch" and array.ndim > 3 else array


class Record:
    """A callback that keeps the figures of every epoch."""

    def __init__(self) -> None:
        self.logs: list[dict[str, float]] = []

    def __getattr__(self, event: str) -> Any:
        return lambda *_: None

    def state_dict(self) -> dict[str, Any]:
        return {}

    def on_epoch_end(self, run: Any, epoch: int, logs: dict[str, float]) -> None:
        assert epoch == run.epoch - 1
        self.logs.append(dict(logs))


def check_curves(
    model: keras.Model,
    x: Any,
    y: Any,
    output: Path,
    *,
    dtype: str = "float64",
    layout: str = "torch",
    epochs: int = 3,
    **fit: Any,
) -> Any:
    """Train both for some epochs; compare what they log, and the weights; return the run."""
    twin = torchtwin.convert(model, layout=layout)
    assert twin.train is not None, twin.untrained
    training = twin.training
    xs, ys = x if isinstance(x, list) else [x], y if isinstance(y, list) else [y]
    weights = fit.get("sample_weight", [])
    data = training.Arrays(
        [ours(a, layout) for a in xs], [ours(a, layout) for a in ys],
        weights if isinstance(weights, list) else [weights], batch_size=fit.get("batch_size", 32),
    )  # fmt: skip
    run, record = run_of(training, output, dtype), Record()
    run.callbacks = [record]
    training.fit(run, data, epochs=epochs, steps_per_epoch=fit.get("steps_per_epoch"))
    history = model.fit(x, y, epochs=epochs, shuffle=False, verbose=0, **fit).history
    assert sorted(history) == sorted(record.logs[0])
    for name in history:
        got = [logs[name] for logs in record.logs]
        np.testing.assert_allclose(got, history[name], rtol=TOLERANCE[dtype], err_msg=name)
    check_weights(run.module, torchtwin.convert(model, layout=layout).module, dtype)
    return run


def check_weights(got: torch.nn.Module, wanted: torch.nn.Module, dtype: str) -> None:
    left, right = got.state_dict(), wanted.state_dict()
    assert left.keys() == right.keys()
    for name, value in left.items():
        if not name.endswith("num_batches_tracked"):
            assert value.shape == right[name].shape
            close = TOLERANCE[dtype]
            torch.testing.assert_close(value, right[name].to(value.dtype), rtol=close, atol=close)
