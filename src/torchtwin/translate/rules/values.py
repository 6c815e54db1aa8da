"""Initialisers, regularisers, constraints and activations that a program makes or asks for."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from torchtwin.activations import ACTIVATIONS, ALONG_AXIS
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Source, call
from torchtwin.nn.activations import sparse_plus, sparsemax, squareplus
from torchtwin.nn.applied import activation_name, activation_of, identity
from torchtwin.nn.initial import Filled
from torchtwin.translate.bounds import constraint, penalty
from torchtwin.translate.calls import CallView
from torchtwin.translate.initial import NAMES, initial_function
from torchtwin.translate.registry import translates
from torchtwin.translate.values import arguments_of, signatures
from torchtwin.view import Tensor

KINDS = ("initializers", "regularizers", "constraints", "activations")
PLAIN: dict[Any, Any] = {
    "relu": F.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "elu": F.elu, "selu": F.selu,
    "gelu": F.gelu, "softplus": F.softplus, "softsign": F.softsign, "silu": F.silu,
    "swish": F.silu, "relu6": F.relu6, "mish": F.mish, "celu": F.celu, "exponential": torch.exp,
    "linear": identity, "hard_sigmoid": F.hardsigmoid, "hard_silu": F.hardswish,
    "sparsemax": sparsemax, "squareplus": squareplus, "sparse_plus": sparse_plus, None: identity,
}  # fmt: skip
"""Activations that are a function without further arguments."""
OLD = {
    "tf.random_normal_initializer": ("RandomNormal", ["mean", "stddev", "seed"]),
    "tf.random_uniform_initializer": ("RandomUniform", ["minval", "maxval", "seed"]),
    "tf.zeros_initializer": ("Zeros", []),
    "tf.ones_initializer": ("Ones", []),
    "tf.constant_initializer": ("Constant", ["value"]),
}
"""TensorFlow's own initialisers (tensorflow/python/ops/init_ops_v2.py)."""


def entry(view: CallView, name: str, order: list[str]) -> dict[str, Any]:
    """Return what a call makes as an entry of a config."""
    places = [key for key in order if key != "**"]
    if len(view.args) > len(places):
        raise UnsupportedError(f"{view.name} takes {len(places)} arguments")
    config = {**dict(zip(places, view.args, strict=False)), **view.kwargs}
    return {"class_name": name, "config": {k: v for k, v in config.items() if k != "name"}}


def names_of(kind: str) -> list[str]:
    return [f"keras.{kind}.{name}" for name in signatures()[kind]]


FUNCTIONS = sorted({f"keras.initializers.{n}" for n in (
    "zeros", "ones", "constant", "uniform", "normal", "random_uniform", "random_normal",
    "truncated_normal", "identity", "orthogonal", "glorot_uniform", "glorot_normal", "he_uniform",
    "he_normal", "lecun_uniform", "lecun_normal", "variance_scaling", "zero", "one")}
    - set(names_of("initializers")))  # fmt: skip


@translates(*names_of("initializers"), *FUNCTIONS)
def initializer(view: CallView) -> Any:
    last = view.name.rpartition(".")[2]
    name = NAMES.get(last.replace("_", "").lower(), last)
    order = arguments_of("initializers", name) or []
    return as_value(initial_function(entry(view, name, order)))


@translates(*OLD)
def old_initializer(view: CallView) -> Any:
    return as_value(initial_function(entry(view, *OLD[view.name])))


def as_value(made: Any) -> Any:
    """Return an initialiser that a program may call with `shape=...`, as Keras's can be."""
    if made in (torch.zeros, torch.ones):
        return call(Filled, 0.0 if made is torch.zeros else 1.0)
    return made


@translates(*names_of("regularizers"))
def regularizer(view: CallView) -> Any:
    last = view.name.rpartition(".")[2]
    return penalty(entry(view, last, arguments_of("regularizers", last) or []))


@translates(*names_of("constraints"))
def constraint_(view: CallView) -> Any:
    last = view.name.rpartition(".")[2]
    return constraint(entry(view, last, arguments_of("constraints", last) or []))


@translates(*(f"keras.{kind}.{name}" for kind in KINDS for name in ("get", "deserialize")))
def get(view: CallView) -> Any:
    """A name, a function, an entry of a config, or None: known now or when the program runs."""
    given = view.args[0] if view.args else next(iter(view.kwargs.values()), None)
    match view.name.split(".")[1]:
        case "initializers":
            return Source("None") if given is None else as_value(initial_function(given))
        case "regularizers":
            return Source("None") if given is None else penalty(given)
        case "constraints":
            return Source("None") if given is None else constraint(given)
    if isinstance(given, Expr | Tensor):
        return call(activation_of, given)
    name = given.get("config") if isinstance(given, dict) else given
    if name not in PLAIN and name not in ACTIVATIONS and name not in ALONG_AXIS:
        raise UnsupportedError(f"the activation {given!r} is not one of Keras's")
    return PLAIN.get(name) or call(activation_of, name)


@translates("keras.activations.serialize")
def activation_serialized(view: CallView) -> Any:
    (given,) = view.bound("activation")
    return call(activation_name, given)


@translates(
    "keras.initializers.serialize", "keras.regularizers.serialize", "keras.constraints.serialize"
)
def serialized(view: CallView) -> Any:
    """What a config holds of an object is the object itself here: `get` takes that too."""
    return view.args[0] if view.args else next(iter(view.kwargs.values()))
