"""Pooling whose output is ceil(size / stride) long, as modules."""

from __future__ import annotations

from torch import nn

from torchtwin.nn.same import same_avg_pool, same_max_pool


class SamePool(nn.Module):
    """Pooling over `rank` axes whose output is ceil(size / stride) long.

    An odd element of padding goes after; padding does not count in an average.
    """

    rank = 2

    def __init__(self, kernel_size, stride=None):
        super().__init__()
        stride = kernel_size if stride is None else stride
        self.kernel_size, self.stride = (
            (n,) * self.rank if isinstance(n, int) else tuple(n) for n in (kernel_size, stride)
        )


class SameMaxPool2d(SamePool):
    """The maximum of windows of (batch, channels, height, width)."""

    def forward(self, x):
        return same_max_pool(x, self.kernel_size, self.stride)


class SameMaxPool1d(SameMaxPool2d):
    """The maximum of windows of (batch, channels, length)."""

    rank = 1


class SameMaxPool3d(SameMaxPool2d):
    """The maximum of windows of (batch, channels, depth, height, width)."""

    rank = 3


class SameAvgPool2d(SamePool):
    """The mean of windows of (batch, channels, height, width)."""

    def forward(self, x):
        return same_avg_pool(x, self.kernel_size, self.stride)


class SameAvgPool1d(SameAvgPool2d):
    """The mean of windows of (batch, channels, length)."""

    rank = 1


class SameAvgPool3d(SameAvgPool2d):
    """The mean of windows of (batch, channels, depth, height, width)."""

    rank = 3
