"""Activations as modules: what stands behind a layer that has one, and Keras's `Activation`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from torchtwin.activations import ACTIVATIONS, ALONG_AXIS
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, Source, call
from torchtwin.nn.activations import sparse_plus, sparse_sigmoid, sparsemax, squareplus
from torchtwin.nn.applied import Activation, Apply
from torchtwin.nn.frozen import frozen
from torchtwin.nn.penalties import OutputPenalty
from torchtwin.translate.registry import Module, constructor_of
from torchtwin.view import LayerView

MODULES: Mapping[str, Callable[[], Expr]] = {
    "relu": lambda: call(nn.ReLU),
    "sigmoid": lambda: call(nn.Sigmoid),
    "tanh": lambda: call(nn.Tanh),
    "softmax": lambda: call(nn.Softmax, dim=-1),
    "log_softmax": lambda: call(nn.LogSoftmax, dim=-1),
    "hard_sigmoid": lambda: call(nn.Hardsigmoid),
    "elu": lambda: call(nn.ELU),
    "selu": lambda: call(nn.SELU),
    "celu": lambda: call(nn.CELU),
    "gelu": lambda: call(nn.GELU),
    "softplus": lambda: call(nn.Softplus),
    "softsign": lambda: call(nn.Softsign),
    "silu": lambda: call(nn.SiLU),
    "swish": lambda: call(nn.SiLU),
    "hard_silu": lambda: call(nn.Hardswish),
    "hard_swish": lambda: call(nn.Hardswish),
    "exponential": lambda: call(Apply, torch.exp),
    "leaky_relu": lambda: call(nn.LeakyReLU, 0.2),
    "relu6": lambda: call(nn.ReLU6),
    "mish": lambda: call(nn.Mish),
    "log_sigmoid": lambda: call(nn.LogSigmoid),
    "tanh_shrink": lambda: call(nn.Tanhshrink),
    "hard_tanh": lambda: call(nn.Hardtanh),
    "soft_shrink": lambda: call(nn.Softshrink),
    "hard_shrink": lambda: call(nn.Hardshrink),
    "threshold": lambda: call(nn.Threshold, 0.0, 0.0),
    "glu": lambda: call(nn.GLU),
    "sparsemax": lambda: call(Apply, sparsemax),
    "squareplus": lambda: call(Apply, squareplus),
    "sparse_plus": lambda: call(Apply, sparse_plus),
    "sparse_sigmoid": lambda: call(Apply, sparse_sigmoid),
}
"""The module that works as an activation of this name, see `activations`."""

ELSEWHERE = {"exp": "exponential", "hard_swish": "hard_swish", "crelu": ""}
"""Names under which TensorFlow has an activation of Keras."""


def activation_module(activation: Any) -> Expr | None:
    """Return the module of an activation, None for none and for "linear".

    It is given by its name, also a canonical one such as "tf.nn.relu", as an entry of a config,
    as a module, or as a `Source`: then it may be a name, a function or None when the program runs.
    """
    if isinstance(activation, Mapping):
        return _configured(activation)
    if isinstance(activation, Call):
        module = isinstance(activation.function, type)
        return activation if module else call(Apply, activation)
    if isinstance(activation, Source):
        made = activation.text.startswith("nn.") and activation.text.endswith(")")
        return activation if made else call(Activation, activation)
    if activation is None or activation == "linear":
        return None
    if isinstance(activation, str):
        name = activation.rpartition(".")[2]
        name = ELSEWHERE.get(name, name)
        if name in ("linear", "identity") and "." in activation:
            return None
        if name in MODULES and (name in ACTIVATIONS or name in ALONG_AXIS):
            return MODULES[name]()
    raise UnsupportedError(f"the activation {activation!r} is not one of Keras's")


def _configured(entry: Mapping[str, Any]) -> Expr | None:
    """The module of a layer given as {"class_name": "LeakyReLU", "config": {...}}."""
    name, config = str(entry.get("class_name")), entry.get("config")
    if name == "function" or not isinstance(config, Mapping):
        return activation_module(str(entry.get("registered_name") or config))
    rule = constructor_of(name)
    if rule is None:
        raise UnsupportedError(f"{name} as an activation is not translated")
    made = rule(LayerView(name, config, []))
    return None if made is None else module_with_activation(made)


def module_with_activation(module: Module) -> Expr:
    """Return a module with what stands behind it: its activation, the penalty on its output.

    Together they are an nn.Sequential.
    """
    parts = [module.expr, activation_module(module.activation)]
    if module.output_penalty is not None:
        parts.append(call(OutputPenalty, module.output_penalty))
    made = [part for part in parts if part is not None]
    expr = made[0] if len(made) == 1 else call(nn.Sequential, *made)
    return expr if module.trainable is True else call(frozen, expr, module.trainable)
