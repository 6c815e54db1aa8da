"""Dtype policies: weights and computation in the precision that the layer asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch

import torchtwin


def model(policy: str, kind: str | None = None) -> keras.Model:
    inputs = keras.Input((6, 4), dtype=kind or policy)
    x = keras.layers.Conv1D(3, 3, padding="same", activation="relu", dtype=policy)(inputs)
    x = keras.layers.BatchNormalization(dtype=policy)(x)
    x = keras.layers.Flatten(dtype=policy)(x)
    return keras.Model(inputs, keras.layers.Dense(2, dtype=policy)(x))


@pytest.mark.parametrize(
    ("policy", "tolerance"), [("float64", 1e-9), ("float16", 5e-3), ("bfloat16", 5e-2)]
)
def test_one_precision(policy: str, tolerance: float) -> None:
    original = model(policy)
    twin = torchtwin.convert(original)
    dtype = getattr(torch, policy)
    assert {p.dtype for p in twin.module.parameters()} == {dtype}
    x = np.random.default_rng(0).normal(size=(3, 6, 4))
    wanted = keras.ops.convert_to_numpy(original(x.astype("float32")).astype("float64"))
    got = twin.module(torch.from_numpy(x.astype("float32")).to(dtype))
    assert got.dtype == dtype
    if policy == "float64":
        wanted = np.asarray(original(x))
        got = twin.module(torch.from_numpy(x))
    np.testing.assert_allclose(got.detach().double().numpy(), wanted, atol=tolerance)


def test_layers_cast_their_inputs() -> None:
    original = model("float32", kind="float64")
    x = np.random.default_rng(0).normal(size=(3, 6, 4))
    got = torchtwin.convert(original).module(torch.from_numpy(x))
    assert got.dtype == torch.float32
    np.testing.assert_allclose(got.detach().numpy(), np.asarray(original(x)), atol=1e-5)


def test_a_layer_of_higher_precision_at_the_end() -> None:
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, dtype="float32")(inputs)
    original = keras.Model(inputs, keras.layers.Dense(2, dtype="float64")(x))
    twin = torchtwin.convert(original)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    got = twin.module(torch.from_numpy(x))
    assert got.dtype == torch.float64
    np.testing.assert_allclose(got.detach().numpy(), np.asarray(original(x)), atol=1e-6)
    assert ".double()" in twin.source


def compiled(policy: str, *layers: keras.layers.Layer, shape: tuple[int, ...] = (6, 4)) -> Any:
    """Return a model of a global policy, the layers' own policies aside, compiled."""
    keras.config.set_dtype_policy(policy)
    try:
        made = [layer.from_config(layer.get_config() | {"dtype": policy}) for layer in layers]
        last = keras.layers.Dense(3, activation="softmax", dtype="float32")
        model = keras.Sequential([keras.Input(shape), *made, last])
        model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    finally:
        keras.config.set_dtype_policy("float32")
    return model


def layers_of(kind: str) -> list[keras.layers.Layer]:
    convolutional = [
        keras.layers.Conv1D(8, 3, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.GlobalAveragePooling1D(),
    ]
    return convolutional if kind == "conv" else [keras.layers.LSTM(8)]


MIXED = [("mixed_bfloat16", "bfloat16", 1.0), ("mixed_float16", "float16", 0.5)]


@pytest.mark.parametrize("kind", ["conv", "lstm"])
@pytest.mark.parametrize(("policy", "dtype", "percent"), MIXED)
def test_mixed_precision(policy: str, dtype: str, percent: float, kind: str) -> None:
    """Weights and model.py are float32; train.py runs it under autocast, near Keras's losses."""
    original = compiled(policy, *layers_of(kind))
    twin = torchtwin.convert(original)
    assert {p.dtype for p in twin.module.parameters()} == {torch.float32}
    assert f"Keras computes in {dtype}" in twin.source
    assert ".half()" not in twin.source
    run = twin.training.Run(twin.module)
    seen: set[torch.dtype] = set()
    module = next(
        m for m in twin.module.children() if isinstance(m, torch.nn.Conv1d | torch.nn.LSTM)
    )
    module.register_forward_hook(lambda _, __, out: seen.add(out[0].dtype))
    rng = np.random.default_rng(0)
    for _ in range(10):
        x, y = rng.normal(size=(16, 6, 4)).astype("float32"), rng.integers(0, 3, 16)
        original.reset_metrics()
        wanted = float(original.train_on_batch(x, y))
        run.train_batch((torch.from_numpy(x), torch.from_numpy(y)), 16)
        got = run.figures.compute()["loss"]
        run.figures.reset()
        assert got == pytest.approx(wanted, rel=percent / 100)
    on_this_cpu = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32
    assert seen == {on_this_cpu if kind == "lstm" else getattr(torch, dtype)}
    outputs = run.forward(torch.from_numpy(x))
    assert {x.dtype for x in outputs} == {torch.float32}
    scaled = dtype == "float16"
    assert ("loss_scale" in run.optimizer.param_groups[0]) == scaled
    assert any("autocast" in told for told in twin.plan.differences)


def test_one_precision_needs_no_autocast() -> None:
    for policy in ("float32", "float64"):
        original = compiled(policy, keras.layers.Flatten())
        twin = torchtwin.convert(original)
        assert "autocast" not in twin.train
        assert "autocast" not in twin.source
        assert "loss_scale" not in twin.train


def test_a_loss_scale_that_is_in_the_file_is_taken_once() -> None:
    original = compiled("mixed_float16", keras.layers.Flatten())
    inner = keras.optimizers.SGD(0.1)
    original.compile(keras.optimizers.LossScaleOptimizer(inner, initial_scale=64.0), "mse")
    run = torchtwin.convert(original).training.Run(torchtwin.convert(original).module)
    assert run.optimizer.param_groups[0]["loss_scale"] == 64.0


def test_the_loss_scale_that_keras_had_is_carried_over(tmp_path: Path) -> None:
    """Keras wraps the optimizer by itself; the file tells of that by its variables alone."""
    original = compiled("mixed_float16", keras.layers.Flatten())
    rng = np.random.default_rng(0)
    for _ in range(3):
        original.train_on_batch(rng.normal(size=(4, 6, 4)), rng.integers(0, 3, 4))
    original.optimizer.dynamic_scale.assign(128.0)
    original.save(tmp_path / "model.keras")
    twin = torchtwin.convert(tmp_path / "model.keras")
    stored = {t.name: t.read() for t in twin.optimizer}
    assert stored["loss_scale"] == 128.0
    assert stored["step"] == 3


def test_two_lower_precisions_are_refused() -> None:
    with pytest.raises(torchtwin.UnsupportedError, match="bfloat16 and in float16"):
        torchtwin.convert(
            keras.Sequential(
                [
                    keras.Input((4,)),
                    keras.layers.Dense(2, dtype="mixed_bfloat16"),
                    keras.layers.Dense(2, dtype="mixed_float16"),
                ]
            )
        )


def test_a_mixed_model_is_verified_in_float32(tmp_path: Path) -> None:
    original = compiled("mixed_bfloat16", *layers_of("conv"))
    original.save(tmp_path / "model.keras")
    report = torchtwin.verify(tmp_path / "model.keras", torchtwin.convert(original))
    assert report.verdict == "agrees"
    assert any("mixed dtype policies were set to float32" in note for note in report.notes)
    assert report.errors()["float32"] < 1e-6
