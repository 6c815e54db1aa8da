"""Resizing and cropping of images, (height, width, channels) or a batch of them."""

from __future__ import annotations

import torch.nn.functional as F
from torch import nn

from torchtwin.nn.resize import resize


def middle(x, height, width):
    """Return the largest part in the middle of (B, H, W, C) with the ratio of height to width."""
    rows, columns = int(x.shape[2] * height / width), int(x.shape[1] * width / height)
    rows, columns = max(min(x.shape[1], rows), 1), max(min(x.shape[2], columns), 1)
    top, left = (x.shape[1] - rows) // 2, (x.shape[2] - columns) // 2
    return x[:, top : top + rows, left : left + columns]


class Resize(nn.Module):
    """Resizes images, each channel by itself; pixels lie at half coordinates.

    Their ratio changes, unless they are cropped to the new one or padded with `fill_value`.
    """

    def __init__(self, height, width, mode="bilinear", *, crop=False, pad=False, fill_value=0.0,
                 antialias=False):  # fmt: skip
        super().__init__()
        self.size, self.mode, self.antialias = (height, width), mode.lower(), antialias
        self.crop, self.pad, self.fill_value = crop, pad, fill_value

    def forward(self, x):
        if not x.is_floating_point():
            raise TypeError(f"images of {x.dtype} have to become floating point before")
        return self.resized(x) if x.dim() == 4 else self.resized(x[None])[0]

    def resized(self, x):
        if self.crop:
            x = middle(x, *self.size)
        if self.pad:
            height, width = x.shape[1:3]
            top = max(int(width * self.size[0] / self.size[1]) - height, 0) // 2
            left = max(int(height * self.size[1] / self.size[0]) - width, 0) // 2
            x = F.pad(x, (0, 0, left, left, top, top), value=self.fill_value)
        x = x.movedim(-1, 1)
        if self.mode == "nearest":  # the pixel under the middle of the new one
            x = F.interpolate(x, self.size, mode="nearest-exact")
        elif self.mode == "bilinear":
            x = F.interpolate(x, self.size, mode="bilinear", antialias=self.antialias)
        else:
            x = resize(x, self.size, self.mode, self.antialias)
        return x.movedim(1, -1)


class Enlarge(nn.Module):
    """Makes images larger by whole factors for height and width, with new pixels in between."""

    def __init__(self, factors, mode="bilinear"):
        super().__init__()
        self.factors, self.mode = (factors,) * 2 if isinstance(factors, int) else factors, mode

    def forward(self, x):
        rows, columns = self.factors
        return Resize(x.shape[1] * rows, x.shape[2] * columns, self.mode)(x)
