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


class RandomCrop(RandomImages):
    """Takes a part of images in training mode, the same for a whole batch.

    Where they are not larger than it in both directions, the middle is taken and resized.
    """

    casts = False

    def __init__(self, height, width, **options):
        super().__init__(**options)
        self.height, self.width = height, width

    def draw(self, x):
        """Return the first row and the first column."""
        height, width = x.shape[2:]
        rows, columns = height - self.height, width - self.width
        if rows > 0 and columns > 0:
            return int(torch.randint(rows + 1, ())), int(torch.randint(columns + 1, ()))
        rows = max(min(height, int(width * self.height / self.width)), 1)
        columns = max(min(width, int(height * self.width / self.height)), 1)
        return (height - rows) // 2, (width - columns) // 2

    def change(self, x, drawn):
        top, left = drawn
        x = x[:, :, top : top + self.height, left : left + self.width]
        if x.shape[2:] != (self.height, self.width):
            x = F.interpolate(x, (self.height, self.width), mode="bilinear")
        return x
