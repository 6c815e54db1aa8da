"""Images changed at random in training mode: what such modules share; flips and crops."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


def bounds_of(factor: Any, lowest: float = -1.0) -> Any:
    """Return the two bounds of a random number; a single number stands for both sides of 0."""
    if isinstance(factor, int | float):
        return max(-abs(factor), lowest), abs(factor)
    return tuple(sorted(factor))


def per_image(values):
    """Return one number for each image so that it broadcasts to (B, C, H, W)."""
    return values.reshape(-1, 1, 1, 1)


class RandomImages(nn.Module):
    """Changes images, (B, C, H, W), in training mode; otherwise they stay as they are.

    `draw` makes the random numbers, and `change` uses them. With `channels_last` images are
    (B, H, W, C). The batch axis may be missing.
    """

    always = False  # in evaluation too
    casts = True  # whole numbers become floating point in evaluation too

    def __init__(self, channels_last=False):
        super().__init__()
        self.channels_last = channels_last

    def forward(self, x):
        active = self.training or self.always
        if (active or self.casts) and not x.is_floating_point():
            x = x.to(torch.get_default_dtype())
        if not active:
            return x
        images = x if x.dim() == 4 else x[None]
        images = images.movedim(-1, 1) if self.channels_last else images
        images = self.change(images, self.draw(images))
        images = images.movedim(1, -1) if self.channels_last else images
        return images if x.dim() == 4 else images[0]

    def draw(self, x):
        """Return the random numbers with which `change` changes these images."""

    def change(self, x, drawn):
        raise NotImplementedError

    def uniform(self, x, low, high, *shape):
        """Return random numbers for each image, beside a tensor of images."""
        size = (len(x), *shape)
        return low + (high - low) * torch.rand(size, dtype=x.dtype, device=x.device)

    def chosen(self, x, bounds):
        """Return which images to change, each with a probability between these bounds."""
        return self.uniform(x, 0.0, 1.0) < self.uniform(x, *bounds)


class RandomFlip(RandomImages):
    """Flips one image in two. With both directions it is flipped in both at once."""

    def __init__(self, mode="horizontal_and_vertical", **options):
        super().__init__(**options)
        self.dims = [d for d, name in ((3, "horizontal"), (2, "vertical")) if name in mode]

    def draw(self, x):
        return self.uniform(x, 0.0, 1.0) <= 0.5

    def change(self, x, drawn):
        return torch.where(per_image(drawn), x.flip(self.dims), x)


def first_of_middle(size, new):
    """Return where the largest part in the middle with the ratio of a new size begins, and it."""
    rows = max(min(size[0], int(size[1] * new[0] / new[1])), 1)
    columns = max(min(size[1], int(size[0] * new[1] / new[0])), 1)
    return (size[0] - rows) // 2, (size[1] - columns) // 2, rows, columns


class CenterCrop(RandomImages):
    """Takes the middle of images; those that are too small are cropped to the ratio and resized."""

    always = True

    def __init__(self, height, width, **options):
        super().__init__(**options)
        self.size = (height, width)

    def change(self, x, drawn):
        height, width = self.size
        top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
        if top >= 0 and left >= 0:
            return x[:, :, top : top + height, left : left + width]
        top, left, rows, columns = first_of_middle(x.shape[2:], self.size)
        x = x[:, :, top : top + rows, left : left + columns]
        return F.interpolate(x, self.size, mode="bilinear")


class RandomCrop(RandomImages):
    """Takes a part of images in training mode, the same for a whole batch.

    Where they are not larger than it in both directions, the middle is taken and resized.
    """

    casts = False

    def __init__(self, height, width, **options):
        super().__init__(**options)
        self.size = (height, width)

    def draw(self, x):
        """Return the first row and the first column."""
        rows, columns = x.shape[2] - self.size[0], x.shape[3] - self.size[1]
        if rows > 0 and columns > 0:
            return int(torch.randint(rows + 1, ())), int(torch.randint(columns + 1, ()))
        return first_of_middle(x.shape[2:], self.size)[:2]

    def change(self, x, drawn):
        (top, left), (height, width) = drawn, self.size
        x = x[:, :, top : top + height, left : left + width]
        return x if x.shape[2:] == self.size else F.interpolate(x, self.size, mode="bilinear")
