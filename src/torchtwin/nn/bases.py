"""Layers for classes to come from, and for those made with options that are passed on.

Their options and weights have the names that such classes use: `units`, `kernel`, `strides`. Their
channels lie last, and the kernel is (..., in, out).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import nn

from torchtwin.nn.applied import activation_of
from torchtwin.nn.initial import drawn, initializer_of
from torchtwin.nn.kernel_of import build_now
from torchtwin.nn.lazy import LazyModule
from torchtwin.nn.lazy_conv import each
from torchtwin.nn.penalties import BoundedParameter, constraint_of, penalty_of
from torchtwin.nn.same import same_padding


class KernelBase(LazyModule):
    """What layers with a kernel and a bias share; other options than these are refused."""

    def __init__(self, activation=None, use_bias=True, activity_regularizer=None, trainable=True,
                 name=None, dtype=None, input_shape=None, **options):  # fmt: skip
        super().__init__()
        self.activation, self.use_bias = activation_of(activation), use_bias
        self.activity_regularizer, self.losses = penalty_of(activity_regularizer), []
        self.trainable, self.name = trainable, name
        if dtype not in (None, "float32"):
            raise ValueError(f"dtype={dtype!r} is not the model's")
        self.parts = {"kernel": {"initializer": "glorot_uniform"}, "bias": {"initializer": "zeros"}}
        for option, value in options.items():
            part, _, kind = option.partition("_")
            if part not in self.parts or kind not in ("initializer", "regularizer", "constraint"):
                raise TypeError(f"{type(self).__name__} has no option {option!r}")
            self.parts[part][kind] = value

    def make(self, name, shape):
        """Return a weight with its first value, penalty and constraint."""
        options = self.parts[name]
        value = drawn(initializer_of(options["initializer"]), shape)
        penalty = penalty_of(options.get("regularizer"))
        constraint = constraint_of(options.get("constraint"))
        if penalty is None and constraint is None:
            return nn.Parameter(value)
        return BoundedParameter(value, penalty, constraint)

    def behind(self, x):
        """Return the activation of a result, and note the penalty on it."""
        x = self.activation(x)
        if self.activity_regularizer is not None:
            self.losses.append(self.activity_regularizer(x) / max(len(x), 1))
        return x


class DenseBase(KernelBase):
    """A linear layer of the last axis."""

    def __init__(self, units, activation=None, use_bias=True, **options):
        super().__init__(activation, use_bias, **options)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.make("kernel", (input_shape[-1], self.units))
        self.bias = self.make("bias", (self.units,)) if self.use_bias else None

    def forward(self, x):
        x = (x if x.is_floating_point() else x.to(self.kernel.dtype)) @ self.kernel
        return self.behind(x if self.bias is None else x + self.bias)


class ConvBase(KernelBase):
    """A convolution of (batch, ..., channels) over `rank` axes."""

    rank = 2

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None,
                 dilation_rate=1, groups=1, activation=None, use_bias=True, **options):  # fmt: skip
        super().__init__(activation, use_bias, **options)
        if data_format not in (None, "channels_last"):
            raise ValueError(f"data_format={data_format!r}: the channels lie last here")
        self.filters, self.groups, self.padding = filters, groups, padding.lower()
        self.kernel_size, self.strides, self.dilation_rate = (
            each(n, self.rank) for n in (kernel_size, strides, dilation_rate)
        )

    def build(self, input_shape):
        shape = (*self.kernel_size, input_shape[-1] // self.groups, self.filters)
        self.kernel = self.make("kernel", shape)
        self.bias = self.make("bias", (self.filters,)) if self.use_bias else None

    def forward(self, x):
        x = self.convolution_op(x, self.kernel)
        return self.behind(x if self.bias is None else x + self.bias)

    def convolution_op(self, x, kernel):
        """Return the convolution with a kernel: for classes that change it before."""
        x = x.movedim(-1, 1)
        if self.padding == "same":
            x = F.pad(x, same_padding(x.shape[2:], self.kernel_size, self.strides,
                                      self.dilation_rate))  # fmt: skip
        if self.padding == "causal":
            x = F.pad(x, [(self.kernel_size[0] - 1) * self.dilation_rate[0], 0])
        conv = (F.conv1d, F.conv2d, F.conv3d)[self.rank - 1]
        weight = kernel.movedim((-1, -2), (0, 1))
        x = conv(x, weight, None, self.strides, 0, self.dilation_rate, self.groups)
        return x.movedim(1, -1)


class Conv1dBase(ConvBase):
    """A convolution of (batch, length, channels)."""

    rank = 1


class Conv2dBase(ConvBase):
    """A convolution of (batch, height, width, channels)."""


class Conv3dBase(ConvBase):
    """A convolution of (batch, depth, height, width, channels)."""

    rank = 3


class DropoutBase(nn.Module):
    """Dropout, also where `training` asks for it outside of training mode."""

    def __init__(self, rate, noise_shape=None, seed=None, **options):
        super().__init__()
        self.rate, self.noise_shape = rate, noise_shape

    def forward(self, x, training=None):
        if not (self.training if training is None else training):
            return x
        if self.noise_shape is None:
            return F.dropout(x, self.rate)
        shape = [n if k is None else k for n, k in zip(x.shape, self.noise_shape, strict=True)]
        return x * F.dropout(x.new_ones(shape), self.rate)


class WrapperBase(LazyModule):
    """Holds a layer, `self.layer`."""

    def __init__(self, layer, **options):
        super().__init__()
        self.layer = layer

    def build(self, input_shape=None):
        """Let the layer make its weights, which a class that reads them needs."""
        if input_shape is not None and not getattr(self.layer, "built", False):
            build_now(self.layer, input_shape)

    def forward(self, x):
        return self.layer(x)
