"""Activations that PyTorch lacks, as functions."""

from __future__ import annotations

import torch


def squareplus(x: torch.Tensor, b: float = 4.0) -> torch.Tensor:
    """(x + sqrt(x² + b)) / 2, a smooth relu."""
    return (x + torch.sqrt(x**2 + b)) / 2


def sparse_plus(x: torch.Tensor) -> torch.Tensor:
    """0 up to -1, (x + 1)² / 4 up to 1, then x."""
    return torch.where(x <= -1, torch.zeros_like(x), torch.where(x < 1, (x + 1) ** 2 / 4, x))


def sparsemax(x: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """Euclidean projection onto the simplex (Martins and Astudillo, 2016)."""
    ordered = x.sort(dim=dim, descending=True).values
    count = torch.ones_like(ordered).cumsum(dim)
    total = ordered.cumsum(dim)
    support = 1 + count * ordered > total
    size = support.sum(dim=dim, keepdim=True)
    threshold = (total.gather(dim, size - 1) - 1) / size
    return (x - threshold).clamp(min=0)
