"""A factor for each channel."""

from __future__ import annotations

import torch
from torch import nn


class Scale(nn.Module):
    """x * weight, with a weight that broadcasts to x."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight
