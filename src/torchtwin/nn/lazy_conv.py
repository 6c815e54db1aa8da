"""Convolutions that take the number of channels of their first input.

"same" padding makes the output ceil(size / stride) long: an odd element of it goes after, at any
stride. "causal" padding goes before alone.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.nn.initial import glorot_uniform
from torchtwin.nn.lazy import LazyModule
from torchtwin.nn.same import same_padding, transposed_crop


def each(value, count):
    """Return a number as a tuple of as many, and a list as a tuple."""
    return (value,) * count if isinstance(value, int) else tuple(value)


class LazyConv(LazyModule):
    """A convolution of (batch, channels, ...) over `rank` axes.

    The first weights are drawn by functions of a shape, such as (height, width, in, out), and a
    dtype.
    """

    rank = 2

    def __init__(
        self,
        out_channels,
        kernel_size,
        stride=1,
        padding="valid",
        dilation=1,
        *,
        groups=1,
        bias=True,
        weight_init=glorot_uniform,
        bias_init=torch.zeros,
    ):
        super().__init__()
        self.out_channels, self.groups, self.has_bias = out_channels, groups, bias
        self.kernel_size = each(kernel_size, self.rank)
        self.stride, self.dilation = each(stride, self.rank), each(dilation, self.rank)
        self.padding = padding.lower()
        self.weight_init, self.bias_init = weight_init, bias_init

    def build(self, input_shape):
        dtype = torch.get_default_dtype()
        shape = (*self.kernel_size, input_shape[1] // self.groups, self.out_channels)
        weight = self.weight_init(shape, dtype=dtype)
        self.weight = nn.Parameter(weight.movedim((-1, -2), (0, 1)).contiguous())
        self.make_bias(self.out_channels, dtype)

    def make_bias(self, count, dtype):
        bias = self.bias_init((count,), dtype=dtype) if self.has_bias else None
        self.bias = None if bias is None else nn.Parameter(bias)

    def padded(self, x):
        if self.padding == "same":
            pads = same_padding(x.shape[2:], self.kernel_size, self.stride, self.dilation)
            return F.pad(x, pads)
        if self.padding == "causal":
            return F.pad(x, [(self.kernel_size[0] - 1) * self.dilation[0], 0])
        return x

    def forward(self, x):
        x = self.padded(x if x.is_floating_point() else x.to(self.weight.dtype))
        conv = (F.conv1d, F.conv2d, F.conv3d)[self.rank - 1]
        return conv(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class LazyConv1d(LazyConv):
    """A convolution of (batch, channels, length)."""

    rank = 1


class LazyConv2d(LazyConv):
    """A convolution of (batch, channels, height, width)."""


class LazyConv3d(LazyConv):
    """A convolution of (batch, channels, depth, height, width)."""

    rank = 3


class LazyDepthwiseConv(LazyConv):
    """A convolution of each channel by itself, with `multiplier` results for each.

    The function that draws the weight gets a shape such as (height, width, in, multiplier).
    """

    def __init__(self, kernel_size, stride=1, padding="valid", dilation=1, multiplier=1, **options):
        super().__init__(None, kernel_size, stride, padding, dilation, **options)
        self.multiplier = multiplier

    def build(self, input_shape):
        dtype, self.groups = torch.get_default_dtype(), input_shape[1]
        shape = (*self.kernel_size, self.groups, self.multiplier)
        weight = self.weight_init(shape, dtype=dtype).movedim((-2, -1), (0, 1))
        self.weight = nn.Parameter(weight.flatten(0, 1)[:, None].contiguous())
        self.make_bias(self.groups * self.multiplier, dtype)


class LazyDepthwiseConv1d(LazyDepthwiseConv):
    """A convolution of each channel of (batch, channels, length) by itself."""

    rank = 1


class LazyDepthwiseConv2d(LazyDepthwiseConv):
    """A convolution of each channel of (batch, channels, height, width) by itself."""


class LazyConvTranspose(LazyConv):
    """A transposed convolution of (batch, channels, ...) over `rank` axes.

    Its output is size * stride long with "same" padding, and (size - 1) * stride + kernel with
    "valid", never shorter than size * stride; `output_padding` sets what is put on beyond
    (size - 1) * stride. The function that draws the weight gets (height, width, out, in).
    """

    def __init__(
        self,
        out_channels,
        kernel_size,
        stride=1,
        padding="valid",
        *,
        output_padding=None,
        dilation=1,
        **options,
    ):
        super().__init__(out_channels, kernel_size, stride, padding, dilation, **options)
        wanted = (None,) * self.rank if output_padding is None else output_padding
        self.output_padding = each(wanted, self.rank)

    def build(self, input_shape):
        dtype = torch.get_default_dtype()
        shape = (*self.kernel_size, self.out_channels, input_shape[1])
        weight = self.weight_init(shape, dtype=dtype)
        self.weight = nn.Parameter(weight.movedim((-1, -2), (0, 1)).contiguous())
        self.make_bias(self.out_channels, dtype)

    def forward(self, x):
        x = x if x.is_floating_point() else x.to(self.weight.dtype)
        conv = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self.rank - 1]
        x = conv(x, self.weight, None, self.stride, dilation=self.dilation)
        axes = zip(self.kernel_size, self.stride, self.dilation, self.output_padding, strict=True)
        crops = [transposed_crop(self.padding, *axis) for axis in axes]
        x = F.pad(x, [-n for pair in reversed(crops) for n in pair])
        return x if self.bias is None else x + self.bias.view(-1, *[1] * self.rank)


class LazyConvTranspose1d(LazyConvTranspose):
    """A transposed convolution of (batch, channels, length)."""

    rank = 1


class LazyConvTranspose2d(LazyConvTranspose):
    """A transposed convolution of (batch, channels, height, width)."""


class LazyConvTranspose3d(LazyConvTranspose):
    """A transposed convolution of (batch, channels, depth, height, width)."""

    rank = 3
