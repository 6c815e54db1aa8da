"""Weights, masks and shares of a batch: the loss of the batch is Keras's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from losses_support import LossCase, check, entry
from torchtwin.training.parts.reduction import ratio, weighted_sum

pytestmark = pytest.mark.usefixtures("float64")


REDUCED = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None]
WEIGHED: list[tuple[Any, tuple[int, ...], str, tuple[int, ...]]] = [
    ("MeanSquaredError", (6, 4), "", (6,)),
    ("MeanSquaredError", (6, 4), "", (6, 1)),
    ("MeanSquaredError", (6, 1), "", (6, 1)),
    ("MeanSquaredError", (3, 5, 4), "", (3, 5)),
    ("MeanSquaredError", (3, 5, 4), "", (3, 1)),
    ("MeanSquaredError", (3, 5, 4), "", (3, 5, 1)),
    ("Dice", (6, 4), "labels", (6,)),
    ("SparseCategoricalCrossentropy", (3, 5, 4), "classes", (3, 5)),
]


@pytest.mark.parametrize("reduction", REDUCED)
@pytest.mark.parametrize(("name", "shape", "target", "weight_shape"), WEIGHED, ids=str)
def test_weights_and_masks(
    reduction: str | None,
    name: str,
    shape: tuple[int, ...],
    target: str,
    weight_shape: tuple[int, ...],
) -> None:
    rng = np.random.default_rng(1)
    activation = "softmax" if target == "classes" else ""
    case = LossCase(entry(name, reduction=reduction), shape, target, None, activation)
    weight = rng.random(weight_shape)
    check(case, weight=weight)
    if len(shape) == 3:
        mask = rng.random(shape[:2]) < 0.6
        check(case, mask=mask)
        check(case, mask=mask, weight=weight)
        check(case, mask=np.zeros_like(mask), weight=weight)
        if target == "classes":
            ignoring = entry(name, reduction=reduction, ignore_class=1)
            check(LossCase(ignoring, shape, target, None, activation), mask=mask, weight=weight)


def test_weights_of_whole_numbers() -> None:
    case = LossCase("mse", (6, 4))
    check(case, weight=np.arange(6))
    check(case, weight=np.zeros(6))
    check(
        LossCase(entry("MeanSquaredError", reduction="mean_with_sample_weight"), (6, 4)),
        weight=np.zeros(6),
    )


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "sum"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("weighed", [False, True])
def test_shards_add_up(
    reduction: str, masked: bool, weighed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Totals and divisors of uneven shards give the loss and the gradient of the whole batch."""
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(11, 5, dtype=torch.float64, generator=generator).requires_grad_()
    weight = torch.rand(11, 5, dtype=torch.float64, generator=generator) if weighed else None
    mask = torch.rand(11, 5, generator=generator) < 0.5 if masked else None
    if mask is not None:
        mask[:2] = False  # the first shard has nothing that counts, and the second nothing at all
    whole = ratio(*weighted_sum(values, weight, mask, reduction))
    monkeypatch.setattr("torchtwin.training.parts.reduction.world_size", lambda: 3)
    (wanted,) = torch.autograd.grad(whole, values)
    parts = [
        weighted_sum(
            values[k], None if weight is None else weight[k], None if mask is None else mask[k],
            reduction,
        )
        for k in (slice(0, 2), slice(2, 2), slice(2, 11))
    ]  # fmt: skip
    total = torch.stack([t for t, _ in parts]).sum()
    divisor = torch.stack([d for _, d in parts]).sum()
    (gradient,) = torch.autograd.grad(ratio(total, divisor), values)
    torch.testing.assert_close(ratio(total, divisor), whole, rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, wanted, rtol=1e-12, atol=0)
    assert not any(d.requires_grad for _, d in parts)
