"""Constraints, as the text of train.py applies them, beside Keras's."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import pytest
import torch
from keras import constraints as kc
from keras import layers as kl

import torchtwin
from torchtwin.errors import UnsupportedError
from torchtwin.training.constraints import ARGUMENTS, constrain_source
from variable_layers import KINDS, every, function, model_of

SOFT = {"min_value": 0.4, "max_value": 0.9, "rate": 0.7}


def check(model: keras.Model) -> str:
    """Constrain a twin, and the Keras model that its weights come from; compare the two."""
    twin = torchtwin.convert(model)
    module = twin.module
    before = {name: value.clone() for name, value in module.state_dict().items()}
    written = constrain_source(twin.program)
    assert written is not None
    function(written, "constrain")(module)
    changed = False
    for variable in model.trainable_variables:
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable))
            changed = True
    assert changed
    wanted = {t.name: torch.from_numpy(t.read().copy()) for t in twin.tensors()}  # read again now
    got = module.state_dict()
    assert list(got) == list(wanted)
    for name, value in got.items():
        assert value.shape == wanted[name].shape
        assert value.dtype == wanted[name].dtype
        torch.testing.assert_close(value, wanted[name], rtol=1e-12, atol=1e-12)
    assert any(not torch.equal(value, before[name]) for name, value in got.items())
    return written.source


@pytest.mark.parametrize("name", KINDS)
def test_every_variable_of_every_layer(name: str) -> None:
    kind = KINDS[name]
    soft = every(kind, "constraint", lambda: kc.MinMaxNorm(**SOFT))
    check(model_of(kind, **soft))


@pytest.mark.parametrize("name", ["LSTM", "StackedRNNCells", "Bidirectional of two", "PReLU"])
def test_last_axes_and_signs(name: str) -> None:
    kind = KINDS[name]
    check(model_of(kind, **every(kind, "constraint", lambda: kc.UnitNorm(axis=-1))))
    check(model_of(kind, **every(kind, "constraint", kc.NonNeg)))


AXES: dict[str, list[Any]] = {
    "Conv2D": [2, [0, 1, 2], [3, 1], None],
    "Conv2DTranspose": [[0, 1, 2], -2],
    "DepthwiseConv2D": [2, [0, 1], [0, 1, 2], [0, 1, 3]],
    "DepthwiseConv1D": [2, [0, 2]],
    "SeparableConv2D": [2, [0, 1, 2]],
    "Dense behind Flatten": [None],
    "EinsumDense": [1, [0, 2]],
    "ConvLSTM2D": [1, [0, 1, 2]],
    "Conv3D": [[4, 0]],
}


@pytest.mark.parametrize(("name", "axis"), [(n, a) for n, axes in AXES.items() for a in axes])
def test_axes_of_kernels(name: str, axis: Any) -> None:
    kind = KINDS[name]
    keys = [key for key in kind.keys if key != "bias"]
    check(model_of(kind, **{f"{key}_constraint": kc.MaxNorm(0.7, axis) for key in keys}))


@pytest.mark.parametrize("axis", [0, 1, [0, 2], [1, 2]])
def test_axes_of_an_attention(axis: Any) -> None:
    check(model_of(KINDS["MultiHeadAttention"], kernel_constraint=kc.MaxNorm(0.5, axis)))


@pytest.mark.parametrize("axis", [0, 1, [0, 1], None])
@pytest.mark.parametrize("name", ["GRU", "Bidirectional GRU", "Bidirectional of two"])
def test_two_biases_of_a_gru(name: str, axis: Any) -> None:
    check(model_of(KINDS[name], bias_constraint=kc.MaxNorm(0.5, axis)))


@pytest.mark.parametrize("axis", [0, [0, 1], [1, 2]])
@pytest.mark.parametrize("name", ["PReLU of images", "PReLU of channels"])
def test_slopes(name: str, axis: Any) -> None:
    """Along axes of length one alone, a number is a vector of its own."""
    check(model_of(KINDS[name], alpha_constraint=kc.MaxNorm(0.5, axis)))


@pytest.mark.parametrize("make", [
    kc.MaxNorm, lambda: kc.MaxNorm(0.7), kc.UnitNorm, lambda: kc.UnitNorm(1), kc.NonNeg,
    kc.MinMaxNorm, lambda: kc.MinMaxNorm(0.5, 0.8), lambda: kc.MinMaxNorm(**SOFT, axis=1),
])  # fmt: skip
def test_every_constraint(make: Any) -> None:
    for name in ("Dense", "Conv2D", "Embedding"):
        key = KINDS[name].keys[0]
        model = model_of(KINDS[name], **{f"{key}_constraint": make()})
        for variable in model.variables:
            variable.assign(variable * 4.0)  # so that the widest bound is met
        check(model)


def dense(**arguments: Any) -> kl.Layer:
    return kl.Dense(4, dtype="float64", **arguments)


def stack(*layers: kl.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((4,), dtype="float64"), *layers])


def test_frozen_layers_stay() -> None:
    frozen = dense(kernel_constraint=kc.UnitNorm(), trainable=False)
    check(stack(frozen, dense(kernel_constraint=kc.UnitNorm())))
    assert constrain_source(torchtwin.convert(stack(frozen)).program) is None


def test_the_base_class_changes_nothing() -> None:
    model = stack(dense(kernel_constraint=kc.Constraint()))
    assert constrain_source(torchtwin.convert(model).program) is None


def test_many_weights_make_one_loop() -> None:
    source = check(stack(*[dense(kernel_constraint=kc.UnitNorm()) for _ in range(9)]))
    assert source.count("unit_norm_(") == 1
    assert "isinstance(layer, nn.Linear)" in source
    source = check(stack(*[dense(kernel_constraint=kc.UnitNorm()) for _ in range(3)]))
    assert source.count("unit_norm_(") == 1


def test_constraints_of_authors_are_refused() -> None:
    @keras.saving.register_keras_serializable("tests")
    class Even(kc.Constraint):
        def __call__(self, w: Any) -> Any:
            return w

    program = torchtwin.convert(stack(dense(bias_constraint=Even()))).program
    with pytest.raises(UnsupportedError, match=r"tests>Even.*bias"):
        constrain_source(program)


def test_an_axis_that_is_not_there_is_refused() -> None:
    program = torchtwin.convert(stack(dense(bias_constraint=kc.MaxNorm(1.0, 1)))).program
    with pytest.raises(UnsupportedError, match="axis 1 of bias"):
        constrain_source(program)


def test_all_of_keras_constraints() -> None:
    public = {c.__name__ for _, c in inspect.getmembers(kc, inspect.isclass)}
    assert public == set(ARGUMENTS)
    for name, arguments in ARGUMENTS.items():
        signature = inspect.signature(getattr(kc, name).__init__).parameters
        own = {k: p.default for k, p in signature.items() if k not in ("self", "args", "kwargs")}
        assert own == arguments
