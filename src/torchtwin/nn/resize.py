"""Resizing of images with the kernels that F.interpolate lacks."""

from __future__ import annotations

import torch


def cubic_kernel(x: torch.Tensor) -> torch.Tensor:
    """Keys's cubic with a = -0.5; F.interpolate's bicubic without antialias has -0.75."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, 0.0))


def lanczos_kernel(x: torch.Tensor, radius: int) -> torch.Tensor:
    """A sinc under a window of `radius` pixels."""
    return torch.where(x < radius, torch.sinc(x) * torch.sinc(x / radius), 0.0)


def resize_matrix(
    old: int, new: int, kernel: str, antialias: bool, like: torch.Tensor
) -> torch.Tensor:
    """Return the (new, old) matrix that resizes one axis; pixels lie at half coordinates."""
    at = (torch.arange(new, device=like.device, dtype=like.dtype) + 0.5) * (old / new) - 0.5
    distance = (at[:, None] - torch.arange(old, device=like.device, dtype=like.dtype)).abs()
    if antialias and new < old:
        distance = distance * (new / old)
    if kernel == "bicubic":
        weight = cubic_kernel(distance)
    else:
        weight = lanczos_kernel(distance, 3 if kernel == "lanczos3" else 5)
    return weight / weight.sum(1, keepdim=True)  # what lies outside the image does not count


def resize(
    x: torch.Tensor, size: tuple[int, int], kernel: str, antialias: bool = False
) -> torch.Tensor:
    """Resize (B, C, H, W) to `size`; `kernel` is "bicubic", "lanczos3" or "lanczos5"."""
    rows = resize_matrix(x.shape[2], size[0], kernel, antialias, x)
    columns = resize_matrix(x.shape[3], size[1], kernel, antialias, x)
    return torch.matmul(torch.matmul(rows, x), columns.T)
