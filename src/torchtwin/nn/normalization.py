"""Normalisation that PyTorch lacks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class FrozenBatchNorm(nn.BatchNorm1d):
    """Batch normalisation, of any rank, that goes by its statistics in training too."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


class VarianceScaling(nn.Module):
    """Scales by the standard deviation over the last axes, without subtracting the mean."""

    def __init__(self, shape: int | tuple[int, ...], eps: float = 1e-3) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        dims = tuple(range(-self.weight.dim(), 0))
        variance = x.var(dims, correction=0, keepdim=True)
        return x * torch.rsqrt(variance + self.eps) * self.weight
