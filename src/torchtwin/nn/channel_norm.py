"""Layer normalisation of images whose channels come second."""

from __future__ import annotations

import torch
from torch import nn


class ChannelNorm(nn.LayerNorm):
    """nn.LayerNorm over the channels, axis `dim`, of each pixel."""

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        dim: int = 1,
    ) -> None:
        super().__init__(channels, eps, elementwise_affine, bias)
        self.dim = dim

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.movedim(self.dim, -1)).movedim(-1, self.dim)
