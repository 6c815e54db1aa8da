"""Images, (height, width, channels) or a batch of them, changed at random in training mode."""

from __future__ import annotations

import math

import torch
from torch import nn


def bounds_of(factor, lowest=-1.0):
    """Return the two bounds of a random number; a single number stands for both sides of 0."""
    if isinstance(factor, int | float):
        return max(-abs(factor), lowest), abs(factor)
    return tuple(sorted(factor))


def folded(index, size, mode):
    """Return positions beyond an axis of this size as positions in it."""
    if mode == "nearest":
        return index.clamp(0, size - 1)
    if mode == "wrap":
        return index % size
    if mode == "mirror":
        index = index % max(2 * size - 2, 1)
        return torch.where(index >= size, 2 * size - 2 - index, index)
    index = index % (2 * size)  # "reflect", of which the edge is twice there
    return torch.where(index >= size, 2 * size - 1 - index, index)


def picked(images, y, x, mode, fill_value):
    """Return the pixels of (B, H, W, C) at whole positions y and x, each (B, H', W')."""
    height, width = images.shape[1:3]
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    kind = "nearest" if mode == "constant" else mode
    batch = torch.arange(len(images), device=images.device)[:, None, None]
    pixels = images[batch, folded(y.long(), height, kind), folded(x.long(), width, kind)]
    return torch.where(inside[..., None], pixels, fill_value) if mode == "constant" else pixels


def affine(images, matrix, mode="reflect", interpolation="bilinear", fill_value=0.0):
    """Return images whose pixel (y, x) is the one at `matrix` times (x, y, 1), for each image.

    `matrix` is (B, 2, 3) and gives x before y.
    """
    height, width = images.shape[1:3]
    y, x = torch.meshgrid(
        torch.arange(height, device=images.device, dtype=images.dtype),
        torch.arange(width, device=images.device, dtype=images.dtype),
        indexing="ij",
    )
    at = torch.einsum("bij,hwj->bihw", matrix, torch.stack([x, y, torch.ones_like(x)], -1))
    x, y = at[:, 0], at[:, 1]
    if interpolation == "nearest":
        y, x = (torch.trunc(k + 0.5 * torch.sign(k)) for k in (y, x))
        return picked(images, y, x, mode, fill_value)
    result = torch.zeros_like(images)
    for row in (torch.floor(y), torch.floor(y) + 1):
        for column in (torch.floor(x), torch.floor(x) + 1):
            weight = (1 - (y - row).abs()) * (1 - (x - column).abs())
            result = result + weight[..., None] * picked(images, row, column, mode, fill_value)
    return result


class RandomImages(nn.Module):
    """Changes images in training mode, each by itself; otherwise they stay as they are."""

    def uniform(self, x, low, high, *shape):
        """Return random numbers for each image, beside a tensor of images."""
        size = (len(x), *shape)
        return low + (high - low) * torch.rand(size, dtype=x.dtype, device=x.device)

    def forward(self, x):
        x = x if x.is_floating_point() else x.to(torch.get_default_dtype())
        if not self.training:
            return x
        return self.change(x) if x.dim() == 4 else self.change(x[None])[0]

    def change(self, x):
        raise NotImplementedError


class RandomFlip(RandomImages):
    """Flips one image in two. With both directions it is flipped in both at once."""

    def __init__(self, mode="horizontal_and_vertical"):
        super().__init__()
        self.dims = [d for d, name in ((2, "horizontal"), (1, "vertical")) if name in mode]

    def change(self, x):
        flipped = self.uniform(x, 0.0, 1.0, 1, 1, 1) <= 0.5
        return torch.where(flipped, x.flip(self.dims), x)


class RandomAffine(RandomImages):
    """Moves the pixels of images by a random matrix; `mode` says what is beyond the edges."""

    def __init__(self, mode="reflect", interpolation="bilinear", fill_value=0.0):
        super().__init__()
        self.options = {"mode": mode, "interpolation": interpolation, "fill_value": fill_value}

    def change(self, x):
        return affine(x, self.matrix(x), **self.options)

    def matrix(self, x):
        """Return the matrices that draw the images in `x`, (B, 2, 3)."""
        raise NotImplementedError


class RandomRotation(RandomAffine):
    """Rotates images around their middle, by up to a share `factor` of a whole turn."""

    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = bounds_of(factor)

    def matrix(self, x):
        angle = 2 * math.pi * self.uniform(x, *self.factor)
        cos, sin = torch.cos(angle), torch.sin(angle)
        cy, cx = (x.shape[1] - 1) / 2, (x.shape[2] - 1) / 2
        to_x = torch.stack([cos, -sin, cx - cx * cos + cy * sin], -1)
        return torch.stack([to_x, torch.stack([sin, cos, cy - cx * sin - cy * cos], -1)], 1)


class RandomTranslation(RandomAffine):
    """Moves images by up to a share of their height and of their width."""

    def __init__(self, height_factor, width_factor, **options):
        super().__init__(**options)
        self.height, self.width = bounds_of(height_factor), bounds_of(width_factor)

    def matrix(self, x):
        down = self.uniform(x, *self.height) * x.shape[1]
        right = self.uniform(x, *self.width) * x.shape[2]
        matrix = torch.eye(2, 3, dtype=x.dtype, device=x.device).repeat(len(x), 1, 1)
        matrix[:, 0, 2], matrix[:, 1, 2] = -right, -down
        return matrix


class RandomZoom(RandomAffine):
    """Zooms out of images by up to a share, into them where it is negative.

    Without `width_factor` both sides change alike.
    """

    def __init__(self, height_factor, width_factor=None, **options):
        super().__init__(**options)
        self.height = bounds_of(height_factor)
        self.width = None if width_factor is None else bounds_of(width_factor)

    def matrix(self, x):
        of_y = 1 + self.uniform(x, *self.height)
        of_x = of_y if self.width is None else 1 + self.uniform(x, *self.width)
        matrix = x.new_zeros(len(x), 2, 3)
        matrix[:, 0, 0], matrix[:, 1, 1] = of_x, of_y
        matrix[:, 0, 2] = (x.shape[2] - 1) / 2 * (1 - of_x)
        matrix[:, 1, 2] = (x.shape[1] - 1) / 2 * (1 - of_y)
        return matrix


class RandomContrast(RandomImages):
    """Multiplies the distance of pixels from the mean of their channel."""

    def __init__(self, factor, value_range=(0, 255)):
        super().__init__()
        self.factor, self.value_range = bounds_of(factor, 0.0), value_range

    def change(self, x):
        mean = x.mean((1, 2), keepdim=True)
        factor = self.uniform(x, 1 - self.factor[0], 1 + self.factor[1], 1, 1, 1)
        return ((x - mean) * factor + mean).clamp(*self.value_range)


class RandomBrightness(RandomImages):
    """Adds a share of the range of values to all pixels of an image."""

    def __init__(self, factor, value_range=(0, 255)):
        super().__init__()
        self.factor, self.value_range = bounds_of(factor), sorted(value_range)

    def change(self, x):
        low, high = self.value_range
        return (x + self.uniform(x, *self.factor, 1, 1, 1) * (high - low)).clamp(low, high)
