"""Every metric beside Keras's: the same figure after each batch, weighted and not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import torch
import torchmetrics

from metric_cases import CASES, Case, batches, weights
from torchtwin.emit.expressions import Printer
from torchtwin.emit.helpers import closure, mentioned, source_of
from torchtwin.evaluate import evaluate
from torchtwin.training.metrics import metric_of
from torchtwin.training.pieces import Output
from train_support import set_precision

TOLERANCE = {"float32": 1e-4, "float64": 1e-9}


SINGLE = "SparseCategoricalAccuracy", "MeanSquaredError", "R2Score", "F1Score", "IoU", "AUC"
"""Metrics that are tried in float32 too: one of every kind of sums."""


def entry_of(case: Case) -> dict[str, Any]:
    """Return what Keras writes of a metric, and arguments that it forgets to write."""
    config = getattr(keras.metrics, case.name)(**case.config).get_config()
    return {"class_name": case.name, "config": {**config, **case.config}}


def output_of(given: list[tuple[np.ndarray, np.ndarray]]) -> Output:
    return Output("y", (None, *given[0][0].shape[1:]))


def built(case: Case, given: list[tuple[np.ndarray, np.ndarray]]) -> Any:
    return evaluate(metric_of(entry_of(case), output_of(given)).constructor, {}, {})


def twin(case: Case, given: list[tuple[np.ndarray, np.ndarray]]) -> Any:
    """Return the metric of a case, with sums in float64 but for whole numbers."""
    metric = built(case, given)
    return metric if case.name.endswith("IoU") else metric.set_dtype(torch.float64)


def equal(got: torch.Tensor, wanted: Any, tolerance: float) -> None:
    figure = keras.ops.convert_to_numpy(wanted)
    assert got.shape == figure.shape
    assert not got.requires_grad
    scale = max(1.0, float(np.abs(figure[np.isfinite(figure)]).max(initial=0.0)))
    np.testing.assert_allclose(got.numpy(), figure, rtol=0, atol=tolerance * scale)


@pytest.fixture
def precision(request: pytest.FixtureRequest) -> Iterator[str]:
    """Let all of Keras compute in a precision; metrics of counts know no other way."""
    before = keras.config.floatx()
    set_precision(request.param)
    yield request.param
    set_precision(before)


def check(case: Case, dtype: str, weighted: bool) -> None:
    given = batches(case.kind, dtype)
    theirs, mine = getattr(keras.metrics, case.name)(**case.config), twin(case, given)
    if dtype == "float32" and not case.name.endswith("IoU"):
        mine.set_dtype(torch.float32)
    for k, (output, target) in enumerate(given):
        weight = weights(case.weighted(target, k % 2), dtype, k) if weighted else None
        theirs.update_state(target, output, weight)
        tensors = torch.from_numpy(output), torch.from_numpy(target)
        mine.update(*tensors, weight if weight is None else torch.from_numpy(weight))
        equal(mine.compute(), theirs.result(), TOLERANCE[dtype])


@pytest.mark.parametrize("precision", ["float64"], indirect=True)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_figure_is_that_of_keras(case: Case, precision: str) -> None:
    check(case, precision, weighted=False)
    check(case, precision, weighted=True)


@pytest.mark.parametrize("precision", ["float32"], indirect=True)
@pytest.mark.parametrize("case", {c.name: c for c in CASES if c.name in SINGLE}.values(), ids=str)
def test_the_figure_is_that_of_keras_in_single_precision(case: Case, precision: str) -> None:
    check(case, precision, weighted=False)


@pytest.mark.parametrize("case", [c for c in CASES if c.config.get("axis") != 0], ids=str)
def test_the_states_of_two_processes_add_up(case: Case) -> None:
    """Along the batch, axis 0, every process has a figure of its own."""
    whole, first, second = (twin(case, batches(case.kind, "float64")) for _ in range(3))
    for output, target in batches(case.kind, "float64"):
        x, y = torch.from_numpy(output), torch.from_numpy(target)
        weight = torch.from_numpy(weights(case.weighted(target, 0), "float64"))
        whole.update(x, y, weight)
        first.update(x[::2], y[::2], weight[::2])
        second.update(x[1::2], y[1::2], weight[1::2])
    first.merge_state(second)
    equal(first.compute(), whole.compute().numpy(), TOLERANCE["float64"])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_train_py_can_hold_it(case: Case) -> None:
    """The constructor, printed, runs beside nothing but the parts that it needs."""
    given = batches(case.kind, "float32")
    constructor = metric_of(entry_of(case), output_of(given)).constructor
    scope: dict[str, Any] = {"torch": torch, "torchmetrics": torchmetrics, "math": math}
    scope |= {"F": torch.nn.functional}
    exec("\n\n".join(map(source_of, closure(mentioned(constructor)))), scope)
    metric = eval(Printer(str, str, str)(constructor), scope)
    metric.update(*map(torch.from_numpy, given[0]))
    mine = built(case, given)
    mine.update(*map(torch.from_numpy, given[0]))
    assert torch.equal(metric.compute(), mine.compute())
