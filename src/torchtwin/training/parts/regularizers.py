"""Penalties on weights and activations that PyTorch has no name for."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def cosines(rows: torch.Tensor) -> torch.Tensor:
    """Return the mean of the absolute cosines between each two rows: 0 when orthogonal."""
    count = rows.shape[0]
    rows = F.normalize(rows, dim=1, eps=1e-7)
    apart = 1.0 - torch.eye(count, dtype=rows.dtype, device=rows.device)
    return (rows @ rows.T * apart).abs().sum() / (count * (count - 1))
