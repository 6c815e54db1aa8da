"""Colors of images with channels last, one or a batch."""

from __future__ import annotations

import torch


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


def adjust_contrast(x: torch.Tensor, factor: float) -> torch.Tensor:
    """Scale how far each pixel is from the mean of its channel in the image."""
    mean = x.mean((-3, -2), keepdim=True)
    return (x - mean) * factor + mean


def adjust_saturation(x: torch.Tensor, factor: float) -> torch.Tensor:
    """Scale the saturation of images, up to 1."""
    hue, saturation, value = rgb_to_hsv(x).unbind(-1)
    return hsv_to_rgb(torch.stack([hue, (saturation * factor).clamp(0, 1), value], -1))


def adjust_hue(x: torch.Tensor, delta: float) -> torch.Tensor:
    """Turn the hue of images."""
    hue, saturation, value = rgb_to_hsv(x).unbind(-1)
    return hsv_to_rgb(torch.stack([(hue + delta) % 1, saturation, value], -1))


def standardize_images(x: torch.Tensor) -> torch.Tensor:
    """Give each image mean 0 and deviation 1, or little more where it is flat."""
    x = x if x.is_floating_point() else x.float()
    axes = (-3, -2, -1)
    count = x.shape[-3] * x.shape[-2] * x.shape[-1]
    deviation = x.std(axes, correction=0, keepdim=True).clamp(min=count**-0.5)
    return (x - x.mean(axes, keepdim=True)) / deviation


def total_variation(x: torch.Tensor) -> torch.Tensor:
    """Return the sum of how far neighboring pixels differ, for each image."""
    down = (x[..., 1:, :, :] - x[..., :-1, :, :]).abs().sum((-3, -2, -1))
    return down + (x[..., 1:, :] - x[..., :-1, :]).abs().sum((-3, -2, -1))
