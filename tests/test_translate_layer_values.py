"""First values, penalties, constraints and activations of layers in programs, beside Keras's."""

from __future__ import annotations

import copy
from typing import Any

import keras
import numpy as np
import pytest
import torch

import torchtwin
from torchtwin.activations import ACTIVATIONS, ALONG_AXIS
from torchtwin.expr import Source
from torchtwin.nn import applied
from torchtwin.nn.penalties import put_back, weight_penalties
from torchtwin.translate.activation import activation_module
from torchtwin.translate.initial import initial_tensor
from translated_layers import expression, module_of, run_source

INITIALIZERS: dict[str, Any] = {
    name: name
    for name in (
        "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform",
        "lecun_normal", "uniform", "normal", "random_uniform", "random_normal",
        "truncated_normal", "orthogonal", "zeros", "ones", "HeNormal", "VarianceScaling",
    )
}  # fmt: skip
for _name, _config in (
    ("RandomNormal", {"mean": 0.5, "stddev": 0.2}),
    ("RandomUniform", {"minval": -0.3, "maxval": 0.1}),
    ("TruncatedNormal", {"mean": 1.0, "stddev": 0.2}),
    ("Constant", {"value": 0.3}),
    ("Orthogonal", {"gain": 2.0}),
    ("VarianceScaling", {"scale": 2.0, "mode": "fan_out", "distribution": "uniform"}),
    ("VarianceScaling", {"scale": 0.5, "mode": "fan_avg", "distribution": "untruncated_normal"}),
):
    INITIALIZERS[f"{_name}{_config}"] = {"class_name": _name, "config": _config}
KERNELS = [
    ("Dense", {"units": 90}, (2, 150), "kernel"),
    ("Conv2D", {"filters": 40, "kernel_size": (3, 5)}, (1, 6, 6, 30), "kernel"),
    ("Conv2D", {"filters": 40, "kernel_size": 3, "groups": 2}, (1, 4, 4, 60), "kernel"),
    ("Conv2DTranspose", {"filters": 20, "kernel_size": 3}, (1, 4, 4, 60), "kernel"),
    ("DepthwiseConv2D", {"kernel_size": 5, "depth_multiplier": 6}, (1, 6, 6, 80), "depthwise"),
    ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": (None, 6, 20)}, (1, 2, 90),
     "kernel"),
    ("Embedding", {"input_dim": 120, "output_dim": 80}, (1, 2), "embeddings"),
]  # fmt: skip


def same_distribution(drawn: np.ndarray, wanted: np.ndarray) -> None:
    assert drawn.shape == wanted.shape
    width = max(float(wanted.std()), 1e-9)
    assert abs(drawn.mean() - wanted.mean()) < 0.06 * width
    assert abs(drawn.std() - wanted.std()) < 0.05 * width
    parts = np.linspace(0, 1, 11)
    difference = np.abs(np.quantile(drawn, parts[1:-1]) - np.quantile(wanted, parts[1:-1]))
    assert (difference < 0.12 * width).all()
    if abs(wanted).max() < 3.2 * width:  # what is cut off, or uniform
        assert abs(drawn - drawn.mean()).max() <= 1.05 * abs(wanted - wanted.mean()).max()


def built(value: Any) -> Any:
    if isinstance(value, dict):
        return getattr(keras.initializers, value["class_name"])(**value["config"])
    return value


@pytest.mark.parametrize("initializer", INITIALIZERS.values(), ids=INITIALIZERS)
@pytest.mark.parametrize(("name", "config", "shape", "part"), KERNELS[:1] + KERNELS[4:5])
def test_weights_start_as_in_keras(
    name: str, config: Any, shape: Any, part: str, initializer: Any
) -> None:
    check_start(name, config, shape, part, initializer)


@pytest.mark.parametrize(("name", "config", "shape", "part"), KERNELS)
def test_weights_start_as_in_keras_where_nothing_is_said(
    name: str, config: Any, shape: Any, part: str
) -> None:
    check_start(name, config, shape, part, None)
    check_start(name, config, shape, part, "he_normal")


def check_start(name: str, config: Any, shape: Any, part: str, initializer: Any) -> None:
    given = {} if initializer is None else {f"{part}_initializer": initializer}
    layer = getattr(keras.layers, name)(**config, **{k: built(v) for k, v in given.items()})
    x = np.zeros(shape, "int32" if name == "Embedding" else "float32")
    layer(x)
    module = module_of(name, {**config, **given})
    module(torch.from_numpy(x))
    again = module_of(name, config)
    torchtwin.load_keras_weights(again, layer.get_weights())
    again(torch.from_numpy(x))
    same_distribution(
        next(module.parameters()).detach().numpy(), next(again.parameters()).detach().numpy()
    )


@pytest.mark.parametrize("initializer", INITIALIZERS.values(), ids=INITIALIZERS)
@pytest.mark.parametrize("shape", [(90, 130), (2, 3, 40, 30), (9000,)], ids=str)
def test_own_weights_start_as_in_keras(initializer: Any, shape: tuple[int, ...]) -> None:
    if "rthogonal" in str(initializer) and len(shape) < 2:
        return  # a vector is not orthogonal in Keras either
    wanted = np.asarray(keras.initializers.get(built(initializer))(shape))
    same_distribution(run_source(initial_tensor(initializer, shape)).numpy(), wanted)
    late = initial_tensor(Source("given"), shape)
    if isinstance(initializer, str):
        same_distribution(run_source(late, given=initializer).numpy(), wanted)


def test_first_values_that_are_no_initialisers() -> None:
    def ramp(shape: Any, dtype: Any) -> torch.Tensor:
        return torch.arange(float(shape[0] * shape[1])).reshape(shape).to(dtype)

    made = run_source(initial_tensor(Source("ramp"), (2, 3)), ramp=ramp)
    assert made.tolist() == [[0, 1, 2], [3, 4, 5]]
    layer = expression("Dense", {"units": 3, "kernel_initializer": Source("ramp")})
    module = run_source(layer, ramp=ramp)
    module(torch.zeros(1, 2))
    assert module.weight.T.tolist() == [[0, 1, 2], [3, 4, 5]]
    matrix = np.arange(6.0).reshape(3, 2)
    for given in ({"weights": [Source("matrix")]},
                  {"embeddings_initializer": {"class_name": "Constant",
                                              "config": {"value": Source("matrix")}}}):  # fmt: skip
        made = expression("Embedding", {"input_dim": 3, "output_dim": 2, **given})
        np.testing.assert_array_equal(run_source(made, matrix=matrix).weight.detach(), matrix)


REGULARIZERS = [
    "l1", "l2", {"class_name": "l2", "config": {"l2": 0.02}},
    {"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.3}},
    {"class_name": "OrthogonalRegularizer", "config": {"factor": 0.1, "mode": "rows"}},
    {"class_name": "orthogonal_regularizer", "config": {"mode": "columns"}},
]  # fmt: skip


@pytest.mark.parametrize("regularizer", REGULARIZERS, ids=str)
def test_penalties_of_weights(regularizer: Any) -> None:
    keras_one = regularizer
    if isinstance(regularizer, dict):
        keras_one = getattr(keras.regularizers, regularizer["class_name"])(**regularizer["config"])
    layer = keras.layers.Dense(4, kernel_regularizer=keras_one, bias_regularizer="l2",
                               bias_initializer="normal")  # fmt: skip
    layer(np.zeros((1, 3), "float32"))
    config = {"units": 4, "kernel_regularizer": regularizer, "bias_regularizer": "l2"}
    for module in (
        module_of("Dense", config),
        module_of("Dense", {**config, "activation": "relu"}),
    ):
        torchtwin.load_keras_weights(module, layer.get_weights())
        module(torch.zeros(1, 3))
        wanted = float(sum(layer.losses))
        assert float(sum(weight_penalties(module))) == pytest.approx(wanted, rel=1e-5)
        module.requires_grad_(False)
        assert weight_penalties(module) == []


CONSTRAINTS = [
    ("MaxNorm", {"max_value": 0.6}), ("max_norm", {"max_value": 0.5, "axis": 1}),
    ("UnitNorm", {}), ("NonNeg", {}),
    ("MinMaxNorm", {"min_value": 0.8, "max_value": 1.0, "rate": 0.5}),
    ("MaxNorm", {"max_value": 0.4, "axis": [0, 1, 2]}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "config"), CONSTRAINTS, ids=str)
def test_constraints_of_weights(kind: str, config: dict[str, Any]) -> None:
    conv = isinstance(config.get("axis"), list)
    name, options, shape = (
        ("Conv2D", {"filters": 4, "kernel_size": 2}, (1, 3, 3, 3))
        if conv
        else ("Dense", {"units": 4}, (1, 3))
    )
    constraint = getattr(keras.constraints, kind)(**config)
    layer = getattr(keras.layers, name)(**options, kernel_initializer="normal")
    layer(np.zeros(shape, "float32"))
    layer.set_weights([w * 10 for w in layer.get_weights()])
    entry = {"class_name": kind, "config": config}
    module = module_of(name, {**options, "kernel_constraint": entry})
    torchtwin.load_keras_weights(module, layer.get_weights())
    module(torch.zeros(shape))
    put_back(module)
    layer.kernel.assign(constraint(layer.kernel))
    wanted = module_of(name, options)
    torchtwin.load_keras_weights(wanted, layer.get_weights())
    wanted(torch.zeros(shape))
    for a, b in zip(module.parameters(), wanted.parameters(), strict=True):
        np.testing.assert_allclose(a.detach(), b.detach(), rtol=1e-5, atol=1e-6)


def test_penalties_of_outputs() -> None:
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    layer = keras.layers.Dense(5, activation="relu", activity_regularizer="l1")
    layer(x)
    config = {"units": 5, "activation": "relu", "activity_regularizer": "l1"}
    module = module_of("Dense", config)
    torchtwin.load_keras_weights(module, layer.get_weights())
    module(torch.from_numpy(x))
    losses = [loss for part in module.modules() for loss in vars(part).get("losses", [])]
    assert float(sum(losses)) == pytest.approx(float(sum(layer.losses)), rel=1e-5)
    layer = keras.layers.ActivityRegularization(l1=0.1, l2=0.2)
    layer(x)
    module = module_of("ActivityRegularization", {"l1": 0.1, "l2": 0.2})
    module(torch.from_numpy(x))
    assert float(sum(module.losses)) == pytest.approx(float(sum(layer.losses)), rel=1e-5)


UNNAMED = {"threshold", "keras2_hard_sigmoid"}
"""What Keras's configs have, and no name gives: the first needs arguments."""
NAMES = sorted({*ACTIVATIONS, *ALONG_AXIS} - UNNAMED)


@pytest.mark.parametrize("name", NAMES)
def test_activations_by_name(name: str) -> None:
    x = np.random.default_rng(1).normal(size=(5, 8)) * 3
    wanted = np.asarray(keras.activations.get(name)(x))
    made = activation_module(name)
    module = run_source(made) if made is not None else torch.nn.Identity()
    given = torch.from_numpy(x)
    np.testing.assert_allclose(module(given), wanted, rtol=1e-9, atol=1e-9)
    late = run_source(activation_module(Source("name")), name=name)
    np.testing.assert_allclose(late(given), wanted, rtol=1e-9, atol=1e-9)
    function = applied.activation_of(name)
    assert applied.activation_of(applied.activation_name(function)) is not None
    again = applied.activation_of(applied.activation_name(function))
    np.testing.assert_allclose(again(given), wanted, rtol=1e-9, atol=1e-9)


def test_frozen_layers_stay_as_they_are() -> None:
    module = module_of("Dense", {"units": 3, "activation": "relu", "trainable": False})
    assert not any(p.requires_grad for p in module.parameters())
    module(torch.zeros(1, 2))
    assert [p.requires_grad for p in module.parameters()] == [False, False]
    copied = copy.deepcopy(module)
    assert [p.requires_grad for p in copied.parameters()] == [False, False]
