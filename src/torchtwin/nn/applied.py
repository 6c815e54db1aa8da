"""Functions as modules, and activations by their names."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.nn.activations import sparse_plus, sparse_sigmoid, sparsemax, squareplus


class Apply(nn.Module):
    """Calls a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs, **options):
        return self.function(*inputs, **options)


class Activation(nn.Module):
    """An activation given by its name, or as a function; None is the identity."""

    def __init__(self, function):
        super().__init__()
        self.function = activation_of(function)

    def forward(self, x):
        return self.function(x)


def identity(x):
    """Return `x`."""
    return x


def activations():
    """Return the activations by their names."""
    same = "relu relu6 elu selu celu gelu silu mish glu sigmoid tanh softplus softsign"
    return {
        **{name: getattr(F, name) for name in same.split()},
        "linear": identity,
        "softmax": functools.partial(F.softmax, dim=-1),
        "log_softmax": functools.partial(F.log_softmax, dim=-1),
        "hard_sigmoid": F.hardsigmoid,
        "swish": F.silu,
        "hard_silu": F.hardswish,
        "hard_swish": F.hardswish,
        "exponential": torch.exp,
        "leaky_relu": functools.partial(F.leaky_relu, negative_slope=0.2),
        "log_sigmoid": F.logsigmoid,
        "tanh_shrink": F.tanhshrink,
        "hard_tanh": F.hardtanh,
        "soft_shrink": F.softshrink,
        "hard_shrink": F.hardshrink,
        "threshold": functools.partial(F.threshold, threshold=0.0, value=0.0),
        "sparsemax": sparsemax,
        "squareplus": squareplus,
        "sparse_plus": sparse_plus,
        "sparse_sigmoid": sparse_sigmoid,
    }


def activation_of(given):
    """Return the function that `given` names; what is a function already stays, None is none."""
    if given is None:
        return identity
    if not isinstance(given, str):
        return given
    if given not in activations():
        raise ValueError(f"{given!r} is not the name of an activation")
    return activations()[given]


def activation_name(given):
    """Return the name of an activation; what has none stays what it is."""
    for name, function in activations().items():
        whole = function.func if isinstance(function, functools.partial) else function
        if whole is (given.func if isinstance(given, functools.partial) else given):
            return name
    return "tanh" if given is torch.tanh else "sigmoid" if given is torch.sigmoid else given


class MaskedSoftmax(nn.Module):
    """Softmax over one axis or several; what `mask` hides becomes 0."""

    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim if isinstance(dim, int) else tuple(dim)

    def forward(self, x, mask=None):
        if mask is not None:
            kept = mask if mask.dtype == torch.bool else mask > 0.5
            x = x.masked_fill(~kept, -1e9)
        x = (x - x.logsumexp(self.dim, keepdim=True)).exp()
        return x if mask is None else x.masked_fill(~kept, 0.0)


class ReLUAbove(nn.Module):
    """relu above a threshold, with a slope below it and a ceiling."""

    def __init__(self, threshold=0.0, negative_slope=0.0, max_value=None):
        super().__init__()
        self.threshold, self.slope = threshold or 0.0, negative_slope or 0.0
        self.max_value = max_value

    def forward(self, x):
        above = torch.where(x > self.threshold, x, 0.0)
        if self.max_value is not None:
            above = above.clamp(max=self.max_value)
        return above - self.slope * torch.relu(self.threshold - x)
