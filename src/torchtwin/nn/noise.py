"""Noise that PyTorch lacks; all of it is added in training mode alone."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn


class GaussianNoise(nn.Module):
    """Adds normal noise."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = std

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.std * torch.randn_like(x) if self.training else x


class GaussianDropout(nn.Module):
    """Multiplies by normal noise around 1, of the variance that dropout would have."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.std = math.sqrt(p / (1 - p))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * (1 + self.std * torch.randn_like(x)) if self.training else x


class SharedDropout(nn.Module):
    """Dropout that decides once for all positions along the axes `dims`."""

    def __init__(self, p: float, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.p, self.dims = p, dims

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        shape = [1 if k in self.dims else n for k, n in enumerate(x.shape)]
        return x * F.dropout(x.new_ones(shape), self.p)


class SharedAlphaDropout(nn.Module):
    """nn.AlphaDropout that decides once for all positions along the axes `dims`."""

    def __init__(self, p: float, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.p, self.dims = p, dims

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        shape = [1 if k in self.dims else n for k, n in enumerate(x.shape)]
        kept = torch.rand(shape, dtype=x.dtype, device=x.device) >= self.p
        low = -1.7580993408473766  # what SELU goes to
        scale = ((1 - self.p) * (1 + self.p * low**2)) ** -0.5
        return scale * (torch.where(kept, x, low) - low * self.p)
