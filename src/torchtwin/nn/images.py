"""Images with channels last, one or a batch: size and frame."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F

from torchtwin.nn.resize import resize


def resize_images(
    x: torch.Tensor,
    size: Any,
    mode: str = "bilinear",
    antialias: bool = False,
    ratio: str = "",
    fill: float = 0.0,
    channels_first: bool = False,
) -> torch.Tensor:
    """Resize images; with `ratio` they are cut ("crop") or padded ("pad") to the new ratio before.

    `mode` is "nearest", "bilinear", "bicubic", "lanczos3", "lanczos5" or "area". Bicubic pixels
    are those of TensorFlow, whose kernel has 1024 steps unless it is smoothed (antialias).
    """
    single, size = x.dim() == 3, tuple(int(n) for n in size)
    x = x[None] if single else x
    x = x if channels_first else x.movedim(-1, 1)
    if ratio:
        x = crop_to_ratio(x, size) if ratio == "crop" else pad_to_ratio(x, size, fill)
    if mode == "nearest":
        y = F.interpolate(x, size, mode="nearest-exact")
    else:
        x = x if x.is_floating_point() else x.float()
        kernel = "bicubic_steps" if mode == "bicubic" and not antialias else mode
        if mode == "bilinear":
            y = F.interpolate(x, size, mode="bilinear", antialias=antialias)
        else:
            y = resize(x, size, kernel, antialias)
    y = y if channels_first else y.movedim(1, -1)
    return y[0] if single else y


def crop_to_ratio(x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Cut (B, C, H, W) around its middle to the ratio of `size`."""
    height, width = x.shape[2:]
    rows = max(min(height, int(width * size[0] / size[1])), 1)
    columns = max(min(width, int(height * size[1] / size[0])), 1)
    top, left = (height - rows) // 2, (width - columns) // 2
    return x[:, :, top : top + rows, left : left + columns]


def pad_to_ratio(x: torch.Tensor, size: tuple[int, int], fill: float) -> torch.Tensor:
    """Pad (B, C, H, W) on both sides to about the ratio of `size`."""
    height, width = x.shape[2:]
    top = (max(height, int(width * size[0] / size[1])) - height) // 2
    left = (max(width, int(height * size[1] / size[0])) - width) // 2 if top == 0 else 0
    return F.pad(x, (left, left, top, top), value=fill)


def frame_images(
    x: torch.Tensor,
    top: Any = None,
    left: Any = None,
    bottom: Any = None,
    right: Any = None,
    height: Any = None,
    width: Any = None,
    channels_first: bool = False,
) -> torch.Tensor:
    """Pad images, or crop them by less than nothing; what is None follows from the new size."""
    x = x if channels_first else x.movedim(-1, -3)
    rows, columns = x.shape[-2:]
    if top is None:
        top = height - bottom - rows
    if bottom is None:
        bottom = height - top - rows
    if left is None:
        left = width - right - columns
    if right is None:
        right = width - left - columns
    y = F.pad(x, (left, right, top, bottom))
    return y if channels_first else y.movedim(-3, -1)


def crop_or_pad(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Cut or pad images around their middle to this size."""
    pad = []
    for size, new in ((x.shape[-2], width), (x.shape[-3], height)):
        cut = max(size - new, 0) // 2
        before = max(new - size, 0) // 2 - cut
        pad += [before, new - size - before]
    return F.pad(x, (0, 0, *pad))


def resize_padded(
    x: torch.Tensor, height: int, width: int, mode: str = "bilinear", antialias: bool = False
) -> torch.Tensor:
    """Resize images as far as they fit, and pad them around to this size."""
    rows, columns = x.shape[-3:-1]
    ratio = max(columns / width, rows / height)
    size = (math.floor(rows / ratio), math.floor(columns / ratio))
    return crop_or_pad(resize_images(x, size, mode, antialias), height, width)


def crop_to_middle(x: torch.Tensor, fraction: float) -> torch.Tensor:
    """Keep this fraction of each side of images, around the middle."""
    top, left = (int((n - n * fraction) / 2) for n in x.shape[-3:-1])
    rows, columns = x.shape[-3:-1]
    return x[..., top : rows - top, left : columns - left, :]
