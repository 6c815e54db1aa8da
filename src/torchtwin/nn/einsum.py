"""Linear maps between chosen axes."""

from __future__ import annotations

import torch
from torch import nn


class EinsumLinear(nn.Module):
    """torch.einsum of the input and a weight, with a bias that broadcasts."""

    def __init__(
        self, equation: str, shape: tuple[int, ...], bias: tuple[int, ...] | None = None
    ) -> None:
        super().__init__()
        self.equation = equation
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.zeros(bias)) if bias is not None else None
        nn.init.xavier_uniform_(self.weight) if len(shape) > 1 else nn.init.normal_(self.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.einsum(self.equation, x, self.weight)
        return x if self.bias is None else x + self.bias
