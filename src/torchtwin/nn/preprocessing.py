"""Scaling of inputs by numbers that are not trained."""

from __future__ import annotations

import torch
from torch import nn


class Standardize(nn.Module):
    """(x - mean) / deviation, with statistics that broadcast to x."""

    mean: torch.Tensor
    variance: torch.Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("variance", torch.ones(shape))

    def deviation(self) -> torch.Tensor:
        return self.variance.sqrt().clamp(min=1e-7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / self.deviation()


class Unstandardize(Standardize):
    """mean + x * deviation: takes a standardisation back."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.mean + x * self.deviation()


class Affine(nn.Module):
    """x * scale + offset, with constants that broadcast to x."""

    scale: torch.Tensor
    offset: torch.Tensor

    def __init__(self, scale: list[float] | float, offset: list[float] | float = 0.0) -> None:
        super().__init__()
        for name, value in (("scale", scale), ("offset", offset)):
            constant = torch.tensor(value, dtype=torch.float64)
            self.register_buffer(name, constant, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x if x.is_floating_point() else x.to(torch.get_default_dtype())
        return x * self.scale.to(x.dtype) + self.offset.to(x.dtype)


class Bucketize(nn.Module):
    """Returns the number of the interval between boundaries in which each number lies."""

    boundaries: torch.Tensor

    def __init__(self, boundaries: list[float]) -> None:
        super().__init__()
        made = torch.tensor(boundaries, dtype=torch.float32)
        self.register_buffer("boundaries", made, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.bucketize(x, self.boundaries, right=True, out_int32=True)
