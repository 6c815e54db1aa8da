"""Images with channels last, one or a batch: size, frame and colors."""

from __future__ import annotations

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

    `mode` is "nearest", "bilinear", "bicubic", "lanczos3", "lanczos5" or "area".
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
        bilinear = mode == "bilinear"
        y = (
            F.interpolate(x, size, mode="bilinear", antialias=antialias)
            if bilinear
            else resize(x, size, mode, antialias)
        )
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


def to_grayscale(x: torch.Tensor, channels_first: bool = False) -> torch.Tensor:
    """Return the brightness of red, green and blue, with one channel."""
    axis = -3 if channels_first else -1
    if x.shape[axis] == 1:
        return x
    red, green, blue = x.split(1, axis)
    gray = 0.2989 * red + 0.5870 * green + 0.1140 * blue
    return gray.to(x.dtype)


def rgb_to_hsv(x: torch.Tensor, channels_first: bool = False) -> torch.Tensor:
    """Return hue, saturation and value of red, green and blue, all from 0 to 1."""
    axis = -3 if channels_first else -1
    x = torch.where(x.abs() < torch.finfo(x.dtype).eps, 0.0, x)
    red, green, blue = x.unbind(axis)
    value = x.amax(axis)
    spread = value - x.amin(axis)
    saturation = torch.where(value > 0, spread / torch.where(value > 0, value, 1.0), 0.0)
    unit = 1 / (6 * torch.where(spread > 0, spread, 1.0))
    hue = torch.where(value == green, unit * (blue - red) + 1 / 3, unit * (red - green) + 2 / 3)
    hue = torch.where(value == red, unit * (green - blue), hue)
    hue = torch.where(spread > 0, hue, 0.0)
    return torch.stack([hue + (hue < 0), saturation, value], axis)


def hsv_to_rgb(x: torch.Tensor, channels_first: bool = False) -> torch.Tensor:
    """Return red, green and blue of hue, saturation and value."""
    axis = -3 if channels_first else -1
    hue, saturation, value = x.unbind(axis)
    turn = hue % 1 * 6
    red = ((turn - 3).abs() - 1).clamp(0, 1)
    green = (2 - (turn - 2).abs()).clamp(0, 1)
    blue = (2 - (turn - 4).abs()).clamp(0, 1)
    parts = [value * (1 - saturation + saturation * part) for part in (red, green, blue)]
    return torch.stack(parts, axis)
