"""Functions as modules, and activations by their names."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.nn.activations import sparse_plus, sparsemax, squareplus


class Apply(nn.Module):
    """Calls a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x, **options):
        return self.function(x, **options)


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


def activation_of(given):
    """Return the function that `given` names; what is a function already stays, None is none."""
    same = [
        "relu",
        "sigmoid",
        "tanh",
        "elu",
        "selu",
        "celu",
        "gelu",
        "softplus",
        "softsign",
        "silu",
        "relu6",
        "mish",
        "glu",
    ]
    names = {
        **{name: getattr(F, name) for name in same},
        None: identity,
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
        "sparse_sigmoid": lambda x: ((x + 1) / 2).clamp(0, 1),
    }
    if given is not None and not isinstance(given, str):
        return given
    if given not in names:
        raise ValueError(f"{given!r} is not the name of an activation")
    return names[given]


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
