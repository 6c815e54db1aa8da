"""Optimizers: a hundred steps of Keras on JAX beside the emitted source, in float64."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras import layers as kl
from keras import optimizers as ko

import torchtwin
from cases import randomize
from torchtwin.errors import UnsupportedError
from torchtwin.training.optimizers import optimizer_code, optimizer_of, trained_variables
from torchtwin.training.optimizers.rules import RULES
from torchtwin.training.parts.optimizer_steps import swap_averages, use_averages
from training_support import assert_same_weights, batches_of, code_of, keras_curve, torch_curve

ks = ko.schedules
BATCHES = batches_of((4, 6, 5, 2), (4, 2))


pytestmark = pytest.mark.usefixtures("float64")


def small_model() -> keras.Model:
    """Return a model with a matrix, a convolution, and a bias that is two parameters."""
    x = keras.Input((6, 5, 2))
    y = kl.Conv2D(3, 2, activation="tanh", name="conv")(x)
    y = kl.GRU(3, name="gru")(kl.Reshape((5, 12))(y))
    model = keras.Model(x, kl.Dense(2, name="out")(y))
    randomize(model)
    return model


def by_layer(default: Any, **others: Any) -> Any:
    return ko.MultiOptimizer(ko.OptimizerMap(default, others))


CASES: dict[str, Callable[[], Any]] = {
    "sgd": lambda: ko.SGD(0.05, clipvalue=0.02),
    "sgd_schedule": lambda: ko.SGD(ks.ExponentialDecay(0.1, 20, 0.5), momentum=0.9),
    "sgd_nesterov": lambda: ko.SGD(0.05, momentum=0.9, nesterov=True, clipnorm=0.1),
    "rmsprop": lambda: ko.RMSprop(0.01, rho=0.8, epsilon=1e-3),
    "rmsprop_all": lambda: ko.RMSprop(
        0.01, momentum=0.9, centered=True, global_clipnorm=0.5, weight_decay=0.01
    ),
    "adam": lambda: ko.Adam(0.01, epsilon=1e-4),
    "adam_amsgrad": lambda: ko.Adam(0.01, amsgrad=True, beta_1=0.8, beta_2=0.9, weight_decay=0.01),
    "adamw": lambda: ko.AdamW(0.01),
    "adam_accumulated": lambda: ko.Adam(
        ks.CosineDecay(0.05, 60), gradient_accumulation_steps=4, clipnorm=0.05
    ),
    "adam_averages": lambda: ko.Adam(0.02, use_ema=True, ema_momentum=0.9),
    "adam_scaled": lambda: ko.Adam(0.02, loss_scale_factor=1024.0),
    "adadelta": lambda: ko.Adadelta(0.5, use_ema=True, ema_overwrite_frequency=7),
    "adagrad": lambda: ko.Adagrad(0.1, epsilon=1e-2, initial_accumulator_value=0.05),
    "adamax": lambda: ko.Adamax(0.01, epsilon=1e-3),
    "nadam": lambda: ko.Nadam(0.01, epsilon=1e-3),
    "nadam_both": lambda: ko.Nadam(
        0.01, gradient_accumulation_steps=3, use_ema=True, ema_overwrite_frequency=5
    ),
    "ftrl": lambda: ko.Ftrl(0.1, learning_rate_power=-0.3, initial_accumulator_value=0.2),
    "ftrl_all": lambda: ko.Ftrl(
        0.1,
        l1_regularization_strength=0.01,
        l2_regularization_strength=0.02,
        l2_shrinkage_regularization_strength=0.03,
        beta=0.1,
    ),
    "lion": lambda: ko.Lion(0.003, beta_1=0.7, weight_decay=0.1),
    "lamb": lambda: ko.Lamb(0.01, epsilon=1e-3),
    "adafactor": lambda: ko.Adafactor(0.1, clip_threshold=0.5, beta_2_decay=-0.6),
    "muon": lambda: ko.Muon(0.01, exclude_layers=["out"], adam_weight_decay=0.1),
    "muon_plain": lambda: ko.Muon(
        0.01, nesterov=False, rms_rate=None, ns_steps=3, adam_lr_ratio=0.1, weight_decay=None
    ),
    "schedule_free": lambda: ko.ScheduleFreeAdamW(0.01, warmup_steps=10, weight_decay=0.01),
    "loss_scale": lambda: ko.LossScaleOptimizer(
        ko.Adam(ks.CosineDecay(0.01, 50)), dynamic_growth_steps=20
    ),
    "multi": lambda: by_layer(
        ko.Adam(0.01, clipnorm=0.1),
        **{".*bias": ko.SGD(ks.ExponentialDecay(0.05, 10, 0.9), momentum=0.5, use_ema=True)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_hundred_steps_are_keras_own(name: str) -> None:
    model, optimizer = small_model(), CASES[name]()
    twin = torchtwin.convert(model, layout="keras")
    before = {k: v.clone() for k, v in twin.module.state_dict().items()}
    plan, namespace = code_of(twin, ko.serialize(optimizer))
    wanted = keras_curve(model, optimizer, BATCHES)
    losses, mine = torch_curve(twin, namespace, BATCHES)
    np.testing.assert_allclose(losses, wanted, rtol=1e-8, atol=0)
    assert_same_weights(twin, model, 1e-8)
    assert any(not torch.equal(before[k], v) for k, v in twin.module.state_dict().items())
    if plan.averages:
        optimizer.finalize_variable_values(model.trainable_variables)
        use_averages(mine)
        assert_same_weights(twin, model, 1e-8)


def test_averages_are_swapped_in_and_out() -> None:
    model, optimizer = small_model(), ko.Adam(0.02, use_ema=True, ema_momentum=0.5)
    twin = torchtwin.convert(model, layout="keras")
    _, namespace = code_of(twin, ko.serialize(optimizer))
    _, mine = torch_curve(twin, namespace, BATCHES[:5])
    own = {k: v.clone() for k, v in twin.module.state_dict().items()}
    swap_averages(mine)
    assert all(torch.equal(mine.state[p]["average"], own[n]) for n, p in trained_of(twin))
    assert not any(torch.equal(p, own[n]) for n, p in trained_of(twin))
    swap_averages(mine)
    assert all(torch.equal(p, own[n]) for n, p in trained_of(twin))


def trained_of(twin: torchtwin.Twin) -> list[tuple[str, torch.nn.Parameter]]:
    return [(n, p) for n, p in twin.module.named_parameters() if p.requires_grad]


def test_every_optimizer_of_keras_is_here() -> None:
    """`Optimizer` is the base class, `OptimizerMap` belongs to MultiOptimizer."""
    public = {name.lower() for name, found in vars(ko).items() if isinstance(found, type)}
    wrappers = {"optimizer", "optimizermap", "lossscaleoptimizer", "multioptimizer"}
    assert set(RULES) == public - wrappers
    tried = {type(make()).__name__.lower() for make in CASES.values()}
    assert public - {"optimizer", "optimizermap"} == tried


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_argument_is_read_and_the_defaults_are_keras_own(name: str) -> None:
    """A name alone means what Keras's constructor means without arguments."""
    made = next(f for n, f in vars(ko).items() if n.lower() == name)()
    config = made.get_config()
    assert {*inspect.signature(type(made).__init__).parameters} - {"self", "kwargs"} == set(config)
    plain, full = optimizer_of(name), optimizer_of({"class_name": name, "config": config})
    twin = torchtwin.convert(small_model())
    codes = [optimizer_code(plan, trained_variables(twin)).source for plan in (plain, full)]
    assert codes[0] == codes[1]


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ("novograd", "novograd"),
        ({"class_name": "Adam", "config": {"gamma": 3}}, "gamma"),
        ({"class_name": "Adam", "config": {"clipnorm": 1.0, "clipvalue": 1.0}}, "clipvalue"),
        ({"class_name": "Adam", "config": {"beta_1": "high"}}, "beta_1"),
        ({"class_name": "Own", "config": {}, "registered_name": "mine>Own"}, "mine>Own"),
        ({"class_name": "SGD", "config": {"learning_rate": {"class_name": "Own"}}}, "Own"),
        (None, "None"),
    ],
)
def test_what_is_refused_is_named(entry: Any, named: str) -> None:
    with pytest.raises(UnsupportedError, match=named):
        optimizer_of(entry)


@pytest.mark.parametrize("make", [ko.AdamW, ko.SGD], ids=["AdamW", "SGD"])
def test_variables_without_weight_decay_of_a_live_model(make: Any) -> None:
    """`exclude_from_weight_decay` is in no config of Keras: a live model's is asked."""
    model, optimizer = small_model(), make(0.05, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias", "recurrent"])
    model.compile(optimizer, "mse")
    twin = torchtwin.convert(model, layout="keras")
    twin.module.train()
    assert twin.keras.compile is not None
    _, namespace = code_of(twin, twin.keras.compile["optimizer"])
    wanted = keras_curve(model, optimizer, BATCHES[:20])
    losses, _ = torch_curve(twin, namespace, BATCHES[:20])
    np.testing.assert_allclose(losses, wanted, rtol=1e-8, atol=0)
    assert_same_weights(twin, model, 1e-8)
