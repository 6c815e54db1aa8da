"""Linear maps that round to floating-point numbers of eight bits."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def through_float8(x: torch.Tensor, scale: torch.Tensor, kind: torch.dtype) -> torch.Tensor:
    """Return `x`, divided by `scale`, as a dtype of eight bits can hold it, multiplied again."""
    scale, top = scale.to(x.dtype), torch.finfo(kind).max
    return (x / scale).clamp(-top, top).to(kind).to(x.dtype) * scale


def renew(scale: torch.Tensor, history: torch.Tensor, x: torch.Tensor, kind: torch.dtype) -> None:
    """Set the scale by the largest numbers of the last calls, and note that of this one."""
    top = history.max()
    if top > 0 and top.isfinite():
        scale.copy_(top / torch.finfo(kind).max)
    history.copy_(history.roll(-1))
    history[0] = x.abs().max()


class RoundedGradient(torch.autograd.Function):
    """Passes on what it is given, and its gradient as eight bits can hold it."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, scale: Any, history: Any) -> torch.Tensor:
        ctx.kept = scale, history
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        scale, history = ctx.kept
        passed = through_float8(gradient, scale, torch.float8_e5m2)
        renew(scale, history, gradient, torch.float8_e5m2)
        return passed, None, None


class Float8Einsum(nn.Module):
    """torch.einsum of the input and a weight, both rounded to eight bits, with a bias.

    In training the scales follow the largest numbers of the last calls (`length` of them).
    """

    def __init__(
        self,
        equation: str,
        shape: tuple[int, ...],
        bias: tuple[int, ...] | None = None,
        *,
        length: int = 1024,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.equation, self.dtype = equation, dtype
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.zeros(bias)) if bias is not None else None
        nn.init.xavier_uniform_(self.weight) if len(shape) > 1 else nn.init.normal_(self.weight)
        for name in ("inputs", "weight", "gradient"):
            self.register_buffer(f"{name}_scale", torch.ones(()))
            self.register_buffer(f"{name}_history", torch.zeros(length))

    def rounded(self, x: torch.Tensor, name: str) -> torch.Tensor:
        """Return `x` as eight bits can hold it; the gradient passes as it is."""
        scale, history = getattr(self, f"{name}_scale"), getattr(self, f"{name}_history")
        with torch.no_grad():
            passed = through_float8(x, scale, torch.float8_e4m3fn)
            if self.training:
                renew(scale, history, x, torch.float8_e4m3fn)
        return x + (passed - x).detach() if x.requires_grad else passed

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.rounded(x.to(self.dtype), "inputs")
        x = torch.einsum(self.equation, x, self.rounded(self.weight.to(self.dtype), "weight"))
        x = RoundedGradient.apply(x, self.gradient_scale, self.gradient_history)
        if self.bias is None:
            return x
        # Keras rounds the bias to bfloat16 where it computes in float32.
        exact = self.dtype != torch.float32
        return x + (self.bias.to(self.dtype) if exact else self.bias.bfloat16().float())
