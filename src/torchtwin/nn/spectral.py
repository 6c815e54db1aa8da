"""Spectral normalisation as a layer that divides its own weight."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class SpectralNorm(nn.Module):
    """A layer whose weight is divided, before each call in training, by its largest singular value.

    That is estimated by `iterations` steps from the vector `u`, which is kept; `axis` of the weight
    has the rows of the matrix that is meant. In contrast to torch.nn.utils.spectral_norm the weight
    itself is changed, and in `eval()` it is used as it is.
    """

    u: torch.Tensor

    def __init__(self, layer: nn.Module, axis: int = 0, iterations: int = 1) -> None:
        super().__init__()
        self.layer, self.axis, self.iterations = layer, axis, iterations
        self.register_buffer("u", torch.randn(1, layer.weight.size(axis)) * 0.02)  # type: ignore[operator]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.normalize()
        output: torch.Tensor = self.layer(x)
        return output

    @torch.no_grad()
    def normalize(self) -> None:
        weight: torch.Tensor = self.layer.weight  # type: ignore[assignment]
        rows = weight.movedim(self.axis, 0).flatten(1)
        if not rows.any():
            return
        u = self.u
        for _ in range(self.iterations):
            v = F.normalize(u @ rows, eps=1e-6)
            u = F.normalize(v @ rows.T, eps=1e-6)
        weight /= (v @ rows.T @ u.T).item()
        self.u.copy_(u)
