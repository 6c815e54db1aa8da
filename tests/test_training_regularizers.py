"""The penalties on weights, as the text of train.py computes them, beside Keras's."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras import layers as kl
from keras import regularizers as kr

import torchtwin
from torchtwin.errors import UnsupportedError
from torchtwin.evaluate import evaluate
from torchtwin.expr import Var
from torchtwin.training.regularizers import ARGUMENTS, penalty_source, regularizer_expr
from variable_layers import KINDS, function, model_of


def penalty_of(model: keras.Model) -> torch.Tensor:
    twin = torchtwin.convert(model)
    written = penalty_source(twin.program)
    assert written is not None
    result: torch.Tensor = function(written, "penalty")(twin.module).detach()
    return result


def keras_penalty(model: keras.Model) -> float:
    return float(sum(keras.ops.convert_to_numpy(x) for x in model.losses))


def check(model: keras.Model) -> None:
    got, wanted = penalty_of(model), keras_penalty(model)
    assert got.shape == ()
    assert got.dtype == torch.float64
    assert wanted > 0
    assert float(got) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("name", KINDS)
def test_every_variable_of_every_layer(name: str) -> None:
    kind = KINDS[name]
    own = zip(kind.keys, (kr.L1L2(0.1, 0.3), kr.L2(0.2), kr.L1(0.5)), strict=False)
    check(model_of(kind, **{f"{key}_regularizer": regularizer for key, regularizer in own}))


@pytest.mark.parametrize("mode", ["rows", "columns"])
@pytest.mark.parametrize("name", ["Dense", "Dense behind Flatten", "EinsumDense as Dense",
                                  "Embedding", "LSTM", "GRU", "StackedRNNCells",
                                  "Bidirectional of two", "SimpleRNN with dropout"])  # fmt: skip
def test_orthogonal_matrices(name: str, mode: str) -> None:
    kind = KINDS[name]
    factors = {key: 0.1 + 0.3 * k for k, key in enumerate(kind.keys) if key != "bias"}
    check(model_of(kind, **{
        f"{key}_regularizer": kr.OrthogonalRegularizer(x, mode) for key, x in factors.items()
    }))  # fmt: skip


@pytest.mark.parametrize("name", ["GRU", "Bidirectional GRU", "Bidirectional of two"])
@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_orthogonal_biases_of_a_gru(name: str, mode: str) -> None:
    """Keras has them as one matrix, PyTorch as two vectors."""
    penalty = kr.OrthogonalRegularizer(0.3, mode)
    check(model_of(KINDS[name], bias_regularizer=penalty))


def test_orthogonal_of_what_is_no_matrix_is_refused() -> None:
    for name, key in (("Conv2D", "kernel"), ("Dense", "bias"), ("MultiHeadAttention", "kernel")):
        regularizer = {f"{key}_regularizer": kr.OrthogonalRegularizer()}
        program = torchtwin.convert(model_of(KINDS[name], **regularizer)).program
        with pytest.raises(UnsupportedError, match="not that of a matrix"):
            penalty_source(program)


def stack(*dense: kl.Layer) -> keras.Model:
    keras.config.set_dtype_policy("float64")
    try:
        model = keras.Sequential([keras.Input((4,)), *dense])
    finally:
        keras.config.set_dtype_policy("float32")
    return model


def dense(**arguments: Any) -> kl.Layer:
    return kl.Dense(4, dtype="float64", **arguments)


def test_frozen_layers_and_moving_averages_add_nothing() -> None:
    frozen = dense(kernel_regularizer="l2", trainable=False)
    check(stack(frozen, dense(kernel_regularizer=kr.L2(0.3))))
    assert penalty_source(torchtwin.convert(stack(frozen)).program) is None


def test_a_frozen_model_inside_adds_nothing() -> None:
    inner = keras.Sequential([keras.Input((4,)), dense(kernel_regularizer="l2")])
    check(stack(inner, dense(bias_regularizer="l1", bias_initializer="ones")))
    inner.trainable = False
    assert penalty_source(torchtwin.convert(stack(inner)).program) is None


def test_a_shared_layer_adds_once() -> None:
    given = keras.Input((4,), dtype="float64")
    shared = dense(kernel_regularizer="l2")
    check(keras.Model(given, shared(shared(given))))


def test_what_adds_nothing_is_not_written() -> None:
    for nothing in (None, kr.L1L2(), kr.L2(0.0)):
        program = torchtwin.convert(stack(dense(kernel_regularizer=nothing))).program
        assert penalty_source(program) is None


def test_many_weights_make_one_loop() -> None:
    layers = [dense(kernel_regularizer=kr.L2(0.1)) for _ in range(9)]
    for last, loop in ((dense(kernel_regularizer=kr.L2(0.1)), True), (dense(), False)):
        model = stack(*layers, last)
        check(model)
        written = penalty_source(torchtwin.convert(model).program)
        assert written is not None
        assert ("isinstance(layer, nn.Linear)" in written.source) == loop


def test_single_weight_is_one_expression() -> None:
    model = keras.Sequential([keras.Input((3,)), kl.Dense(2, kernel_regularizer="l1", name="a")])
    written = penalty_source(torchtwin.convert(model).program)
    assert written is not None
    assert "return 0.01 * module.a.weight.abs().sum()" in written.source
    got = function(written, "penalty")(torchtwin.convert(model).module).detach()
    assert float(got) == pytest.approx(keras_penalty(model), rel=1e-6)


def test_regularizers_of_authors_are_refused() -> None:
    @keras.saving.register_keras_serializable("tests")
    class Cubic(kr.Regularizer):
        def __call__(self, x: Any) -> Any:
            return keras.ops.sum(x**3)

        def get_config(self) -> dict[str, Any]:
            return {}

    program = torchtwin.convert(stack(dense(kernel_regularizer=Cubic()))).program
    with pytest.raises(UnsupportedError, match=r"tests>Cubic"):
        penalty_source(program)


@pytest.mark.parametrize("make", [
    lambda: kr.L1(0.2), lambda: kr.L2(0.3), lambda: kr.L1L2(0.1, 0.2),
    lambda: kr.OrthogonalRegularizer(0.5), lambda: kr.OrthogonalRegularizer(0.5, "columns"),
])  # fmt: skip
def test_on_activations(make: Callable[[], Any]) -> None:
    regularizer = make()
    x = np.random.default_rng(0).normal(size=(5, 3))
    expr = regularizer_expr(kr.serialize(regularizer), Var("x"), single=False)
    assert expr is not None
    got = evaluate(expr, {"x": torch.from_numpy(x)}, {})
    wanted = float(regularizer(keras.ops.convert_to_tensor(x)))
    assert float(got) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("name", ["l1", "l2", "L1", "L2"])
def test_by_name(name: str) -> None:
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    got = evaluate(regularizer_expr(name, Var("x")), {"x": torch.from_numpy(x)}, {})
    assert float(got) == pytest.approx(float(kr.get(name)(x)), rel=1e-6)


def test_all_of_keras_regularizers() -> None:
    public = {c.__name__ for _, c in inspect.getmembers(kr, inspect.isclass)}
    assert public - {"Regularizer"} == set(ARGUMENTS)  # the base class cannot be saved
    for name, arguments in ARGUMENTS.items():
        signature = inspect.signature(getattr(kr, name).__init__).parameters
        assert {k: p.default for k, p in signature.items() if k != "self"} == arguments
