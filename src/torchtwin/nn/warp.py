"""Images changed at random by moving their pixels."""

from __future__ import annotations

import math

import torch

from torchtwin.nn.augment import RandomImages, bounds_of, per_image
from torchtwin.nn.filtering import filter_each, gaussian
from torchtwin.nn.sampling import homography


def grid_of(x):
    """Return the row and the column of each pixel of (B, C, H, W)."""
    rows, columns = (torch.arange(n, device=x.device, dtype=x.dtype) for n in x.shape[2:])
    return torch.meshgrid(rows, columns, indexing="ij")


def pixels_at(x, rows, columns, fill_value=None):
    """Return the pixels of (B, C, H, W) at whole rows and columns, each (B, h, w).

    Beyond the edges is `fill_value`, or the pixel that is nearest where it is None.
    """
    height, width = x.shape[2:]
    batch = torch.arange(len(x), device=x.device)[:, None, None]
    places = rows.clamp(0, height - 1).long(), columns.clamp(0, width - 1).long()
    pixels = x.movedim(1, -1)[batch, *places].movedim(-1, 1)
    if fill_value is None:
        return pixels
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return torch.where(inside[:, None], pixels, fill_value)


def mixed(read, rows, columns):
    """Return what lies between the four pixels that `read` returns around each place."""
    result = 0.0
    for row in (rows.floor(), rows.floor() + 1):
        for column in (columns.floor(), columns.floor() + 1):
            weight = (1 - (rows - row).abs()) * (1 - (columns - column).abs())
            result = result + weight[:, None] * read(row, column)
    return result


def beyond(at, size, mode):
    """Return where places beyond an axis of this size are read, those between two pixels too."""
    if mode == "reflect":  # the edge is twice there
        at = at % (2 * size)
        at = torch.where(at >= size, 2 * size - 1 - at, at)
    elif mode == "wrap":  # nothing is mixed with the first pixel behind the last
        last = max(size - 1, 1)
        after = torch.where(at > size - 1, at - size * (at / last).trunc(), at)
        at = torch.where(at < 0, at + size * ((-at / last).trunc() + 1), after)
    return at.clamp(-1, size) if mode == "constant" else at.clamp(0, size - 1)


def warp(x, matrix, mode="reflect", interpolation="bilinear", fill_value=0.0):
    """Return images whose pixel (row, column) is the one at `matrix` times (column, row, 1).

    `matrix`, one for each image, gives the column before the row; a third line divides both.
    """
    rows, columns = grid_of(x)
    at = torch.stack([columns, rows, torch.ones_like(rows)])
    at = torch.einsum("bij,jhw->bihw", matrix.to(x.dtype), at)
    if matrix.shape[1] == 3:
        at = at[:, :2] / torch.where(at[:, 2:] == 0, 1e-6, at[:, 2:])
    columns, rows = beyond(at[:, 0], x.shape[3], mode), beyond(at[:, 1], x.shape[2], mode)
    fill_value = fill_value if mode == "constant" else None
    if interpolation == "nearest":
        rows, columns = ((k.abs() + 0.5).floor() * k.sign() for k in (rows, columns))
        return pixels_at(x, rows, columns, fill_value)
    return mixed(lambda *at: pixels_at(x, *at, fill_value), rows, columns)


class RandomAffine(RandomImages):
    """Moves the pixels of images by a random matrix; `mode` says what is beyond the edges."""

    def __init__(self, mode="reflect", interpolation="bilinear", fill_value=0.0, **options):
        super().__init__(**options)
        self.options = {"mode": mode, "interpolation": interpolation, "fill_value": fill_value}

    def change(self, x, drawn):
        return warp(x, self.matrix(x, drawn), **self.options)

    def matrix(self, x, drawn):
        """Return the matrices that draw the images in `x`, (B, 2, 3)."""
        raise NotImplementedError

    def around_middle(self, x, lines):
        """Return matrices with these two lines of two numbers that keep the middle in place."""
        lines = torch.stack([torch.stack(line, -1) for line in lines], 1)
        middle = lines.new_tensor([(x.shape[3] - 1) / 2, (x.shape[2] - 1) / 2])
        return torch.cat([lines, (middle - lines @ middle)[..., None]], -1)


class RandomRotation(RandomAffine):
    """Rotates images around their middle, by up to a share `factor` of a whole turn."""

    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = bounds_of(factor)

    def draw(self, x):
        """Return angles."""
        return 2 * math.pi * self.uniform(x, *self.factor)

    def matrix(self, x, drawn):
        cos, sin = torch.cos(drawn), torch.sin(drawn)
        return self.around_middle(x, [[cos, -sin], [sin, cos]])


class RandomTranslation(RandomAffine):
    """Moves images by up to a share of their height and of their width."""

    def __init__(self, height_factor, width_factor, **options):
        super().__init__(**options)
        self.height, self.width = bounds_of(height_factor), bounds_of(width_factor)

    def draw(self, x):
        """Return by how many pixels images go down and to the right."""
        down, right = self.uniform(x, *self.height), self.uniform(x, *self.width)
        return down * x.shape[2], right * x.shape[3]

    def matrix(self, x, drawn):
        matrix = torch.eye(2, 3, dtype=x.dtype, device=x.device).repeat(len(x), 1, 1)
        matrix[:, 1, 2], matrix[:, 0, 2] = -drawn[0], -drawn[1]
        return matrix


class RandomZoom(RandomAffine):
    """Zooms out of images by up to a share, into them where it is negative.

    Without `width_factor` both sides change alike.
    """

    def __init__(self, height_factor, width_factor=None, **options):
        super().__init__(**options)
        self.height = bounds_of(height_factor)
        self.width = None if width_factor is None else bounds_of(width_factor)

    def draw(self, x):
        """Return by what heights and widths are multiplied."""
        height = 1 + self.uniform(x, *self.height)
        return height, height if self.width is None else 1 + self.uniform(x, *self.width)

    def matrix(self, x, drawn):
        height, width = drawn
        zero = torch.zeros_like(height)
        return self.around_middle(x, [[width, zero], [zero, height]])


class RandomShear(RandomAffine):
    """Slants images: rows move by a share of their number, and columns of theirs."""

    def __init__(self, x_factor=0.0, y_factor=0.0, **options):
        super().__init__(**options)
        self.x_factor, self.y_factor = bounds_of(x_factor), bounds_of(y_factor)

    def draw(self, x):
        """Return the shares for rows and columns, of one sign."""
        sign = 1 - 2 * (self.uniform(x, 0.0, 1.0) > 0.5).to(x.dtype)
        return sign * self.uniform(x, *self.x_factor), sign * self.uniform(x, *self.y_factor)

    def matrix(self, x, drawn):
        matrix = torch.eye(2, 3, dtype=x.dtype, device=x.device).repeat(len(x), 1, 1)
        matrix[:, 0, 1], matrix[:, 1, 0] = drawn
        return matrix


class RandomPerspective(RandomImages):
    """Moves the corners of images, each with a probability `factor`, by up to half of `scale`."""

    def __init__(self, factor=1.0, scale=1.0, interpolation="bilinear", fill_value=0.0, **options):
        super().__init__(**options)
        self.factor, self.scale = bounds_of(factor, 0.0), scale
        self.interpolation, self.fill_value = interpolation, fill_value

    def draw(self, x):
        """Return which images change, and by what share the four corners move, (B, 4, 2)."""
        half = self.scale / 2
        return self.chosen(x, self.factor), self.uniform(x, -half, half, 4, 2)

    def change(self, x, drawn):
        chosen, shares = drawn
        right, bottom = x.shape[3] - 1, x.shape[2] - 1
        corners = shares.new_tensor([[0, 0], [right, 0], [0, bottom], [right, bottom]])
        numbers = homography(corners.expand_as(shares), corners + corners * shares)
        matrix = torch.cat([numbers, torch.ones_like(numbers[:, :1])], 1).reshape(-1, 3, 3)
        moved = warp(x, matrix, "constant", self.interpolation, self.fill_value)
        return torch.where(per_image(chosen), moved, x)


def folded(index, size, mode):
    """Return whole positions beyond an axis of this size as positions in it."""
    if mode == "wrap":
        return index % size
    if mode == "mirror":
        index = index % max(2 * size - 2, 1)
        return torch.where(index >= size, 2 * size - 2 - index, index)
    if mode == "reflect":  # at the end the edge is twice there, but not at the start
        index = index.abs() % (2 * size)
        return torch.where(index >= size, 2 * size - 1 - index, index)
    return index


class RandomElasticTransform(RandomImages):
    """Distorts images smoothly, each with a probability `factor`, by up to `scale`."""

    def __init__(self, factor=1.0, scale=1.0, mode="reflect", interpolation="bilinear",
                 fill_value=0.0, value_range=(0, 255), **options):  # fmt: skip
        super().__init__(**options)
        self.factor, self.scale = bounds_of(factor, 0.0), bounds_of(scale, 0.0)
        self.mode, self.interpolation, self.fill_value = mode, interpolation, fill_value
        self.value_range = value_range

    def draw(self, x):
        """Return which images change, how much, and a field of noise, (B, H, W).

        Rows and columns move alike.
        """
        strength = self.uniform(x[:1], *self.scale)[0]
        return self.chosen(x, self.factor), strength, torch.randn_like(x[:, 0])

    def change(self, x, drawn):
        if self.factor[1] == 0 or self.scale[1] == 0:
            return x
        chosen, strength, noise = drawn
        sigma = 0.05 * min(x.shape[2:]) * strength
        bell = gaussian(6 * int(sigma) | 1, sigma, x)
        smooth = filter_each((noise * sigma)[:, None], torch.outer(bell, bell))[:, 0]
        rows, columns = (k + 0.1 * max(x.shape[2:]) * strength * smooth for k in grid_of(x))
        moved = torch.where(per_image(chosen), self.read(x, rows, columns), x)
        return moved.clamp(*self.value_range)

    def read(self, x, rows, columns):
        height, width = x.shape[2:]
        fill_value = self.fill_value if self.mode == "constant" else None

        def pixels(row, column):
            row, column = folded(row, height, self.mode), folded(column, width, self.mode)
            return pixels_at(x, row, column, fill_value)

        if self.interpolation == "nearest":
            return pixels(rows.round(), columns.round())
        return mixed(pixels, rows, columns)
