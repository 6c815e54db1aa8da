"""Normalisation that PyTorch lacks."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


class FrozenBatchNorm(nn.BatchNorm1d):
    """Batch normalisation, of any rank, that goes by its statistics in training too."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


class MaskedBatchNorm(nn.BatchNorm1d):
    """Batch normalisation, of any rank, whose batch statistics leave out where `mask` is False.

    `mask` broadcasts to `x`; what it hides is normalised like the rest.
    """

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        mean: Any = self.running_mean
        var: Any = self.running_var
        if not self.training:
            return F.batch_norm(x, mean, var, self.weight, self.bias, eps=self.eps)
        axes = [axis for axis in range(x.dim()) if axis != 1]
        shape = [1, -1] + [1] * (x.dim() - 2)
        mask = mask.expand_as(x)
        count = mask.sum(axes, dtype=x.dtype) + 1e-7
        batch_mean = torch.where(mask, x, 0.0).sum(axes) / count
        centred = x - batch_mean.view(shape)
        batch_var = torch.where(mask, centred, 0.0).square().sum(axes) / count
        with torch.no_grad():
            mean += self.momentum * (batch_mean - mean)
            var += self.momentum * (batch_var - var)
        x = centred * (batch_var.view(shape) + self.eps).rsqrt()
        return x if self.weight is None else x * self.weight.view(shape) + self.bias.view(shape)


class EachStep(nn.Module):
    """A batch normalisation that takes the batch statistics of each step of a sequence by itself.

    `mask` has an axis more than (batch, steps) and broadcasts to the features behind.
    """

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        if mask is not None:
            pairs = zip(x.unbind(1), mask.unbind(1), strict=True)
            return torch.stack([self.norm(step, kept) for step, kept in pairs], 1)
        if self.training:
            return torch.stack([self.norm(step) for step in x.unbind(1)], 1)
        return self.norm(x.flatten(0, 1)).unflatten(0, x.shape[:2])


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


class AxesRMSNorm(nn.Module):
    """Divides by the root of the mean square over `dims`; the weight lies along the last axes."""

    def __init__(self, shape: int | tuple[int, ...], dims: tuple[int, ...], eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape))
        self.dims, self.eps = dims, eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        square = x.square().mean(self.dims, keepdim=True)
        return x * torch.rsqrt(square + self.eps) * self.weight


class RenormBatchNorm(nn.Module):
    """Batch renormalisation (Ioffe, 2017), of any rank.

    In training the batch is normalised by its own statistics, and then shifted towards the running
    ones by factors between `scales`, (smallest, largest), and by no more than `shift`.
    """

    running_mean: torch.Tensor
    running_var: torch.Tensor
    running_std: torch.Tensor
    renorm_mean: torch.Tensor
    renorm_std: torch.Tensor

    def __init__(
        self,
        features: int,
        eps: float = 1e-3,
        momentum: float = 0.01,
        *,
        renorm_momentum: float = 0.01,
        scales: tuple[float | None, float | None] = (None, None),
        shift: float | None = None,
        affine: bool = True,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        self.eps, self.momentum, self.renorm_momentum = eps, momentum, renorm_momentum
        self.scales, self.shift, self.frozen = scales, shift, frozen
        self.weight = nn.Parameter(torch.ones(features)) if affine else None
        self.bias = nn.Parameter(torch.zeros(features)) if affine else None
        for name in ("running_mean", "renorm_mean"):
            self.register_buffer(name, torch.zeros(features))
        for name in ("running_var", "running_std", "renorm_std"):
            self.register_buffer(name, torch.ones(features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.frozen:
            mean, var = self.running_mean, self.running_var
            return F.batch_norm(x, mean, var, self.weight, self.bias, eps=self.eps)
        axes = [axis for axis in range(x.dim()) if axis != 1]
        shape = [1, -1] + [1] * (x.dim() - 2)
        mean, var = x.mean(axes), x.var(axes, correction=0)
        std = (var + self.eps).sqrt()
        r, d = self.corrections(mean.detach(), std.detach())
        y = (x - mean.view(shape)) / std.view(shape) * r.view(shape) + d.view(shape)
        if self.weight is None or self.bias is None:
            return y
        return y * self.weight.view(shape) + self.bias.view(shape)

    @torch.no_grad()
    def corrections(self, mean: Any, std: Any) -> tuple[Any, Any]:
        """Return the factor and the shift towards the running statistics; update those."""
        known = self.renorm_std.clamp(min=self.eps**0.5)
        r, d = std / known, (mean - self.renorm_mean) / known
        r = r if self.scales == (None, None) else r.clamp(*self.scales)
        d = d if self.shift is None else d.clamp(-self.shift, self.shift)
        self.renorm_mean.lerp_(mean, self.renorm_momentum)
        self.renorm_std.lerp_(std, self.renorm_momentum)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_std.lerp_(std, self.momentum)
        self.running_var.copy_((self.running_std.square() - self.eps).relu())
        return r, d
