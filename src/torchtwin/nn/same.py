"""Convolutions and pooling whose output is ceil(size / stride) long, whatever the size.

PyTorch pads both sides equally and knows "same" only at stride 1; here an odd element of padding
goes after.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn


def same_padding(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> list[int]:
    """Return the argument of F.pad for which the output is ceil(size / stride) long."""
    pad: list[int] = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        pad = [total // 2, total - total // 2, *pad]
    return pad


def transposed_crop(
    padding: str, kernel: int, stride: int, dilation: int, longer: int | None
) -> tuple[int, int]:
    """Return what is taken off (before, after) a transposed convolution; under zero it is put on.

    The full result is (size - 1) * stride + reach long. "same" makes it size * stride, or
    (size - 1) * stride + reach % 2 + longer where that is given, and takes the odd element off
    after.
    """
    reach = (kernel - 1) * dilation + 1
    if padding == "valid":
        return 0, -(max(stride - reach, 0) if longer is None else longer)
    total = reach - stride if longer is None else reach - reach % 2 - longer
    before = max(total // 2, 0)
    return before, total - before


class SameConv1d(nn.Conv1d):
    """Conv1d that pads its input so that the output is ceil(length / stride) long."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pad = same_padding(x.shape[2:], self.kernel_size, self.stride, self.dilation)
        return super().forward(F.pad(x, pad))


class SameConv2d(nn.Conv2d):
    """Conv2d that pads its input so that the output is ceil(size / stride) long."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pad = same_padding(x.shape[2:], self.kernel_size, self.stride, self.dilation)
        return super().forward(F.pad(x, pad))


class SameConv3d(nn.Conv3d):
    """Conv3d that pads its input so that the output is ceil(size / stride) long."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pad = same_padding(x.shape[2:], self.kernel_size, self.stride, self.dilation)
        return super().forward(F.pad(x, pad))


def same_max_pool(
    x: torch.Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]
) -> torch.Tensor:
    """Max pooling over as many axes as `kernel` names, its output ceil(size / stride) long."""
    pad = same_padding(x.shape[2:], kernel, stride, (1,) * len(kernel))
    pool = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}[len(kernel)]
    return pool(F.pad(x, pad, value=-math.inf), kernel, stride)


def same_avg_pool(
    x: torch.Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]
) -> torch.Tensor:
    """Average pooling, its output ceil(size / stride) long; padding does not count."""
    pad = same_padding(x.shape[2:], kernel, stride, (1,) * len(kernel))
    pool = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}[len(kernel)]
    inside = F.pad(torch.ones_like(x[:1, :1]), pad)
    return pool(F.pad(x, pad), kernel, stride) / pool(inside, kernel, stride)
