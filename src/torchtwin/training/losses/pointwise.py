"""Losses of each number: regression, hinge and the rest (keras/src/losses/losses.py)."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.training.losses.given import Given, Values
from torchtwin.training.parts import losses as parts


def mean_squared_error(given: Given) -> Values:
    if given.alike:
        return Values(call(F.mse_loss, given.x, given.y_float, reduction="none").mean(-1))
    return Values(call(parts.squared_error, given.x, given.y))


def mean_absolute_error(given: Given) -> Values:
    if given.alike:
        return Values(call(F.l1_loss, given.x, given.y_float, reduction="none").mean(-1))
    return Values(call(parts.absolute_error, given.x, given.y))


def huber(given: Given, delta: float = 1.0) -> Values:
    if delta <= 0:
        raise UnsupportedError(f"a Huber loss with delta {delta}", hint="delta must be above 0")
    if given.alike:
        values = call(F.huber_loss, given.x, given.y_float, reduction="none", delta=delta)
        return Values(values.mean(-1))
    return Values(call(parts.huber, given.x, given.y, delta=delta))


def poisson(given: Given) -> Values:
    if given.alike:
        values = call(
            F.poisson_nll_loss,
            given.x, given.y_float, log_input=False, eps=1e-7, reduction="none",
        )  # fmt: skip
        return Values(values.mean(-1))
    return Values(call(parts.poisson, given.x, given.y))


def mean_absolute_percentage_error(given: Given) -> Values:
    return Values(call(parts.absolute_percentage_error, given.x, given.y))


def mean_squared_logarithmic_error(given: Given) -> Values:
    return Values(call(parts.squared_logarithmic_error, given.x, given.y))


def log_cosh(given: Given) -> Values:
    return Values(call(parts.log_cosh, given.x, given.y))


def kl_divergence(given: Given) -> Values:
    return Values(call(parts.kl_divergence, given.x, given.y))


def cosine_similarity(given: Given, axis: Any = -1) -> Values:
    dim = given.dim(axis)
    values = call(parts.negative_cosine_similarity, given.x, given.y, dim=dim)
    return Values(values, differences=given.couples(dim))


def hinge(given: Given) -> Values:
    return Values(call(parts.hinge, given.x, given.y))


def squared_hinge(given: Given) -> Values:
    return Values(call(parts.squared_hinge, given.x, given.y))


def categorical_hinge(given: Given) -> Values:
    return Values(call(parts.categorical_hinge, given.x, given.y))
