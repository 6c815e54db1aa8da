"""Whole models: shapes of graphs that single layers do not show, in numbers against Keras."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tf_keras
import torch
from keras import layers as kl

import torchtwin
from cases import FLOAT32, compare, outputs, randomize, run


def agree(model: keras.Model, given: list[np.ndarray]) -> torchtwin.Twin:
    """Compare a model with its twin in both layouts; return the twin in Keras's."""
    randomize(model)
    wanted = outputs(model, given)
    for layout in ("torch", "keras"):
        twin = torchtwin.convert(model, layout=layout)
        compare(run(twin, given), wanted, FLOAT32)
    return twin


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype("float32")


def test_shared_layer_is_one_module_called_twice() -> None:
    a, b = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    shared = kl.Dense(3, activation="relu", name="shared")
    model = keras.Model([a, b], kl.Concatenate()([shared(a), shared(b)]))
    twin = agree(model, [normal(2, 4), normal(2, 4) * 2])
    assert twin.source.count("nn.Linear(") == 1
    assert twin.source.count("self.shared(") == 2


def test_a_free_length_beside_a_known_one() -> None:
    a, b = keras.Input((None, 4)), keras.Input((6, 4))
    both = kl.Add()([a, b])
    agree(
        keras.Model([a, b], [kl.Flatten()(both), kl.Concatenate()([b, a])]), [normal(2, 6, 4)] * 2
    )


def nested(inner: keras.Model) -> keras.Model:
    x = keras.Input((4,))
    y = inner(kl.Dense(4)(x))
    return keras.Model(x, kl.Dense(2)(inner(y)))


def test_nested_functional_model_called_twice() -> None:
    i = keras.Input((4,))
    inner = keras.Model(i, kl.Dense(4, activation="tanh")(i), name="inner")
    twin = agree(nested(inner), [normal(3, 4)])
    assert "class Inner(nn.Module)" in twin.source
    assert twin.source.count("self.inner(") == 2


def test_nested_sequential_model() -> None:
    inner = keras.Sequential([keras.Input((4,)), kl.Dense(4), kl.Dense(4)], name="inner")
    agree(nested(inner), [normal(3, 4)])


def test_sequential_that_begins_with_a_model() -> None:
    i = keras.Input((4,))
    inner = keras.Model(i, kl.Dense(5)(i), name="encoder")
    model = keras.Sequential([inner, kl.Dense(2)])
    model.build((None, 4))
    agree(model, [normal(3, 4)])


def test_models_nested_in_nested_models() -> None:
    i = keras.Input((4,))
    innermost = keras.Model(i, kl.Dense(4, name="same")(i), name="innermost")
    j = keras.Input((4,))
    middle = keras.Model(j, kl.Dense(4, name="same")(innermost(j)), name="middle")
    agree(nested(middle), [normal(2, 4)])


def test_nested_model_with_several_inputs_and_outputs() -> None:
    i, j = keras.Input((4,)), keras.Input((3,))
    inner = keras.Model([i, j], [kl.Dense(2)(i), kl.Concatenate()([i, j])], name="inner")
    a, b = keras.Input((4,)), keras.Input((3,))
    first, second = inner([a, b])
    agree(keras.Model([a, b], [kl.Dense(2)(second), first]), [normal(2, 4), normal(2, 3)])


def test_dict_outputs_come_in_the_order_of_model_outputs() -> None:
    x = keras.Input((4,))
    model = keras.Model(x, {"z": kl.Dense(2)(x), "a": kl.Dense(3)(x)})
    twin = agree(model, [normal(2, 4)])
    assert [o.shape[1] for o in twin.program.outputs] == [3, 2]


def test_dict_inputs_come_in_the_order_of_model_inputs() -> None:
    inputs = {"z": keras.Input((4,), name="z"), "a": keras.Input((3,), name="a")}
    model = keras.Model(inputs, kl.Concatenate()([inputs["z"], inputs["a"]]))
    given = {"z": normal(2, 4), "a": normal(2, 3)}
    twin = torchtwin.convert(model)
    assert [a.name for a in twin.program.inputs] == ["a", "z"]
    wanted = [keras.ops.convert_to_numpy(model(given))]
    compare(run(twin, [given["a"], given["z"]]), wanted, FLOAT32)


def test_an_output_that_is_an_input_or_used_on_the_way() -> None:
    x = keras.Input((4,))
    y = kl.Dense(3, activation="relu")(x)
    agree(keras.Model(x, [y, x, kl.Dense(2)(y)]), [normal(2, 4)])


def test_layer_that_no_output_needs_is_left_out() -> None:
    x = keras.Input((4,))
    kl.Dense(3, name="unused")(x)
    twin = agree(keras.Model(x, kl.Dense(2)(x)), [normal(2, 4)])
    assert "unused" not in twin.source


def test_integer_inputs_stay_integers() -> None:
    x = keras.Input((5,), dtype="int32")
    y = kl.Flatten()(kl.Embedding(9, 3)(x))
    twin = agree(keras.Model(x, y), [np.array([[1, 2, 3, 8, 0]], dtype="int32")])
    assert ".long()" not in twin.source


@pytest.mark.parametrize(
    "name", ["class", "train", "training", "1st", "x", "self", "é", "forward", "a@b", "@0:0"]
)
def test_names_that_are_no_identifiers(name: str) -> None:
    x = keras.Input((4,), name="given")
    agree(keras.Model(x, kl.Dense(2, name=name)(x), name=name), [normal(2, 4)])


def test_names_of_the_functions_that_a_body_calls() -> None:
    x = keras.Input((6, 6, 2), name="resize")
    y = kl.Resizing(4, 4, interpolation="bicubic", name="resize_2")(x)
    z = kl.Resizing(3, 3, interpolation="bicubic", name="same_max_pool")(x)
    y = kl.MaxPooling2D(2, 1, padding="same")(kl.Add(name="hard_sigmoid")([y, y]))
    agree(keras.Model(x, [y, z]), [normal(2, 6, 6, 2)])


def test_names_that_become_equal() -> None:
    x = keras.Input((4,))
    y = kl.Dense(4, name="my-layer")(x)
    agree(
        keras.Model(x, kl.Dense(4, name="my_layer")(kl.Dense(4, name="myLayer")(y))), [normal(2, 4)]
    )


def test_frozen_layers_are_frozen() -> None:
    model = keras.Sequential([keras.Input((4,)), kl.Dense(3, trainable=False), kl.Dense(2)])
    module = agree(model, [normal(2, 4)]).module
    assert [p.requires_grad for p in module.parameters()] == [False, False, True, True]


def test_keras_3_trains_what_it_wrote_down_as_not_training() -> None:
    x = keras.Input((8,))
    y = kl.BatchNormalization(name="norm")(kl.Dropout(0.5, name="thin")(x))
    model = keras.Model(x, y)
    written = model.get_config()["layers"][1]["inbound_nodes"][0]["kwargs"]
    assert written["training"] is False
    module = torchtwin.convert(model).module.train()
    given = torch.ones(64, 8)
    before = module.norm.running_mean.clone()
    assert not torch.equal(module(given), module(given))
    assert not torch.equal(module.norm.running_mean, before)


def test_nested_model_called_in_inference_mode_stays_in_it(tmp_path: Path) -> None:
    """In Keras 2 `base(x, training=False)` is how people fine-tune: statistics do not move."""
    kl2 = tf_keras.layers
    i = tf_keras.Input((4,))
    base = tf_keras.Model(i, kl2.Dropout(0.5)(kl2.BatchNormalization(name="norm")(i)), name="base")
    x = tf_keras.Input((4,))
    model = tf_keras.Model(x, kl2.Dense(2)(base(x, training=False)))
    model.save(tmp_path / "model.h5")
    module = torchtwin.convert(tmp_path / "model.h5").module.train()
    given = torch.randn(8, 4)
    before = module.base.norm.running_mean.clone()
    assert torch.equal(module(given), module(given))
    assert torch.equal(module.base.norm.running_mean, before)


def test_second_call_of_a_sequential_in_an_architecture_without_a_version(tmp_path: Path) -> None:
    inner = keras.Sequential([keras.Input((4,)), kl.Dense(4, activation="tanh")], name="inner")
    x = keras.Input((4,))
    model = keras.Model(x, inner(inner(x)))
    randomize(model)
    (tmp_path / "m.json").write_text(model.to_json())
    model.save_weights(tmp_path / "m.weights.h5")
    twin = torchtwin.convert(tmp_path / "m.json", weights=tmp_path / "m.weights.h5")
    compare(run(twin, [normal(2, 4)]), outputs(model, [normal(2, 4)]), FLOAT32)


def test_attention_of_the_last_keras_2(tmp_path: Path) -> None:
    """Its config has `softmax_robust_masking`, which Keras 3 does not know."""
    x = tf_keras.Input((5, 8))
    attention = tf_keras.layers.MultiHeadAttention(2, 3)
    model = tf_keras.Model(x, attention(x, x))
    model.save(tmp_path / "model.keras")
    given = normal(2, 5, 8)
    twin = torchtwin.convert(tmp_path / "model.keras")
    compare(run(twin, [given]), [model(given).numpy()], FLOAT32)
