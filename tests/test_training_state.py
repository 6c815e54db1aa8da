"""A training that Keras stopped and PyTorch carries on, beside one that was not stopped."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import optimizers as ko

import torchtwin
from test_training_optimizers import CASES, small_model
from torchtwin.emit.weights import write_safetensors
from torchtwin.errors import UnreadableModel, UnsupportedError
from torchtwin.training.optimizers import optimizer_of, optimizer_state, upgraded_optimizer
from torchtwin.training.parts.optimizer_state import load_optimizer_state
from training_support import assert_same_weights, batches_of, code_of, keras_curve, torch_curve

ks = ko.schedules
BATCHES = batches_of((4, 6, 5, 2), (4, 2))


pytestmark = pytest.mark.usefixtures("float64")


def resumed(path: Path, entry: Any = None) -> tuple[torchtwin.Twin, dict[str, Any], Any, int]:
    """Return the twin of a file, what train.py defines, its optimizer, and the step to go on."""
    twin = torchtwin.convert(path, layout="keras")
    assert twin.keras.compile is not None
    entry = entry or upgraded_optimizer(twin.keras.compile["optimizer"], twin.keras.version)
    plan, namespace = code_of(twin, entry)
    with (path.parent / "optimizer.safetensors").open("wb") as file:
        write_safetensors(file, optimizer_state(plan, twin))
    optimizer = namespace["make_optimizer"](twin.module.double())
    step = load_optimizer_state(optimizer, twin.module, path.parent / "optimizer.safetensors")
    return twin, namespace, optimizer, step


STOPPED = {k: CASES[k] for k in (
    "rmsprop_all", "adam_amsgrad", "nadam_both", "adafactor", "muon", "loss_scale", "multi",
)}  # fmt: skip
"""Every way in which a layout is made; what the others keep is of the same kinds."""


@pytest.mark.parametrize("name", STOPPED)
def test_pytorch_goes_on_where_keras_stopped(name: str, tmp_path: Path) -> None:
    """The 50th step is not a multiple of the accumulated gradients' number on purpose."""
    whole, optimizer = small_model(), STOPPED[name]()
    whole.compile(optimizer, "mse")
    keras_curve(whole, optimizer, BATCHES[:50])
    suffixes = [".keras"] if name == "adafactor" else [".keras", ".h5"]  # names it cannot write
    for suffix in suffixes:
        whole.save(tmp_path / f"stopped{suffix}")
    wanted = keras_curve(whole, optimizer, BATCHES[50:])
    for suffix in suffixes:
        twin, namespace, mine, step = resumed(tmp_path / f"stopped{suffix}")
        assert step == 50
        losses, _ = torch_curve(twin, namespace, BATCHES[50:], start=step, optimizer=mine)
        np.testing.assert_allclose(losses, wanted, rtol=1e-8, atol=0)
        assert_same_weights(twin, whole, 1e-8)


def tf_small_model() -> Any:
    import tf_keras

    kl = tf_keras.layers
    model = tf_keras.Sequential(
        [
            tf_keras.Input((3, 4), dtype="float64"),
            kl.LSTM(3, name="rec", dtype="float64"),
            kl.Dense(2, name="out", dtype="float64"),
        ]
    )
    rng = np.random.default_rng(4)
    model.set_weights([rng.normal(scale=0.5, size=w.shape) for w in model.get_weights()])
    return model


# TensorFlow rounds Adam's betas to float32 even for float64: these are exact in both.
TF_CASES: dict[str, Callable[[Any, Any], Any]] = {
    "adam": lambda new, _: new.Adam(0.01, 0.875, 0.9375, amsgrad=True, weight_decay=0.125),
    "nadam": lambda new, _: new.Nadam(0.01, 0.875, 0.9375, epsilon=1e-3),
    "adafactor": lambda new, _: new.Adafactor(0.1),
    "old_adam": lambda _, old: old.Adam(0.01, decay=0.02, clipnorm=0.1),
    "old_rmsprop": lambda _, old: old.RMSprop(0.01, epsilon=1e-2, centered=True),
    "old_adagrad": lambda _, old: old.Adagrad(0.1, epsilon=1e-2),
    "old_nadam": lambda _, old: old.Nadam(0.01, 0.875, 0.9375, epsilon=1e-3),
    "old_ftrl": lambda _, old: old.Ftrl(0.1, l1_regularization_strength=0.01, beta=0.1),
}


@pytest.mark.parametrize("name", TF_CASES)
def test_optimizers_of_keras_2_go_on(name: str, tmp_path: Path) -> None:
    """Both those of TensorFlow 2.11 and the ones before it; TensorFlow computes the judge."""
    import tf_keras

    tf_keras.backend.set_floatx("float64")
    batches = batches_of((4, 3, 4), (4, 2), 40)
    model = tf_small_model()
    made = TF_CASES[name](tf_keras.optimizers, tf_keras.optimizers.legacy)
    model.compile(made, "mse", run_eagerly=True)
    for x, y in batches[:20]:
        model.train_on_batch(x, y)
    path = tmp_path / "stopped.h5"
    model.save(path)
    wanted = [float(model.train_on_batch(x, y)) for x, y in batches[20:]]
    tf_keras.backend.set_floatx("float32")
    twin, namespace, mine, step = resumed(path)
    assert step == 20
    losses, _ = torch_curve(twin, namespace, batches[20:], start=step, optimizer=mine)
    np.testing.assert_allclose(losses, wanted, rtol=1e-6, atol=0)


def test_a_model_that_was_compiled_and_never_trained_has_no_state(tmp_path: Path) -> None:
    model = small_model()
    model.compile("adam", "mse")
    model.save(tmp_path / "new.keras")
    twin = torchtwin.convert(tmp_path / "new.keras")
    assert len(twin.keras.optimizer) == 2
    assert list(optimizer_state(optimizer_of("adam"), twin)) == []


def test_the_learning_rate_in_the_file_goes_before_that_of_the_config(tmp_path: Path) -> None:
    model, optimizer = small_model(), ko.SGD(0.5)
    model.compile(optimizer, "mse")
    keras_curve(model, optimizer, BATCHES[:2])
    entry = ko.serialize(optimizer)
    optimizer.learning_rate = 0.125
    model.save(tmp_path / "reduced.keras")
    _, _, mine, _ = resumed(tmp_path / "reduced.keras", entry)
    assert mine.param_groups[0]["lr"] == 0.125


@pytest.mark.parametrize(
    ("entry", "said"),
    [("sgd", "16 arrays, the optimizer needs 2"), ("lion", "needs 9"), ("nadam", "needs 17")],
)
def test_the_state_of_another_optimizer_is_refused(entry: str, said: str) -> None:
    model, optimizer = small_model(), ko.Adam(0.01)
    model.compile(optimizer, "mse")
    keras_curve(model, optimizer, BATCHES[:1])
    twin = torchtwin.convert(model)
    with pytest.raises(UnreadableModel, match=said):
        list(optimizer_state(optimizer_of(entry), twin))


def test_the_state_of_another_model_is_refused_with_both_shapes() -> None:
    model, optimizer = small_model(), ko.Lion(0.01)
    model.compile(optimizer, "mse")
    keras_curve(model, optimizer, BATCHES[:1])
    other = keras.Sequential(
        [keras.Input((4,)), *(keras.layers.Dense(3, name=f"d{k}") for k in range(3))]
    )
    other.add(keras.layers.Dense(2, use_bias=False))
    twin = torchtwin.convert(other)
    twin = dataclasses.replace(
        twin,
        keras=dataclasses.replace(twin.keras, optimizer=torchtwin.convert(model).keras.optimizer),
    )
    with pytest.raises(UnreadableModel, match=r"\(2, 2, 2, 3\), \(4, 3\) is needed"):
        list(optimizer_state(optimizer_of("lion"), twin))


@pytest.mark.parametrize(
    ("version", "entry", "wanted"),
    [
        (
            "2.2.4",
            {"class_name": "SGD", "config": {"lr": 0.009999999776482582, "decay": 1e-06,
             "momentum": 0.8999999761581421, "nesterov": True, "clipnorm": 1.0}},
            {"class_name": "SGD", "config": {
                "learning_rate": {"class_name": "InverseTimeDecay", "config": {
                    "initial_learning_rate": 0.01, "decay_steps": 1, "decay_rate": 1e-06}},
                "momentum": 0.9, "nesterov": True, "global_clipnorm": 1.0}},
        ),
        (
            "2.3.0-tf",
            {"class_name": "RMSprop", "config": {"learning_rate": 0.001, "decay": 0.0, "rho": 0.9,
             "momentum": 0.0, "epsilon": None, "centered": False, "clipnorm": 1.0}},
            {"class_name": "RMSprop", "config": {"learning_rate": 0.001, "rho": 0.9,
             "momentum": 0.0, "epsilon": 1e-07, "centered": False, "clipnorm": 1.0,
             "epsilon_outside": True}},
        ),
        (
            "1.2.2",
            {"class_name": "nadam", "config": {"lr": {"type": "ndarray", "value": 0.002},
             "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-08, "schedule_decay": 0.004}},
            {"class_name": "nadam", "config": {"learning_rate": 0.002, "beta_1": 0.9,
             "beta_2": 0.999, "epsilon": 1e-08, "schedule_decay": 0.004}},
        ),
        (
            "2.12.0",
            {"class_name": "Custom>Adam", "config": {"learning_rate": 0.001, "epsilon": 1e-07,
             "is_legacy_optimizer": False, "jit_compile": True}},
            {"class_name": "Adam", "config": {"learning_rate": 0.001, "epsilon": 1e-07,
             "is_legacy_optimizer": False, "jit_compile": True}},
        ),
        (
            "2.9.0",
            {"class_name": "LossScaleOptimizer", "config": {"inner_optimizer":
             {"class_name": "Adam", "config": {"learning_rate": 0.001, "decay": 0.0}},
             "dynamic": False, "initial_scale": 128.0, "dynamic_growth_steps": None}},
            {"class_name": "Adam", "config": {"learning_rate": 0.001, "loss_scale_factor": 128.0}},
        ),
        ("2.15.0", "rmsprop", {"class_name": "rmsprop", "config": {}}),
        ("3.3.0", {"class_name": "Adam", "config": {}}, {"class_name": "Adam", "config": {}}),
    ],
)  # fmt: skip
def test_old_configs_come_to_todays_vocabulary(version: str, entry: Any, wanted: Any) -> None:
    given = copy.deepcopy(entry)
    assert upgraded_optimizer(entry, version) == wanted
    assert entry == given
    optimizer_of(wanted)


def test_a_decay_of_a_schedule_is_refused() -> None:
    schedule = ks.serialize(ks.ExponentialDecay(0.1, 5, 0.5))
    entry = {"class_name": "SGD", "config": {"learning_rate": schedule, "decay": 0.1}}
    with pytest.raises(UnsupportedError, match="decay"):
        optimizer_of(upgraded_optimizer(entry, "2.4.0"))
