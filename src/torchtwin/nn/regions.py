"""Images blurred, erased in parts, and mixed with each other at random."""

from __future__ import annotations

import torch

from torchtwin.nn.augment import RandomImages, bounds_of, per_image
from torchtwin.nn.filtering import filter_each, gaussian
from torchtwin.nn.warp import grid_of


class RandomGaussianBlur(RandomImages):
    """Blurs images, each with a probability `factor`; `sigma` is drawn once for a batch."""

    def __init__(self, factor=1.0, kernel_size=3, sigma=1.0, value_range=(0, 255), **options):
        super().__init__(**options)
        self.factor, self.sigma = bounds_of(factor, 0.0), bounds_of(sigma, 0.0)
        single = isinstance(kernel_size, int)
        self.kernel_size = (kernel_size, kernel_size) if single else tuple(kernel_size)
        self.value_range = value_range

    def draw(self, x):
        """Return which images change, and the widths of the two bells."""
        return self.chosen(x, self.factor), self.uniform(x[:1], *self.sigma, 2)[0] + 1e-6

    def change(self, x, drawn):
        chosen, sigma = drawn
        first, second = (gaussian(n, s, x) for n, s in zip(self.kernel_size, sigma, strict=True))
        kernel = torch.outer(second, first).reshape(self.kernel_size)
        blurred = torch.where(per_image(chosen), filter_each(x, kernel), x)
        return blurred.clamp(*self.value_range)


class RandomBoxes(RandomImages):
    """Changes a rectangle of each image."""

    def ends(self, x, length, share):
        """Return where stretches start and end that take this share of a length."""
        part = share * length
        start = self.uniform(x, 0.0, 1.0) * (length - part)
        return start, start + part

    def inside(self, x, columns, rows):
        """Return the pixels between these bounds, (B, 1, H, W)."""
        y, x = grid_of(x)
        left, right, top, bottom = map(per_image, (*columns, *rows))
        return (x >= left) & (x < right) & (y >= top) & (y < bottom)


class RandomErasing(RandomBoxes):
    """Fills a rectangle of images, each with a probability `factor`; with noise without a value.

    `scale` has the bounds of the squares of its sides, as shares of those of the image.
    """

    def __init__(self, factor=1.0, scale=(0.02, 0.33), fill_value=None, value_range=(0, 255),
                 **options):  # fmt: skip
        super().__init__(**options)
        self.factor, self.scale = bounds_of(factor, 0.0), bounds_of(scale, 0.0)
        self.fill_value, self.value_range = fill_value, value_range

    def draw(self, x):
        """Return which images change, the columns and rows to fill, and with what."""
        wide, high = self.uniform(x, *self.scale, 2).sqrt().unbind(1)
        columns, rows = self.ends(x, x.shape[3], wide), self.ends(x, x.shape[2], high)
        if self.fill_value is None:
            fill = torch.randn_like(x) * self.value_range[1]
        else:
            fill = x.new_tensor(self.fill_value).reshape(1, -1, 1, 1)
        return self.chosen(x, self.factor), columns, rows, fill

    def change(self, x, drawn):
        chosen, columns, rows, fill = drawn
        erased = per_image(chosen) & self.inside(x, columns, rows)
        return torch.where(erased, fill.clamp(*self.value_range), x)


class CutMix(RandomBoxes):
    """Pastes a rectangle of another image of the batch into each image."""

    def __init__(self, factor=1.0, **options):
        super().__init__(**options)
        self.factor = bounds_of(factor, 0.0)

    def draw(self, x):
        """Return the order in which images lend to others, and columns and rows of the parts."""
        alpha = self.uniform(x[:1], *self.factor)[0] + 1e-6
        side = (1 - torch.distributions.Beta(alpha, alpha).sample((len(x),))).sqrt()
        columns, rows = self.ends(x, x.shape[3], side), self.ends(x, x.shape[2], side)
        return torch.randperm(len(x), device=x.device), columns, rows

    def change(self, x, drawn):
        order, columns, rows = drawn
        return torch.where(self.inside(x, columns, rows), x[order], x)


class MixUp(RandomImages):
    """Mixes each image with another of the batch."""

    casts = False

    def __init__(self, alpha=0.2, **options):
        super().__init__(**options)
        self.alpha = alpha

    def draw(self, x):
        """Return the order of the others, and the share that each image keeps."""
        alpha = x.new_tensor(self.alpha)
        return torch.randperm(len(x), device=x.device), torch.distributions.Beta(
            alpha, alpha
        ).sample((len(x),))

    def change(self, x, drawn):
        order, share = drawn
        return per_image(share) * x + (1 - per_image(share)) * x[order]
