"""Activations that PyTorch lacks, as functions."""

from __future__ import annotations

import torch
from torch import nn


def squareplus(x: torch.Tensor, b: float = 4.0) -> torch.Tensor:
    """(x + sqrt(x² + b)) / 2, a smooth relu."""
    return (x + torch.sqrt(x**2 + b)) / 2


def sparse_plus(x: torch.Tensor) -> torch.Tensor:
    """0 up to -1, (x + 1)² / 4 up to 1, then x."""
    return torch.where(x <= -1, torch.zeros_like(x), torch.where(x < 1, (x + 1) ** 2 / 4, x))


def sparse_sigmoid(x: torch.Tensor) -> torch.Tensor:
    """0 up to -1, (x + 1) / 2 up to 1, then 1."""
    return ((x + 1) / 2).clamp(0, 1)


def sparsemax(x: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """Sparse softmax as Keras has it.

    Its threshold comes of the sum of all cumulative sums in the support, where Martins and
    Astudillo (2016) take the last one; with one number in the support they agree.
    """
    ordered = x.sort(dim=dim, descending=True).values
    total = ordered.cumsum(dim)
    count = torch.ones_like(x).cumsum(dim)
    support = ordered - (total - 1) / count > 0
    sums = total.masked_fill(~support, 0.0).sum(dim=dim, keepdim=True)
    threshold = (sums - 1) / support.sum(dim=dim, keepdim=True)
    return (x - threshold).clamp(min=0)


def relu_above(
    x: torch.Tensor,
    threshold: float,
    negative_slope: float = 0.0,
    max_value: float | None = None,
) -> torch.Tensor:
    """x above the threshold, at most max_value; below it the slope times (x - threshold)."""
    above = torch.where(x > threshold, x, 0.0)
    if max_value is not None:
        above = above.clamp(max=max_value)
    return above - negative_slope * torch.relu(threshold - x)


class PReLU(nn.Module):
    """max(x, 0) + weight * min(x, 0), with a weight for each number or broadcast to it."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full(shape, 0.25))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x) - self.weight * torch.relu(-x)
