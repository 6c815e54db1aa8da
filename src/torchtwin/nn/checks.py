"""Conditions that must hold while a program runs."""

from __future__ import annotations

from typing import Any

import torch


def check(holds: Any, message: str | None = None) -> None:
    """Raise ValueError where a condition, or an element of one, does not hold."""
    if not bool(torch.as_tensor(holds).all()):
        raise ValueError(message or "a condition does not hold")


def finite(x: torch.Tensor, message: str) -> torch.Tensor:
    """x, or ValueError where it holds NaN or an infinity."""
    check(torch.isfinite(x), message)
    return x


def in_phase(training: bool, x: Any, otherwise: Any) -> Any:
    """x while training, `otherwise` in evaluation; functions are called."""
    chosen = x if training else otherwise
    return chosen() if callable(chosen) else chosen
