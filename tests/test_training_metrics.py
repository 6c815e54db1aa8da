"""Every metric beside Keras's: the same figure after each batch, weighted and not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import torch

from metric_cases import CASES, Case, batches, weights
from torchtwin.evaluate import evaluate
from torchtwin.training.metrics import metric_of
from torchtwin.training.pieces import Output

TOLERANCE = {"float32": 1e-4, "float64": 1e-9}


def built(entry: Any, shape: tuple[int, ...], loss: str | None = None) -> Any:
    """Return the torchmetrics.Metric that the twin has for an entry of `metrics`."""
    return evaluate(metric_of(entry, Output("y", shape), loss).constructor, {}, {})


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
    keras.config.set_floatx(request.param)
    yield request.param
    keras.config.set_floatx(before)


def check(case: Case, dtype: str, weighted: bool) -> None:
    given = batches(case.kind, dtype)
    theirs = getattr(keras.metrics, case.name)(**case.config)
    entry = {"class_name": case.name, "config": {**theirs.get_config(), **case.config}}
    mine = built(entry, (None, *given[0][0].shape[1:]))
    if dtype == "float64" and not case.name.endswith("IoU"):
        mine.set_dtype(torch.float64)
    for k, (output, target) in enumerate(given):
        weight = weights(case.weighted(target, k % 2), dtype, k) if weighted else None
        theirs.update_state(target, output, weight)
        tensors = torch.from_numpy(output), torch.from_numpy(target)
        mine.update(*tensors, weight if weight is None else torch.from_numpy(weight))
        equal(mine.compute(), theirs.result(), TOLERANCE[dtype])


@pytest.mark.parametrize("precision", ["float32"], indirect=True)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_figure_is_that_of_keras(case: Case, precision: str) -> None:
    check(case, precision, weighted=False)


@pytest.mark.parametrize("precision", ["float64"], indirect=True)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_weighted_figure_is_that_of_keras(case: Case, precision: str) -> None:
    check(case, precision, weighted=True)
