"""What every version of Keras wrote for a layer, and what its rule sees of it."""

from __future__ import annotations

from typing import Any

import pytest

from upgrade_support import entry, layer

KERAS_1 = [
    (
        entry("Dense", output_dim=3, init="glorot_uniform", bias=True, activation="relu",
              W_regularizer={"name": "WeightRegularizer", "l1": 0.0, "l2": 0.01},
              b_constraint={"name": "MaxNorm", "m": 2, "axis": 0}, input_dim=7),
        {"class_name": "Dense", "units": 3, "use_bias": True, "activation": "relu",
         "kernel_initializer": {"class_name": "GlorotUniform", "config": {}},
         "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.01}},
         "bias_constraint": {"class_name": "MaxNorm", "config": {"max_value": 2, "axis": 0}}},
    ),
    (
        entry("Convolution2D", nb_filter=8, nb_row=3, nb_col=5, subsample=[2, 1],
              border_mode="same", dim_ordering="th"),
        {"class_name": "Conv2D", "filters": 8, "kernel_size": [3, 5], "strides": [2, 1],
         "padding": "same", "data_format": "channels_first"},
    ),
    (
        entry("Convolution1D", nb_filter=8, filter_length=3, subsample_length=2),
        {"class_name": "Conv1D", "filters": 8, "kernel_size": [3], "strides": [2]},
    ),
    (
        entry("AtrousConvolution2D", nb_filter=8, nb_row=3, nb_col=3, atrous_rate=[2, 2]),
        {"class_name": "Conv2D", "filters": 8, "kernel_size": [3, 3], "dilation_rate": [2, 2]},
    ),
    (
        entry("Convolution3D", nb_filter=8, kernel_dim1=1, kernel_dim2=2, kernel_dim3=3),
        {"class_name": "Conv3D", "filters": 8, "kernel_size": [1, 2, 3]},
    ),
    (
        entry("Deconvolution2D", nb_filter=8, nb_row=3, nb_col=3, output_shape=[None, 8, 8, 8]),
        {"class_name": "Conv2DTranspose", "filters": 8, "kernel_size": [3, 3]},
    ),
    (
        entry("SeparableConvolution2D", nb_filter=8, nb_row=3, nb_col=3, init="he_normal"),
        {"class_name": "SeparableConv2D", "filters": 8, "kernel_size": [3, 3],
         "depthwise_initializer": {"class_name": "HeNormal", "config": {}},
         "pointwise_initializer": {"class_name": "HeNormal", "config": {}}},
    ),
    (
        entry("LSTM", output_dim=3, inner_activation="hard_sigmoid", inner_init="orthogonal",
              forget_bias_init="one", dropout_W=0.1, dropout_U=0.2, consume_less="gpu",
              U_regularizer=None),
        {"class_name": "LSTM", "units": 3, "recurrent_activation": "keras2_hard_sigmoid",
         "recurrent_initializer": {"class_name": "Orthogonal", "config": {}},
         "unit_forget_bias": True, "dropout": 0.1, "recurrent_dropout": 0.2,
         "recurrent_regularizer": None},
    ),
    (
        entry("BatchNormalization", mode=0, epsilon=1e-5, gamma_init="one", axis=1),
        {"class_name": "BatchNormalization", "epsilon": 1e-5, "axis": 1,
         "gamma_initializer": {"class_name": "Ones", "config": {}}},
    ),
    (entry("Dropout", p=0.3), {"class_name": "Dropout", "rate": 0.3}),
    (entry("GaussianNoise", sigma=0.3), {"class_name": "GaussianNoise", "stddev": 0.3}),
    (entry("UpSampling1D", length=3), {"class_name": "UpSampling1D", "size": 3}),
    (
        entry("MaxPooling1D", pool_length=3, stride=None, border_mode="valid"),
        {"class_name": "MaxPooling1D", "pool_size": [3], "strides": [3], "padding": "valid"},
    ),
    (
        entry("ZeroPadding2D", padding=[1, 2]),
        {"class_name": "ZeroPadding2D", "padding": [[1, 1], [2, 2]]},
    ),
    (
        entry("ZeroPadding2D", padding={"top_pad": 1, "right_pad": 2}),
        {"class_name": "ZeroPadding2D", "padding": [[1, 0], [0, 2]]},
    ),
    (
        entry("ZeroPadding2D", padding=[1, 2, 3, 4]),
        {"class_name": "ZeroPadding2D", "padding": [[1, 2], [3, 4]]},
    ),
    (
        entry("Embedding", output_dim=5, init="uniform", dropout=0.2, W_constraint=None),
        {"class_name": "Embedding", "output_dim": 5, "embeddings_constraint": None,
         "embeddings_initializer": {"class_name": "RandomUniform", "config": {}}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "wanted"), KERAS_1, ids=lambda c: str(c.get("class_name")))
def test_keras_1(given: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert layer(given, "1.2.2") == wanted


ZEROS = {"class_name": "Zeros", "config": {}}
POLICY = {"class_name": "DTypePolicy", "module": "keras", "config": {"name": "mixed_float16"},
          "registered_name": None, "shared_object_id": 4}  # fmt: skip

KERAS_2 = [
    (entry("LeakyReLU", alpha=0.3), {"class_name": "LeakyReLU", "negative_slope": 0.3}),
    (
        entry("LeakyReLU", alpha={"type": "ndarray", "value": 0.25}),
        {"class_name": "LeakyReLU", "negative_slope": 0.25},
    ),
    (entry("ELU", alpha=0.5), {"class_name": "ELU", "alpha": 0.5}),
    (entry("BatchNormalizationV1", axis=[3]), {"class_name": "BatchNormalization", "axis": 3}),
    (
        entry("BatchNormalization", axis=-1, renorm=False, fused=True, virtual_batch_size=None),
        {"class_name": "BatchNormalization", "axis": -1},
    ),
    (
        entry("BatchNormalization", renorm=True, renorm_momentum=0.9),
        {"class_name": "BatchNormalization", "renorm": True, "renorm_momentum": 0.9},
    ),
    (entry("Normalization", axis=-1), {"class_name": "Normalization", "axis": [-1]}),
    (entry("MaxPool2D", pool_size=2), {"class_name": "MaxPooling2D", "pool_size": [2, 2]}),
    (
        entry("Conv2DTranspose", groups=1, bias_initializer={
            "class_name": "Zeros", "config": {"dtype": "float32"}}),
        {"class_name": "Conv2DTranspose", "bias_initializer": ZEROS},
    ),
    (entry("Conv2D", groups=2), {"class_name": "Conv2D", "groups": 2}),
    (entry("GroupNormalization", groups=1), {"class_name": "GroupNormalization", "groups": 1}),
    (
        entry("Embedding", input_dim=9, input_length=4, dtype="float32"),
        {"class_name": "Embedding", "input_dim": 9, "dtype": "float32"},
    ),
    (
        entry("Dense", dtype={"class_name": "Policy", "config": {"name": "mixed_float16"}}),
        {"class_name": "Dense", "dtype": "mixed_float16"},
    ),
    (
        entry("Reshape", target_shape={"class_name": "__tuple__", "items": [2, 2]}),
        {"class_name": "Reshape", "target_shape": [2, 2]},
    ),
    (
        entry("MultiHeadAttention", key_dim=2, query_shape={
            "class_name": "TensorShape", "items": [None, 6, 8]}),
        {"class_name": "MultiHeadAttention", "key_dim": 2},
    ),
    (
        entry("Conv2D", kernel_initializer={"class_name": "VarianceScaling", "config": {
            "scale": 1.0, "mode": "fan_avg", "distribution": "normal", "seed": None}}),
        {"class_name": "Conv2D", "kernel_initializer": {"class_name": "VarianceScaling", "config": {
            "scale": 1.0, "mode": "fan_avg", "distribution": "truncated_normal", "seed": None}}},
    ),
    (
        entry("Dense", kernel_regularizer={"class_name": "Custom>Mine", "config": {"a": 1}}),
        {"class_name": "Dense", "kernel_regularizer": {
            "class_name": "Custom>Mine", "config": {"a": 1}}},
    ),
    (
        entry("CuDNNLSTM", units=3, bias_initializer="zeros"),
        {"class_name": "LSTM", "units": 3, "bias_initializer": ZEROS, "activation": "tanh",
         "recurrent_activation": "sigmoid"},
    ),
    (
        entry("CuDNNGRU", units=3),
        {"class_name": "GRU", "units": 3, "activation": "tanh", "reset_after": True,
         "recurrent_activation": "sigmoid"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "wanted"), KERAS_2, ids=lambda c: str(c.get("class_name")))
def test_keras_2(given: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert layer(given) == wanted


@pytest.mark.parametrize("version", ["2.1.2", "3.5.0"])
def test_dtype_policy_and_marks_of_serialisation(version: str) -> None:
    given = entry("Dense", dtype=POLICY, kernel_initializer={
        "module": "keras.initializers", "class_name": "OrthogonalInitializer",
        "config": {"gain": 1.0}, "registered_name": None, "shared_object_id": 3})  # fmt: skip
    given |= {"module": "keras.layers", "registered_name": None, "build_config": {"a": 1}}
    assert layer(given, version) == {
        "class_name": "Dense",
        "dtype": "mixed_float16",
        "kernel_initializer": {"class_name": "Orthogonal", "config": {"gain": 1.0}},
    }


QUANTIZED = {"class_name": "QuantizedDTypePolicy", "module": "keras",
             "config": {"mode": "int8", "source_name": "float32"}}  # fmt: skip


def test_quantized_policy_stays_a_dict() -> None:
    assert layer(entry("Dense", dtype=QUANTIZED), "3.5.0")["dtype"] == {
        "class_name": "QuantizedDTypePolicy",
        "config": {"mode": "int8", "source_name": "float32"},
    }


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("1.2.2", "keras2_hard_sigmoid"),
        ("2.15.0", "keras2_hard_sigmoid"),
        ("3.0.0", "hard_sigmoid"),
    ],
)
def test_hard_sigmoid_is_of_its_version(version: str, wanted: str) -> None:
    assert layer(entry("Activation", activation="hard_sigmoid"), version)["activation"] == wanted
    given = entry("GRU", recurrent_activation="hard_sigmoid")
    assert layer(given, version)["recurrent_activation"] == wanted


@pytest.mark.parametrize(("version", "wanted"), [("2.1.5", {"reset_after": False}), ("3.4.0", {})])
def test_gru_without_reset_after(version: str, wanted: dict[str, Any]) -> None:
    given = entry("GRU", recurrent_activation="sigmoid")
    result = layer(given, version)
    assert {k: v for k, v in result.items() if k == "reset_after"} == wanted


def test_time_major_is_dropped_only_when_off() -> None:
    given = {"recurrent_activation": "sigmoid", "implementation": 2, "units": 1}
    assert "time_major" not in layer(entry("LSTM", time_major=False, **given))
    kept = layer(entry("LSTM", time_major=True, **given))
    assert kept["time_major"] is True
    assert "implementation" not in kept


def function(name: str, module: str = "builtins", registered: str = "function") -> dict[str, Any]:
    return {
        "class_name": "function", "config": name, "module": module, "registered_name": registered,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("swish", "silu"),
        (None, "linear"),
        (function("relu"), "relu"),
        (function("swish", "keras.activations", "swish"), "silu"),
        (
            function("mine", registered="Custom>mine"),
            {"class_name": "function", "config": "mine", "registered_name": "Custom>mine",
             "module": "builtins"},
        ),
        (
            function("system", "os"),
            {"class_name": "function", "config": "system", "module": "os",
             "registered_name": "function"},
        ),
        (
            entry("LeakyReLU", alpha=0.1, trainable=True, dtype="float32"),
            {"class_name": "LeakyReLU", "config": {
                "name": "x", "negative_slope": 0.1, "trainable": True, "dtype": "float32"}},
        ),
    ],
    ids=str,
)  # fmt: skip
def test_activations(given: Any, wanted: Any) -> None:
    assert layer(entry("Dense", activation=given))["activation"] == wanted
