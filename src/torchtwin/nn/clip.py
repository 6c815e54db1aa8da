"""Cutting gradients and other tensors by their length."""

from __future__ import annotations

from typing import Any

import torch


def clip_by_norm(x: torch.Tensor, clip_norm: float, dim: Any = None) -> torch.Tensor:
    """x, shortened to a length of at most `clip_norm`."""
    dims = tuple(range(x.ndim)) if dim is None else dim
    length = x.square().sum(dims, keepdim=True).sqrt()
    return x * clip_norm / length.clamp(min=clip_norm)


def clip_by_global_norm(tensors: Any, clip_norm: float, use_norm: Any = None) -> Any:
    """All tensors shortened alike, to a length of at most `clip_norm` together, and that length."""
    norm = use_norm
    if norm is None:
        norm = torch.stack([x.square().sum() for x in tensors if x is not None]).sum().sqrt()
    scale = clip_norm / torch.as_tensor(norm).clamp(min=clip_norm)
    return [None if x is None else x * scale for x in tensors], norm


def l2_normalize(x: torch.Tensor, dim: Any = None, epsilon: float = 1e-12) -> torch.Tensor:
    """x over the root of its sum of squares over any axes, which is at least epsilon."""
    dims = tuple(range(x.ndim)) if dim is None else dim
    return x * x.square().sum(dims, keepdim=True).clamp(min=epsilon).rsqrt()
