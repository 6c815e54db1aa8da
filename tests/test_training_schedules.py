"""Learning rate schedules: the emitted function beside Keras's, at many steps."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest
from keras.optimizers import schedules as ks

from torchtwin.errors import UnsupportedError
from torchtwin.training.schedules import RULES, schedule_of

pytestmark = pytest.mark.usefixtures("float64")


CASES = [
    ks.ExponentialDecay(0.1, 10, 0.96),
    ks.ExponentialDecay(0.1, 7, 0.5, staircase=True),
    ks.InverseTimeDecay(0.1, 1, 0.01),
    ks.InverseTimeDecay(0.1, 6, 0.5, staircase=True),
    ks.PiecewiseConstantDecay([10, 30], [0.1, 0.02, 0.003]),
    ks.PiecewiseConstantDecay([10.7], [1, 0.5]),
    ks.PolynomialDecay(0.1, 25),
    ks.PolynomialDecay(0.1, 25, 0.01, power=0.5),
    ks.PolynomialDecay(0.1, 12, 0.01, power=2.0, cycle=True),
    ks.CosineDecay(0.1, 40),
    ks.CosineDecay(0.1, 40, alpha=0.1),
    ks.CosineDecay(0.0, 30, warmup_target=0.2, warmup_steps=11),
    ks.CosineDecay(0.1, 30, 0.2, warmup_target=0.2),
    ks.CosineDecayRestarts(0.1, 10),
    ks.CosineDecayRestarts(0.1, 7, t_mul=1.5, m_mul=0.8, alpha=0.05),
    ks.CosineDecayRestarts(0.1, 9, t_mul=1.0, m_mul=0.9),
]


@pytest.mark.parametrize("schedule", CASES, ids=lambda s: type(s).__name__)
def test_the_function_is_keras_own(schedule: ks.LearningRateSchedule) -> None:
    namespace = {"math": math}
    exec(schedule_of(ks.serialize(schedule)).function(), namespace)
    steps = [*range(60), 99, 100, 101, 1000, 12345]
    wanted = jax.vmap(schedule)(np.array(steps))
    for step, rate in zip(steps, np.asarray(wanted), strict=True):
        assert namespace["learning_rate"](step) == pytest.approx(rate, rel=1e-12, abs=1e-15)


def test_every_schedule_of_keras_is_here() -> None:
    public = {
        name
        for name, found in vars(ks).items()
        if isinstance(found, type) and found is not ks.LearningRateSchedule
    }
    assert set(RULES) == public
    assert {type(case).__name__ for case in CASES} == public


def test_a_rate_rounded_to_float32_is_printed_as_it_was_written() -> None:
    entry = ks.serialize(ks.ExponentialDecay(float(np.float32(0.1)), 10, 0.5))
    assert "return 0.1 * 0.5 **" in schedule_of(entry).function()


@pytest.mark.parametrize(
    ("name", "config", "named"),
    [
        ("Own", {}, "Own"),
        (
            "ExponentialDecay",
            {"initial_learning_rate": 1, "decay_steps": 5, "decay_rate": 0.5},
            "1",
        ),
        (
            "ExponentialDecay",
            {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5, "more": 2},
            "more",
        ),
        ("PiecewiseConstantDecay", {"boundaries": [9, 3], "values": [1, 2, 3]}, "boundaries"),
        ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": "many"}, "decay_steps"),
    ],
)
def test_what_is_refused_is_named(name: str, config: dict[str, object], named: str) -> None:
    with pytest.raises(UnsupportedError, match=named):
        schedule_of({"class_name": name, "config": config})
