"""First values of weights: functions of a shape, in which inputs come before outputs.

For a matrix that is (in, out), for the kernel of a convolution (height, width, in, out).
"""

from __future__ import annotations

import math

import torch
from torch import nn


def empty(shape, dtype=None):
    """Return a tensor to be filled; `dtype` may be a name."""
    dtype = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    return torch.empty(shape if isinstance(shape, int) else tuple(shape), dtype=dtype)


def fans(shape):
    """Return how many numbers come in and go out, as for the kernel of a convolution."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if len(shape) < 2:
        return (shape or (1,)) * 2
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class Initial:
    """Draws a weight's first value: called with a shape, it returns a tensor."""

    def __call__(self, shape, dtype=None):
        with torch.no_grad():
            return self.fill(empty(shape, dtype))

    def fill(self, weight):
        raise NotImplementedError


class Filled(Initial):
    """One number everywhere, or an array that broadcasts to the shape."""

    def __init__(self, value=0.0):
        self.value = value

    def fill(self, weight):
        return weight.copy_(torch.as_tensor(self.value))


class Uniform(Initial):
    """Uniform between two bounds."""

    def __init__(self, low=-0.05, high=0.05):
        self.low, self.high = low, high

    def fill(self, weight):
        return nn.init.uniform_(weight, self.low, self.high)


class Normal(Initial):
    """Normal."""

    def __init__(self, mean=0.0, std=0.05):
        self.mean, self.std = mean, std

    def fill(self, weight):
        return nn.init.normal_(weight, self.mean, self.std)


class TruncatedNormal(Initial):
    """Normal, cut off two standard deviations from the mean."""

    def __init__(self, mean=0.0, std=0.05):
        self.mean, self.std = mean, std

    def fill(self, weight):
        low, high = self.mean - 2 * self.std, self.mean + 2 * self.std
        return nn.init.trunc_normal_(weight, self.mean, self.std, low, high)


class ScaledVariance(Initial):
    """Of the variance scale / fan, where `mode` says which fan.

    The distribution is "uniform", "untruncated_normal" or, cut off at twice its width,
    "truncated_normal".
    """

    def __init__(self, scale=1.0, mode="fan_in", distribution="truncated_normal"):
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def fill(self, weight):
        fan_in, fan_out = fans(weight.shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        std = (self.scale / max(1.0, fan)) ** 0.5
        if self.distribution == "uniform":
            return nn.init.uniform_(weight, -math.sqrt(3) * std, math.sqrt(3) * std)
        if self.distribution == "untruncated_normal":
            return nn.init.normal_(weight, 0.0, std)
        std = std / 0.87962566103423978  # the width before the cut
        return nn.init.trunc_normal_(weight, 0.0, std, -2 * std, 2 * std)


class Orthogonal(Initial):
    """Orthogonal columns, or rows where there are fewer of them, times `gain`."""

    def __init__(self, gain=1.0):
        self.gain = gain

    def fill(self, weight):
        matrix = weight.new_empty(weight.numel() // weight.shape[-1], weight.shape[-1])
        return weight.copy_(nn.init.orthogonal_(matrix, self.gain).view(weight.shape))


class Eye(Initial):
    """The identity matrix times `gain`."""

    def __init__(self, gain=1.0):
        self.gain = gain

    def fill(self, weight):
        return nn.init.eye_(weight).mul_(self.gain)


def glorot_uniform(shape, dtype=None):
    """Uniform, of the variance 2 / (fan in + fan out)."""
    return ScaledVariance(1.0, "fan_avg", "uniform")(shape, dtype)


def initializer_of(given):
    """Return the initialiser of a name; what is none is a function itself, or a first value."""
    names = {
        "zeros": Filled(0.0),
        "zero": Filled(0.0),
        "ones": Filled(1.0),
        "one": Filled(1.0),
        "constant": Filled(0.0),
        "identity": Eye(),
        "orthogonal": Orthogonal(),
        "uniform": Uniform(),
        "random_uniform": Uniform(),
        "normal": Normal(),
        "random_normal": Normal(),
        "truncated_normal": TruncatedNormal(),
        "variance_scaling": ScaledVariance(),
        "glorot_uniform": glorot_uniform,
        "glorot_normal": ScaledVariance(1.0, "fan_avg"),
        "he_uniform": ScaledVariance(2.0, "fan_in", "uniform"),
        "he_normal": ScaledVariance(2.0),
        "lecun_uniform": ScaledVariance(1.0, "fan_in", "uniform"),
        "lecun_normal": ScaledVariance(1.0),
    }
    if isinstance(given, str):
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in given).lstrip("_")
        if name not in names:
            raise ValueError(f"{given!r} is not the name of an initialiser")
        return names[name]
    if isinstance(given, type):
        return given()
    if given is None:
        return glorot_uniform
    return given if callable(given) else Filled(given)


def drawn(init, shape, dtype=None):
    """Return the first value of a weight: a tensor of this shape, from a function of it."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    return torch.as_tensor(init(shape, dtype=dtype or torch.get_default_dtype()))
