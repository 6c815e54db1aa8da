"""Images under filters: blurred, their edges, and how alike two of them are."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F


def gaussian(size: int, sigma: Any, like: torch.Tensor) -> torch.Tensor:
    """Return `size` values of a bell that sum to 1."""
    at = torch.arange(size, dtype=like.dtype, device=like.device) - (size - 1) / 2
    bell = torch.exp(-0.5 * (at / sigma) ** 2)
    return bell / bell.sum()


def filter_each(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Filter each channel of (B, C, H, W), which keeps its size, with one kernel (h, w)."""
    pad = []
    for size in (kernel.shape[1], kernel.shape[0]):
        pad += [(size - 1) // 2, size // 2]
    weight = kernel.expand(x.shape[1], 1, *kernel.shape)
    return F.conv2d(F.pad(x, pad), weight, groups=x.shape[1])


def blur_images(
    x: torch.Tensor,
    kernel_size: Any = (3, 3),
    sigma: Any = (1.0, 1.0),
    channels_first: bool = False,
) -> torch.Tensor:
    """Blur images with a bell; `sigma` names the columns first, then the rows.

    The kernel of a size that is not square is laid out anew in (rows, columns), as Keras does
    on TensorFlow: its numbers then stand in other places than those of a bell.
    """
    images = x[None] if x.dim() == 3 else x
    images = images if channels_first else images.movedim(-1, 1)
    columns, rows = (gaussian(n, s, x) for n, s in zip(kernel_size, sigma, strict=True))
    kernel = torch.outer(rows, columns).reshape(tuple(kernel_size))
    y = filter_each(images, kernel)
    y = y if channels_first else y.movedim(1, -1)
    return y[0] if x.dim() == 3 else y


def sobel_of(x: torch.Tensor, channels_first: bool = False) -> torch.Tensor:
    """Return the slopes of (B, H, W, C) down and to the right, in a new last axis."""
    images = x if channels_first else x.movedim(-1, 1)
    images = F.pad(images, (1, 1, 1, 1), mode="reflect")
    across = x.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    edges = torch.stack([filter_each(images, k) for k in (across.T, across)], -1)
    edges = edges[:, :, 1:-1, 1:-1]
    return edges if channels_first else edges.movedim(1, -2)


def similarity(
    x: torch.Tensor,
    y: torch.Tensor,
    max_val: float = 1.0,
    size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    channels_first: bool = False,
) -> torch.Tensor:
    """Return the structural similarity of each pair of images: SSIM, 1 for the same."""
    first, second = (t if channels_first else t.movedim(-1, -3) for t in (x, y))
    first, second = (t if t.is_floating_point() else t.float() for t in (first, second))
    bell = gaussian(size, sigma, first)
    kernel = torch.outer(bell, bell)[None, None]

    def smooth(t: torch.Tensor) -> torch.Tensor:
        return F.conv2d(t.reshape(-1, 1, *t.shape[-2:]), kernel).reshape(*t.shape[:-2], -1)

    mean1, mean2 = smooth(first), smooth(second)
    var1, var2 = smooth(first**2) - mean1**2, smooth(second**2) - mean2**2
    both = smooth(first * second) - mean1 * mean2
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    above = (2 * mean1 * mean2 + c1) * (2 * both + c2)
    below = (mean1**2 + mean2**2 + c1) * (var1 + var2 + c2)
    return (above / below).mean(-1).mean(-1).to(x.dtype)
