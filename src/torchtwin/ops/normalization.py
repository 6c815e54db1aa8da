"""Normalization, and attention."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch.nn.functional as F

from torchtwin.expr import Field, call
from torchtwin.nn.normalize import attend, normalize_axes, normalize_by
from torchtwin.ops.registry import expr, op
from torchtwin.ops.values import is_whole, static, tensor
from torchtwin.rule import Case
from torchtwin.view import Tensor

EPSILON = 1e-7
"""keras.config.epsilon()"""
STEPS = np.arange(1, 5) / 4


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _optional(value: Any) -> Any:
    return None if value is None else tensor(value).expr


@op("BatchNorm", cases=[
    Case({"mean": STEPS, "variance": STEPS, "axis": -1}, (2, 3, 4)),
    Case({"mean": STEPS, "variance": STEPS, "axis": 1, "offset": STEPS, "scale": STEPS,
          "epsilon": 0.5}, (2, 4, 3)),
])  # fmt: skip
def batch_norm(
    x: Any, mean: Any, variance: Any, offset: Any = None, scale: Any = None, *, axis: Any,
    epsilon: Any = 1e-3,
) -> Any:  # fmt: skip
    """F.batch_norm would stop the gradient of the mean and the variance."""
    given = [tensor(v).expr for v in (x, mean, variance)]
    more = {"offset": _optional(offset), "scale": _optional(scale), "epsilon": expr(epsilon)}
    return call(normalize_by, *given, expr(axis), **more)


@op("LayerNorm", cases=[
    Case({"gamma": STEPS, "beta": STEPS, "epsilon": 1e-3}, (2, 3, 4)),
    Case({"gamma": STEPS, "axis": 1}, (2, 4, 3)),
])  # fmt: skip
def layer_norm(
    x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: Any = None,
    rms_scaling: Any = False,
) -> Any:  # fmt: skip
    static("layer_normalization", rms_scaling=rms_scaling)
    how = "variance" if rms_scaling else "mean"
    more = {"gamma": _optional(gamma), "beta": None if rms_scaling else _optional(beta)}
    return _normalized(tensor(x), axis, EPSILON if epsilon is None else epsilon, more, how)


@op("RMSNorm", cases=[Case({"scale": STEPS}, (2, 3, 4))])
def rms_norm(x: Any, scale: Any = None, axis: Any = -1, epsilon: Any = None) -> Any:
    more = {"gamma": _optional(scale), "beta": None}
    return _normalized(tensor(x), axis, EPSILON if epsilon is None else epsilon, more, "rms")


def _normalized(x: Tensor, axis: Any, epsilon: Any, more: dict[str, Any], how: str) -> Any:
    """Return PyTorch's own function where the axes are the last ones."""
    first = _last_axes(x, axis)
    if first is None or how == "variance" or (how == "rms" and first != -1):
        axis = tuple(axis) if _is_list(axis) else expr(axis)
        more = {"axis": axis, **more, "epsilon": expr(epsilon), "how": how}
        return call(normalize_axes, x.expr, **more)
    shape = Field(x.expr, "shape")[slice(first, None)]
    more = {k: v for k, v in more.items() if v is not None}
    names = {"gamma": "weight", "beta": "bias"}
    function = F.layer_norm if how == "mean" else F.rms_norm
    named = {names[k]: v for k, v in more.items()}
    return call(function, x.expr, shape, **named, eps=expr(epsilon))


def _last_axes(x: Tensor, axis: Any) -> int | None:
    """Return the first of axes that reach to the last one, counted from behind."""
    axes = list(axis) if _is_list(axis) else [axis]
    if not all(map(is_whole, axes)):
        return None
    if x.known:
        axes = [k % x.rank - x.rank for k in axes]
    axes = sorted(axes)
    return axes[0] if axes == list(range(-len(axes), 0)) else None


@op("DotProductAttention", cases=[
    Case({}, [(2, 5, 2, 4), (2, 3, 2, 4), (2, 3, 2, 4)], single=True),
    Case({"is_causal": True, "scale": 0.3}, [(2, 5, 4, 4), (2, 5, 2, 4), (2, 5, 2, 4)],
         single=True),
])  # fmt: skip
def dot_product_attention(
    query: Any, key: Any, value: Any, bias: Any = None, mask: Any = None, scale: Any = None,
    is_causal: Any = False, flash_attention: Any = None, attn_logits_soft_cap: Any = None,
) -> Any:  # fmt: skip
    # How to compute, not what; a cap is for one kernel on TPUs alone (keras/src/backend/jax/nn.py)
    del flash_attention, attn_logits_soft_cap
    given = [tensor(v).expr for v in (query, key, value)]
    more = {"bias": _optional(bias), "mask": _optional(mask), "scale": expr(scale)}
    return call(attend, *given, **more, is_causal=expr(is_causal))
