"""Choosing between two values as Keras's backend does."""

from __future__ import annotations

from typing import Any

import torch


def switch(condition: Any, then: Any, otherwise: Any) -> Any:
    """`then` where the condition holds.

    A condition with fewer axes than the values has their first ones, if it has more than one.
    """
    condition = torch.as_tensor(condition).bool()
    if condition.ndim == 0 and callable(then):
        return then() if condition else otherwise()
    then, otherwise = (v() if callable(v) else torch.as_tensor(v) for v in (then, otherwise))
    if condition.ndim > 1:
        condition = condition.reshape(*condition.shape, *[1] * (then.ndim - condition.ndim))
    return torch.where(condition, then, otherwise)


def dropout(x: torch.Tensor, rate: float, noise_shape: Any) -> torch.Tensor:
    """Dropout whose mask has lengths of 1 where it is the same along an axis."""
    shape = [n if m is None else m for n, m in zip(x.shape, noise_shape, strict=True)]
    keep = torch.rand(shape, dtype=x.dtype, device=x.device) >= rate
    return x * keep / (1 - rate)
