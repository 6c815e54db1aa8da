"""Keras's activations as PyTorch expressions, by the names that configs use.

The functions are those of keras.activations; where an older Keras computed something else under
the same name, `upgrade` has given it a name of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.nn.activations import sparse_plus, sparse_sigmoid, sparsemax, squareplus

ACTIVATIONS: Mapping[str, Callable[[Any], Any]] = {
    "linear": lambda x: x,
    "relu": lambda x: call(F.relu, x),
    "sigmoid": lambda x: call(torch.sigmoid, x),
    "tanh": lambda x: call(torch.tanh, x),
    "hard_sigmoid": lambda x: call(F.hardsigmoid, x),  # relu6(x + 3) / 6
    "keras2_hard_sigmoid": lambda x: (0.2 * x + 0.5).clamp(0, 1),
    "elu": lambda x: call(F.elu, x),
    "selu": lambda x: call(F.selu, x),
    "celu": lambda x: call(F.celu, x),
    "gelu": lambda x: call(F.gelu, x),
    "softplus": lambda x: call(F.softplus, x),
    "softsign": lambda x: call(F.softsign, x),
    "silu": lambda x: call(F.silu, x),
    "swish": lambda x: call(F.silu, x),
    "hard_silu": lambda x: call(F.hardswish, x),
    "hard_swish": lambda x: call(F.hardswish, x),
    "exponential": lambda x: call(torch.exp, x),
    "leaky_relu": lambda x: call(F.leaky_relu, x, negative_slope=0.2),
    "relu6": lambda x: call(F.relu6, x),
    "mish": lambda x: call(F.mish, x),
    "log_sigmoid": lambda x: call(F.logsigmoid, x),
    "tanh_shrink": lambda x: call(F.tanhshrink, x),
    "hard_tanh": lambda x: call(F.hardtanh, x),
    "soft_shrink": lambda x: call(F.softshrink, x),
    "hard_shrink": lambda x: call(F.hardshrink, x),
    "threshold": lambda x: call(F.threshold, x, 0.0, 0.0),
    "squareplus": lambda x: call(squareplus, x),
    "sparse_sigmoid": lambda x: call(sparse_sigmoid, x),
    "sparse_plus": lambda x: call(sparse_plus, x),
}
"""Activations that work on each element."""

ALONG_AXIS: Mapping[str, Callable[[Any, int], Any]] = {
    "softmax": lambda x, dim: call(F.softmax, x, dim=dim),
    "log_softmax": lambda x, dim: call(F.log_softmax, x, dim=dim),
    "sparsemax": lambda x, dim: call(sparsemax, x, dim=dim),
    "glu": lambda x, dim: call(F.glu, x, dim=dim),
}
"""Activations along Keras's last axis, which lies at `dim` in PyTorch."""


def activated(activation: Any, x: Expr, dim: int) -> Expr:
    """Return `x` behind a Keras activation, given as a config keeps it.

    `dim` is where Keras's last axis lies. Raises UnsupportedError for an activation that Keras
    does not have, or that is the author's own function.
    """
    if isinstance(activation, Mapping):
        return _configured(activation, x, dim)
    if activation is None:
        return x
    if activation in ACTIVATIONS:
        return cast(Expr, ACTIVATIONS[activation](x))
    if activation in ALONG_AXIS:
        return cast(Expr, ALONG_AXIS[activation](x, dim))
    return _own(str(activation), x, dim)


def _own(activation: str, x: Expr, dim: int) -> Expr:
    """An activation that is a function of the author's: it sees the axes in Keras's order."""
    from torchtwin.rule import own_function

    function = own_function(activation)
    if function is None:
        raise UnsupportedError(
            f"the activation {activation!r} is not one of Keras's",
            hint="give the Python source that defines it: --custom FILE",
        )
    if dim == -1:
        return call(function, x)
    return call(function, x.movedim(dim, -1)).movedim(-1, dim)


def _configured(entry: Mapping[str, Any], x: Expr, dim: int) -> Expr:
    """An activation given as a layer, such as {"class_name": "LeakyReLU", "config": {...}}."""
    from torchtwin.apply import piece_of  # a rule applies activations, and is one here
    from torchtwin.rule import rule_of
    from torchtwin.view import LayerView, Tensor

    name, config = str(entry.get("class_name")), entry.get("config")
    if name == "function" or not isinstance(config, Mapping):
        return activated(str(entry.get("registered_name") or config), x, dim)
    if name == "Softmax" and config.get("axis", -1) in (-1, (-1,), [-1]):
        return activated("softmax", x, dim)
    if name == "Softmax" or rule_of(name).layout != "any":
        raise UnsupportedError(f"{name} as an activation is not translated")
    piece = piece_of(LayerView(name, config, [Tensor(x, (None, None))]))
    if piece.module is not None:
        raise UnsupportedError(f"{name} as an activation is not translated")
    result: Expr = piece.expr
    return result
