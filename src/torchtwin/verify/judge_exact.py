"""Lets TensorFlow compute in float64 where it takes a way over float32.

Only so do the judge's figures in float64 tell rounding from error.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np


def compute_exactly() -> None:
    """Replace the functions of TensorFlow that Keras gives Python's numbers to.

    `tf.cast` makes float32 of them on the way: Adam's 1 - 0.999 is then wrong in the fifth digit,
    and the root of 2 in gelu in the eighth. `tf.nn.leaky_relu` keeps its slope in float32.
    """
    inside: Any = importlib.import_module("tensorflow.python.ops.math_ops")
    inside.cast = exact_cast(importlib.import_module("tensorflow"), inside.cast)
    for name in ("tensorflow", "tensorflow.compat.v2"):
        tf: Any = importlib.import_module(name)
        tf.cast = inside.cast
        tf.nn.leaky_relu = exact_leaky_relu(tf, tf.nn.leaky_relu)


def exact_cast(tf: Any, cast: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(cast)
    def wrapper(x: Any, dtype: Any, name: str | None = None) -> Any:
        if isinstance(x, float) and tf.as_dtype(dtype) == tf.float64:
            return tf.constant(x, tf.float64)
        return cast(x, dtype, name=name)

    return wrapper


def exact_leaky_relu(tf: Any, leaky_relu: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(leaky_relu)
    def wrapper(features: Any, alpha: Any = 0.2, name: str | None = None) -> Any:
        if getattr(features, "dtype", None) == tf.float64:
            return tf.where(features > 0, features, features * tf.constant(alpha, tf.float64))
        return leaky_relu(features, alpha, name=name)

    return wrapper


def exact_constants(layer: Any) -> None:
    """Let a Normalization have the mean and variance of its config, which were in float32 once."""
    if getattr(layer, "input_mean", None) is None or layer.compute_dtype != "float64":
        return
    for name in ("mean", "variance"):
        given = np.asarray(getattr(layer, f"input_{name}"), "float64")
        held = getattr(layer, name)
        if given.ndim == 0 or given.size == math.prod(held.shape):
            exact = np.broadcast_to(given.reshape(held.shape if given.ndim else ()), held.shape)
            setattr(layer, name, exact)


def hold_exactly(optimizer: Any) -> None:
    """Let an optimizer before TensorFlow 2.11 hold its numbers in float64, not in float32."""
    tf = importlib.import_module("tensorflow")
    for name, value in optimizer._hyper.items():
        if isinstance(value, float | int):
            optimizer._hyper[name] = tf.constant(float(value), tf.float64)
