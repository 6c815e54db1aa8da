"""Images whose values are spread by what values there are."""

from __future__ import annotations

import torch

from torchtwin.nn.augment import RandomImages
from torchtwin.nn.recolor import rescaled


class AutoContrast(RandomImages):
    """Stretches the values of each channel of each image over the whole range, always."""

    always = True

    def __init__(self, value_range=(0, 255), dims=(2, 3), **options):
        super().__init__(**options)
        self.value_range, self.dims = sorted(value_range), dims

    def change(self, x, drawn):
        y = rescaled(x, self.value_range, (0, 255))
        low, high = y.amin(self.dims, keepdim=True), y.amax(self.dims, keepdim=True)
        scale = 255 / (high - low)
        y = rescaled((y * scale - low * scale).clamp(0, 255), (0, 255), self.value_range)
        return torch.where(y.isnan(), x, y)  # one value alone


class Equalization(RandomImages):
    """Makes all values of a channel of a batch about equally frequent, in training mode."""

    casts = False

    def __init__(self, value_range=(0, 255), bins=256, **options):
        super().__init__(**options)
        self.value_range, self.bins = sorted(value_range), bins

    def change(self, x, drawn):
        channels = rescaled(x, self.value_range, (0, 255)).unbind(1)
        y = torch.stack([self.equalized(channel) for channel in channels], 1)
        return rescaled(y, (0, 255), self.value_range)

    def equalized(self, x):
        last = self.bins - 1
        counts = torch.bincount(
            (x * last / 255).long().clamp(0, last).flatten(), minlength=last + 1
        )
        total = counts.cumsum(0)
        first = total[total > 0][0]
        if total[-1] == first:
            return x
        curve = ((total - first) * 255 / (total[-1] - first)).round().clamp(0, 255)
        return curve.to(x.dtype)[(x / 255 * last).clamp(0, last).long()]


class EqualizedTiles(RandomImages):
    """Makes values about equally frequent in each of some tiles of an image, always.

    No more than `clip_limit` times the mean of the frequencies counts for one value. Between
    the middles of tiles their curves are mixed. Whole numbers stay whole.
    """

    always = True

    def __init__(self, value_range=(0, 255), clip_limit=4.0, tiles=(8, 8), **options):
        super().__init__(**options)
        self.value_range, self.clip_limit, self.tiles = value_range, clip_limit, tiles

    def forward(self, x):
        return super().forward(x).to(x.dtype)

    def change(self, x, drawn):
        y = rescaled(x, self.value_range, (0, 255))
        levels = y.long().clamp(0, 255)
        sizes = [-(-n // tiles) for n, tiles in zip(x.shape[2:], self.tiles, strict=True)]
        curves = self.curves(levels, sizes, x.dtype)
        y = 0
        rows, columns = (
            self.between(x, *axis) for axis in zip(x.shape[2:], sizes, self.tiles, strict=True)
        )
        for row, high in rows:
            for column, wide in columns:
                y = y + high[:, None] * wide * self.looked_up(curves, row, column, levels)
        return rescaled(y.to(x.dtype), (0, 255), self.value_range)

    def curves(self, levels, sizes, dtype):
        """Return what 256 levels become in each tile, (B, C, rows, columns, 256)."""
        rows, columns = (
            torch.arange(size * tiles, device=levels.device) % (2 * n)
            for size, tiles, n in zip(sizes, self.tiles, levels.shape[2:], strict=True)
        )
        rows = torch.where(rows < levels.shape[2], rows, 2 * levels.shape[2] - 1 - rows)
        columns = torch.where(columns < levels.shape[3], columns, 2 * levels.shape[3] - 1 - columns)
        whole = levels[:, :, rows][..., columns]  # mirrored to full tiles
        (high, wide), (down, across) = sizes, self.tiles
        tiles = whole.unflatten(3, (across, wide)).unflatten(2, (down, high))
        tiles = tiles.transpose(3, 4).flatten(4)
        counts = torch.zeros(*tiles.shape[:4], 256, dtype=dtype, device=levels.device)
        counts.scatter_add_(4, tiles, torch.ones_like(tiles, dtype=dtype))
        if self.clip_limit > 0:
            kept = counts.clamp(max=self.clip_limit * high * wide / 256)
            counts = kept + (counts - kept).sum(-1, keepdim=True) / 256
        total = counts.cumsum(-1)
        first = total.amin(-1, keepdim=True)
        rest = high * wide - first
        return ((total - first) * 255 / torch.where(rest == 0, 1, rest)).clamp(0, 255)

    def between(self, x, length, size, tiles):
        """Return the tile before and the tile behind each place, and how much they count."""
        at = (torch.arange(length, device=x.device, dtype=x.dtype) - size / 2) / size
        low, share = at.floor().long(), at - at.floor()
        return [(low.clamp(0, tiles - 1), 1 - share), ((low + 1).clamp(0, tiles - 1), share)]

    def looked_up(self, curves, rows, columns, levels):
        batch = torch.arange(len(curves), device=levels.device)[:, None, None, None]
        channel = torch.arange(curves.shape[1], device=levels.device)[:, None, None]
        return curves[batch, channel, rows[:, None], columns, levels]
