"""Every activation of Keras, against Keras on JAX, at and around the points where it bends."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import torch

from torchtwin.activations import ACTIVATIONS, ALONG_AXIS, activated
from torchtwin.errors import UnsupportedError
from torchtwin.evaluate import evaluate
from torchtwin.expr import Var

EDGES = np.array([-30, -6, -3, -2.5, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 2.5, 3, 6, 8, 30.0])
NAMES = sorted({*ACTIVATIONS, *ALONG_AXIS} - {"keras2_hard_sigmoid"})


def numbers(dtype: str) -> np.ndarray:
    drawn = np.random.default_rng(5).normal(scale=3.0, size=(4, 16))
    return np.concatenate([EDGES[None], drawn]).astype(dtype)


def ours(activation: Any, x: np.ndarray, dim: int = -1) -> np.ndarray:
    expr = activated(activation, Var("x"), dim)
    result: torch.Tensor = evaluate(expr, {"x": torch.from_numpy(x)}, {})
    return result.numpy()


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-9)])
@pytest.mark.parametrize("name", NAMES)
def test_equals_keras(name: str, dtype: str, tolerance: float) -> None:
    x = numbers(dtype)
    arguments = (0.0, 0.0) if name == "threshold" else ()
    wanted = np.asarray(keras.activations.get(name)(keras.ops.convert_to_tensor(x), *arguments))
    got = ours(name, x)
    assert got.dtype == wanted.dtype
    scale = max(1.0, float(np.abs(wanted).max()))
    if name == "exponential":  # up to exp(30): every value by its own size
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)
    else:
        np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * scale)


def test_every_name_that_keras_knows() -> None:
    known = {n for n in dir(keras.activations) if not n.startswith("_")}
    assert known - {"deserialize", "get", "serialize"} <= {*NAMES}


def test_hard_sigmoid_of_keras_2() -> None:
    x = numbers("float64")
    np.testing.assert_allclose(ours("keras2_hard_sigmoid", x), np.clip(0.2 * x + 0.5, 0, 1))


@pytest.mark.parametrize("name", sorted(ALONG_AXIS))
def test_along_the_axis_where_the_last_one_lies(name: str) -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, 4, 6))
    wanted = np.asarray(keras.activations.get(name)(keras.ops.convert_to_tensor(x)))
    got = ours(name, np.ascontiguousarray(x.transpose(0, 3, 1, 2)), dim=1).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(got, wanted, atol=1e-9)


@pytest.mark.parametrize(
    ("entry", "layer"),
    [
        ({"class_name": "LeakyReLU", "config": {"negative_slope": 0.1}}, "LeakyReLU"),
        ({"class_name": "ReLU", "config": {"max_value": 2.0, "negative_slope": 0.1}}, "ReLU"),
        ({"class_name": "ELU", "config": {"alpha": 0.5}}, "ELU"),
    ],
)
def test_layers_as_activations(entry: dict[str, Any], layer: str) -> None:
    x = numbers("float64")
    made = getattr(keras.layers, layer)(**entry["config"], dtype="float64")
    np.testing.assert_allclose(ours(entry, x), np.asarray(made(x)), atol=1e-9)


def test_softmax_layer_as_activation_goes_along_the_last_axis() -> None:
    x = np.random.default_rng(1).normal(size=(2, 6, 3))
    got = ours({"class_name": "Softmax", "config": {"axis": -1}}, x, dim=1)
    np.testing.assert_allclose(got.sum(1), 1.0)


@pytest.mark.parametrize(
    "entry",
    [
        "my_own",
        {"class_name": "function", "config": "f", "registered_name": "Mine>f"},
        {"class_name": "PReLU", "config": {}},
        {"class_name": "Softmax", "config": {"axis": 1}},
    ],
)
def test_refused(entry: Any) -> None:
    with pytest.raises(UnsupportedError):
        activated(entry, Var("x"), -1)
