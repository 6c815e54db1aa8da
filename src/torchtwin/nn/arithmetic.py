"""Arithmetic that PyTorch lacks."""

from __future__ import annotations

import torch


def divide_no_nan(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """x / y, and 0 where y is 0, in gradients as well."""
    return torch.where(y == 0, 0.0, x / torch.where(y == 0, 1, y))


def product_before(x: torch.Tensor, dim: int) -> torch.Tensor:
    """The product of all numbers before each along an axis: one before the first."""
    first = torch.ones_like(x.narrow(dim, 0, 1))
    return torch.cat([first, x.narrow(dim, 0, x.shape[dim] - 1)], dim).cumprod(dim)
