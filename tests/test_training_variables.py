"""Which variables train: layers frozen inside wrappers; and what Keras 2 says about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tf_keras
import torch
from keras import layers as kl

import torchtwin
from cases import FLOAT32, compare, outputs, randomize, run
from torchtwin.training.constraints import constrain_source
from torchtwin.training.regularizers import penalty_source
from torchtwin.training.variables import weights_of
from variable_layers import function

STILL = {"trainable": False, "kernel_regularizer": "l2", "kernel_constraint": "non_neg"}

WRAPPED = {
    "steps": lambda: kl.TimeDistributed(kl.Dense(3, **STILL)),
    "both ways": lambda: kl.Bidirectional(kl.LSTM(3, **STILL)),
    "one way": lambda: kl.Bidirectional(
        kl.GRU(3, kernel_regularizer="l2"), backward_layer=kl.GRU(3, go_backwards=True, **STILL)
    ),
    "a cell": lambda: kl.RNN(kl.GRUCell(3, **STILL)),
    "one of several": lambda: kl.RNN(
        [kl.GRUCell(3), kl.LSTMCell(2, **STILL), kl.LSTMCell(2, kernel_constraint="non_neg")]
    ),
    "averages": lambda: kl.TimeDistributed(kl.BatchNormalization(trainable=False)),
    "a model": lambda: kl.TimeDistributed(
        keras.Sequential([keras.Input((4,)), kl.Dense(3, **STILL), kl.Dense(2)])
    ),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_layers_frozen_inside_a_wrapper(name: str) -> None:
    given = keras.Input((5, 4))
    model = keras.Model(given, WRAPPED[name]()(given))
    twin = torchtwin.convert(model)
    trained = [p for p in twin.module.parameters() if p.requires_grad]
    wanted = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert sum(p.numel() for p in trained) == wanted
    named = {n for n, p in twin.module.named_parameters() if p.requires_grad}
    assert {w.path for w in weights_of(twin.program) if w.trainable} == named
    penalty, constrain = penalty_source(twin.program), constrain_source(twin.program)
    regularized = [v for v in model.trainable_variables if v.regularizer is not None]
    constrained = [v for v in model.trainable_variables if v.constraint is not None]
    assert (penalty is None) == (not regularized)
    assert (constrain is None) == (not constrained)
    if penalty is not None:
        got = float(function(penalty, "penalty")(twin.module).detach())
        assert got == pytest.approx(float(sum(model.losses)), rel=1e-5)


@pytest.mark.parametrize("make", [
    lambda: kl.Bidirectional(kl.LSTM(3, trainable=False), backward_layer=kl.LSTM(
        3, go_backwards=True)),
    lambda: kl.RNN([kl.GRUCell(4, trainable=False), kl.GRUCell(4)]),
])  # fmt: skip
def test_weights_listed_behind_those_that_train(make: Any, tmp_path: Path) -> None:
    """Live models and HDF5 list a frozen layer's weights last, also inside a wrapper."""
    given = keras.Input((5, 4))
    model = keras.Model(given, make()(given))
    randomize(model)
    x = [np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")]
    for name in ("model.h5", "model.keras"):
        model.save(tmp_path / name)
        compare(run(torchtwin.convert(tmp_path / name), x), outputs(model, x), FLOAT32)
    compare(run(torchtwin.convert(model), x), outputs(model, x), FLOAT32)


def test_what_keras_2_says() -> None:
    tl, tr, tc = tf_keras.layers, tf_keras.regularizers, tf_keras.constraints
    model = tf_keras.Sequential(
        [
            tl.Input((6, 6, 2)),
            tl.Conv2D(3, 3, kernel_regularizer=tr.l2(0.3),
                      kernel_constraint=tc.max_norm(0.4, [0, 1, 2])),
            tl.SeparableConv2D(4, 2, depthwise_regularizer=tr.l1(0.2),
                               pointwise_constraint="non_neg"),
            tl.Reshape((9, 4)),
            tl.LSTM(3, recurrent_regularizer=tr.l1_l2(0.1, 0.2), bias_constraint=tc.unit_norm()),
            tl.Dense(2, kernel_regularizer=tr.OrthogonalRegularizer(0.2, "columns")),
        ]
    )  # fmt: skip
    twin = torchtwin.convert(model)
    penalty, constrain = penalty_source(twin.program), constrain_source(twin.program)
    assert penalty is not None
    assert constrain is not None
    got = float(function(penalty, "penalty")(twin.module).detach())
    assert got == pytest.approx(float(sum(model.losses)), rel=1e-5)
    function(constrain, "constrain")(twin.module)
    for variable in model.trainable_variables:
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable))
    wanted = torchtwin.convert(model).module.state_dict()
    for name, value in twin.module.state_dict().items():
        torch.testing.assert_close(value, wanted[name], rtol=1e-5, atol=1e-7)


def test_an_attention_starts_as_wide_as_the_keras_that_made_it() -> None:
    """Keras 3 came to count the fans of its projections otherwise than Keras 2."""
    widths = []
    for made_by in (keras, tf_keras):
        given = made_by.Input((3, 64))
        layer = made_by.layers.MultiHeadAttention(4, 16, name="attention")
        model = made_by.Model(given, layer(given, given))
        module = torchtwin.convert(model).module
        before = {name: p.detach().abs().max() for name, p in module.named_parameters()}
        module.reset_parameters()
        for name, parameter in module.named_parameters():
            got, wanted = float(parameter.detach().abs().max()), float(before[name])
            assert got == pytest.approx(wanted, rel=5e-3), name
        widths.append(float(before["attention.query.weight"]))
    assert widths[0] > 1.5 * widths[1]
