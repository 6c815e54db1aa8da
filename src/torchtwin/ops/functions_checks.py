"""Functions that check, print, or ask for the mode of a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Binary, Call, Field, Source, call
from torchtwin.nn.checks import check, finite, in_phase
from torchtwin.ops.functions import named
from torchtwin.ops.registry import expr
from torchtwin.view import Tensor

COMPARISONS = {"equal": "==", "none_equal": "!=", "greater": ">", "greater_equal": ">=",
               "less": "<", "less_equal": "<="}  # fmt: skip
SIGNS = {"positive": ">", "negative": "<", "non_negative": ">=", "non_positive": "<="}
MODE = Source("self.training")
"""The mode of the module whose method asks for it."""


def _said(holds: Any, message: Any) -> Any:
    return call(check, holds, **({} if message is None else {"message": expr(message)}))


def _compared(symbol: str) -> Callable[..., Any]:
    def compared(x: Tensor, y: Tensor, message: Any = None, summarize: Any = None) -> Any:
        del summarize
        return _said(Binary(symbol, x.expr, y.expr), message)

    return compared


def _signed(symbol: str) -> Callable[..., Any]:
    def signed(x: Tensor, message: Any = None, summarize: Any = None) -> Any:
        del summarize
        return _said(Binary(symbol, x.expr, 0), message)

    return signed


for _name, _symbol in COMPARISONS.items():
    named(f"tf.debugging.assert_{_name}")(_compared(_symbol))
    named(f"tf.compat.v1.debugging.assert_{_name}")(_compared(_symbol))
for _name, _symbol in SIGNS.items():
    named(f"tf.debugging.assert_{_name}")(_signed(_symbol))


@named("tf.debugging.Assert")
def assert_(condition: Any, data: Any, summarize: Any = None) -> Any:
    del data, summarize
    return call(check, expr(condition))


@named("tf.debugging.assert_rank")
def assert_rank(x: Tensor, rank: Any, message: Any = None) -> Any:
    return _said(Binary("==", Field(x.expr, "ndim"), expr(rank)), message)


@named("tf.debugging.assert_rank_at_least")
def assert_rank_at_least(x: Tensor, rank: Any, message: Any = None) -> Any:
    return _said(Binary(">=", Field(x.expr, "ndim"), expr(rank)), message)


@named("tf.debugging.assert_all_finite")
def assert_all_finite(x: Tensor, message: Any) -> Any:
    return call(finite, x.expr, expr(message))


@named("tf.debugging.check_numerics")
def check_numerics(tensor: Tensor, message: Any) -> Any:
    return call(finite, tensor.expr, expr(message))


@named("tf.print")
def print_(inputs: Any, end: Any = None, sep: Any = None) -> Any:
    more = {k: expr(v) for k, v in {"end": end, "sep": sep}.items() if v is not None}
    return Call(print, tuple(map(expr, inputs)), more)


@named("tf.executing_eagerly")
def executing_eagerly() -> Any:
    return Source("True", number=True)


@named("keras.backend.learning_phase")
def learning_phase() -> Any:
    return MODE


@named("keras.backend.in_train_phase")
def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    return _in_phase(x, alt, training)


@named("keras.backend.in_test_phase")
def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    return _in_phase(alt, x, training)


def _in_phase(x: Any, otherwise: Any, training: Any) -> Any:
    if any(isinstance(v, Tensor) and v.known for v in (x, otherwise)):
        raise UnsupportedError("K.in_train_phase in a graph is not translated")
    mode = MODE if training is None else expr(training)
    if training in (0, 1):
        mode = bool(training)
    return call(in_phase, mode, expr(x), expr(otherwise))


@named("keras.backend.is_keras_tensor")
def is_keras_tensor(x: Any) -> Any:
    return call(torch.is_tensor, expr(x))


@named("keras.backend.standardize_dtype")
def standardize_dtype(dtype: Any) -> Any:
    if dtype is None:
        return Source('"float32"')
    if isinstance(dtype, str):
        return Source(repr(dtype))
    text = Call(str, (expr(dtype),), {})
    return text.removeprefix("torch.")
