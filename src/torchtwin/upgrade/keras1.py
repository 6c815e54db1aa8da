"""Keras 1's names of classes and arguments, as Keras 2 and 3 call them.

Keras 2 still understood the old names, so they are looked for in files of every version.
"""

from __future__ import annotations

from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.upgrade.context import Context

CLASSES = {
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "AtrousConv1D": "Conv1D",
    "AtrousConv2D": "Conv2D",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose",
    "Deconv2D": "Conv2DTranspose",
    "TimeDistributedDense": "Dense",
}

RECURRENT = frozenset({"LSTM", "GRU", "SimpleRNN", "ConvLSTM2D"})

ANY = {
    "dim_ordering": "data_format",
    "border_mode": "padding",
    "nb_filter": "filters",
    "subsample": "strides",
    "subsample_length": "strides",
    "atrous_rate": "dilation_rate",
    "pool_length": "pool_size",
    "stride": "strides",
    "filter_length": "kernel_size",
    "bias": "use_bias",
    "b_regularizer": "bias_regularizer",
    "b_constraint": "bias_constraint",
    "U_regularizer": "recurrent_regularizer",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
    "beta_init": "beta_initializer",
    "gamma_init": "gamma_initializer",
}

KERNEL = {
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "W_constraint": "kernel_constraint",
}

BY_CLASS = {
    "Dropout": {"p": "rate"},
    "SpatialDropout1D": {"p": "rate"},
    "SpatialDropout2D": {"p": "rate"},
    "SpatialDropout3D": {"p": "rate"},
    "GaussianDropout": {"p": "rate"},
    "AlphaDropout": {"p": "rate"},
    "GaussianNoise": {"sigma": "stddev"},
    "UpSampling1D": {"length": "size"},
    "PReLU": {"init": "alpha_initializer"},
    "Embedding": {
        "init": "embeddings_initializer",
        "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint",
    },
    "SeparableConv2D": {"init": "depthwise_initializer"},
    "Dense": {"output_dim": "units", **KERNEL},
    **{name: {"output_dim": "units", **KERNEL} for name in RECURRENT},
}

ORDERINGS = {"th": "channels_first", "tf": "channels_last"}
DROPPED = ("consume_less", "input_dtype", "nb_row", "nb_col", "weights")


def rename(given: str, cls: str, config: dict[str, Any], context: Context) -> None:
    """Give Keras 1's arguments their later names, in place."""
    if context.major > 2:
        return
    own = BY_CLASS.get(cls, KERNEL)
    for old, new in {**ANY, **own}.items():
        if old in config and new not in config:
            config[new] = config.pop(old)
    if "nb_row" in config:
        config["kernel_size"] = [config["nb_row"], config["nb_col"]]
    if "kernel_dim1" in config:
        config["kernel_size"] = [config.pop(f"kernel_dim{k}") for k in (1, 2, 3)]
    if config.get("data_format") in ORDERINGS:
        config["data_format"] = ORDERINGS[config["data_format"]]
    if config.get("data_format") == "default":
        del config["data_format"]
    _rename_of_class(given, cls, config, context)
    for key in DROPPED:
        config.pop(key, None)


def _rename_of_class(given: str, cls: str, config: dict[str, Any], context: Context) -> None:
    """Rename what only some classes had."""
    if "forget_bias_init" in config:
        config["unit_forget_bias"] = config.pop("forget_bias_init") == "one"
    if given.startswith("Deconv") and "nb_row" in config:
        config.pop("output_shape", None)
    if cls == "SeparableConv2D" and "pointwise_initializer" not in config:
        config["pointwise_initializer"] = config.get("depthwise_initializer")
    if cls == "BatchNormalization" and config.pop("mode", 0) != 0:
        raise UnsupportedError(
            "a BatchNormalization with another mode than 0, which Keras 2 dropped",
            where=context.where,
        )
    if cls == "Embedding":
        config.pop("dropout", None)  # it acted in training only, and Keras 2 dropped it
    else:
        config.pop("input_dim", None)
