"""Dtype policies: weights and computation in the precision that the layer asks for."""

from __future__ import annotations

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


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_is_refused(policy: str) -> None:
    with pytest.raises(torchtwin.UnsupportedError, match=policy):
        torchtwin.convert(model(policy, kind="float32"))
