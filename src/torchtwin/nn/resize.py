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


def area_matrix(old: int, new: int, like: torch.Tensor) -> torch.Tensor:
    """Return the (new, old) matrix in which each pixel counts by how much a new one covers it."""
    first = torch.arange(new, device=like.device, dtype=like.dtype)[:, None] * (old / new)
    pixel = torch.arange(old, device=like.device, dtype=like.dtype)
    ends = torch.minimum(first + old / new, pixel + 1)
    return (ends - torch.maximum(first, pixel)).clamp(min=0) * (new / old)


def resize_matrix(
    old: int, new: int, kernel: str, antialias: bool, like: torch.Tensor
) -> torch.Tensor:
    """Return the (new, old) matrix that resizes one axis; pixels lie at half coordinates."""
    if kernel == "area":
        return area_matrix(old, new, like)
    at = (torch.arange(new, device=like.device, dtype=like.dtype) + 0.5) * (old / new) - 0.5
    if kernel == "bicubic_steps":
        at = (at * 1024).round() / 1024
    distance = (at[:, None] - torch.arange(old, device=like.device, dtype=like.dtype)).abs()
    if antialias and new < old:
        distance = distance * (new / old)
    if kernel.startswith("bicubic"):
        weight = cubic_kernel(distance)
    else:
        weight = lanczos_kernel(distance, 3 if kernel == "lanczos3" else 5)
    return weight / weight.sum(1, keepdim=True)  # what lies outside the image does not count


def resize(
    x: torch.Tensor, size: tuple[int, int], kernel: str, antialias: bool = False
) -> torch.Tensor:
    """Resize (B, C, H, W) to `size`; `kernel` is "bicubic", "lanczos3", "lanczos5" or "area".

    "bicubic_steps" knows 1024 places between two pixels.
    """
    rows = resize_matrix(x.shape[2], size[0], kernel, antialias, x)
    columns = resize_matrix(x.shape[3], size[1], kernel, antialias, x)
    return torch.matmul(torch.matmul(rows, x), columns.T)


def scale_matrix(
    old: int, new: int, scale: torch.Tensor, shift: torch.Tensor, kernel: str, antialias: bool
) -> torch.Tensor:
    """Return the (new, old) matrix that scales one axis and moves it by `shift`.

    `kernel` may be "linear" too. What comes from outside of the image is zero.
    """
    at = (torch.arange(new, device=scale.device).to(scale) + 0.5 - shift) / scale - 0.5
    distance = (at[:, None] - torch.arange(old, device=scale.device)).abs()
    if antialias:
        distance = distance / (1 / scale).clamp(min=1)
    if kernel.endswith("linear"):
        weight = (1 - distance).clamp(min=0)
    elif kernel.endswith("cubic"):
        weight = cubic_kernel(distance)
    else:
        weight = lanczos_kernel(distance, 3 if kernel == "lanczos3" else 5)
    total = weight.sum(1, keepdim=True)
    weight = torch.where(total.abs() > 1000 * torch.finfo(scale.dtype).eps, weight / total, 0.0)
    inside = (at >= -0.5) & (at <= old - 0.5)
    return weight * inside[:, None]


def scale_and_move(
    x: torch.Tensor,
    shape: tuple[int, ...],
    scale: torch.Tensor,
    translation: torch.Tensor,
    dims: tuple[int, ...],
    kernel: str,
    antialias: bool = True,
) -> torch.Tensor:
    """Scale and then move some axes of a tensor, which get the lengths of `shape`."""
    scale = torch.as_tensor(scale, dtype=x.dtype, device=x.device)
    translation = torch.as_tensor(translation, dtype=x.dtype, device=x.device)
    for dim, by, to in zip(dims, scale, translation, strict=True):
        matrix = scale_matrix(x.shape[dim], shape[dim], by, to, kernel, antialias)
        x = torch.tensordot(x, matrix, dims=([dim], [1])).movedim(-1, dim)
    return x
