"""Normalization by statistics that are given, or along any axes, and attention over heads."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F


def normalize_by(
    x: torch.Tensor,
    mean: torch.Tensor,
    variance: torch.Tensor,
    axis: int,
    offset: torch.Tensor | None = None,
    scale: torch.Tensor | None = None,
    epsilon: float = 1e-3,
) -> torch.Tensor:
    """Normalize along `axis` by statistics through which gradients flow: F.batch_norm has none."""
    shape = [1] * x.dim()
    shape[axis] = -1
    x = (x - mean.view(shape)) * torch.rsqrt(variance.view(shape) + epsilon)
    x = x if scale is None else x * scale.view(shape)
    return x if offset is None else x + offset.view(shape)


def normalize_axes(
    x: torch.Tensor,
    axis: Any = -1,
    gamma: torch.Tensor | None = None,
    beta: torch.Tensor | None = None,
    epsilon: float = 1e-7,
    how: str = "mean",
) -> torch.Tensor:
    """Normalize over axes that need not be the last; `gamma` and `beta` lie along them.

    `how` is "mean" (mean and variance), "variance" (the variance alone) or "rms", whose `gamma`
    broadcasts.
    """
    axes = sorted(k % x.dim() for k in ([axis] if isinstance(axis, int) else axis))
    shape = [n if k in axes else 1 for k, n in enumerate(x.shape)]
    y = x - x.mean(axes, keepdim=True) if how == "mean" else x
    spread = x.square().mean(axes, keepdim=True)
    if how != "rms":
        spread = x.var(axes, correction=0, keepdim=True)
    y = y * torch.rsqrt(spread + epsilon)
    if how == "rms" and gamma is not None:
        return y * gamma  # it broadcasts with the last axes
    y = y if gamma is None else y * gamma.reshape(shape)
    return y if beta is None else y + beta.reshape(shape)


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bias: torch.Tensor | None = None,
    mask: torch.Tensor | None = None,
    scale: float | None = None,
    is_causal: bool = False,
) -> torch.Tensor:
    """Attention of (B, T, heads, size) tensors; `mask` is True where a query may look.

    A query that may look nowhere takes the mean of all values. There may be fewer heads of keys.
    """
    q, k, v = (x.transpose(1, 2) for x in (query, key, value))
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
    if bias is None and mask is None:
        x = F.scaled_dot_product_attention(q, k, v, is_causal=is_causal, scale=scale)
        return x.transpose(1, 2)
    if is_causal:
        causal = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device).tril()
        mask = causal if mask is None else mask.bool() & causal
    added = q.new_zeros(()) if bias is None else bias.to(q.dtype)
    if mask is not None:
        added = torch.where(mask.bool(), added, -0.7 * torch.finfo(q.dtype).max)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=added, scale=scale).transpose(1, 2)
