"""Constraints on weights, applied in place after every update."""

from __future__ import annotations

import torch


def max_norm_(weight: torch.Tensor, max_value: float, dim) -> None:
    """Shorten the vectors along `dim` to at most `max_value`.

    As in Keras, and not in torch.renorm, 1e-7 is added to every length before the division.
    """
    norm = weight.square().sum(dim, keepdim=True).sqrt()
    weight.mul_(norm.clamp(0, max_value) / (norm + 1e-7))


def min_max_norm_(
    weight: torch.Tensor, min_value: float, max_value: float, dim, rate: float = 1.0
) -> None:
    """Bring the lengths of the vectors along `dim` between two bounds, by the share `rate`."""
    norm = weight.square().sum(dim, keepdim=True).sqrt()
    wanted = rate * norm.clamp(min_value, max_value) + (1 - rate) * norm
    weight.mul_(wanted / (norm + 1e-7))


def unit_norm_(weight: torch.Tensor, dim) -> None:
    """Give the vectors along `dim` the length one."""
    weight.div_(weight.square().sum(dim, keepdim=True).sqrt() + 1e-7)
