"""Shapes changed, and tensors repeated or reduced, as modules."""

from __future__ import annotations

import torch
from torch import nn


class Reshape(nn.Module):
    """Gives each sample the shape `shape`, in which one length may be -1."""

    def __init__(self, *shape):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.reshape(len(x), *self.shape)


class Permute(nn.Module):
    """Reorders the axes behind the batch, which count from 1."""

    def __init__(self, *dims):
        super().__init__()
        self.dims = dims

    def forward(self, x):
        return x.permute(0, *self.dims)


class Repeat(nn.Module):
    """Repeats each vector of a batch: (batch, features) becomes (batch, times, features)."""

    def __init__(self, times):
        super().__init__()
        self.times = times

    def forward(self, x):
        return x[:, None].expand(-1, self.times, -1)


class GlobalMean(nn.Module):
    """The mean over the axes `dims`. With a mask, (batch, steps), over the steps that count."""

    def __init__(self, *dims, keepdim=False):
        super().__init__()
        self.dims, self.keepdim = dims, keepdim

    def forward(self, x, mask=None):
        if mask is None:
            return x.mean(self.dims, keepdim=self.keepdim)
        kept = mask.unsqueeze(-1 if self.dims == (1,) else 1).bool()
        total = x.where(kept, 0.0).sum(self.dims, keepdim=self.keepdim)
        return total / kept.sum(self.dims, keepdim=self.keepdim)


class GlobalMax(nn.Module):
    """The maximum over the axes `dims`."""

    def __init__(self, *dims, keepdim=False):
        super().__init__()
        self.dims, self.keepdim = dims, keepdim

    def forward(self, x):
        return x.amax(self.dims, keepdim=self.keepdim)


class RepeatPixels(nn.Module):
    """Repeats every element along `rank` axes from `first` on, for each as often as `times`."""

    def __init__(self, times=2, rank=2, first=1):
        super().__init__()
        self.times, self.first = (times,) * rank if isinstance(times, int) else times, first

    def forward(self, x):
        for dim, times in enumerate(self.times, self.first):
            x = x.repeat_interleave(times, dim)
        return x


def sides(amount, rank):
    """Return (before, after) for each of `rank` axes, given as one number, or one for each axis."""
    if isinstance(amount, int):
        return ((amount, amount),) * rank
    amount = (amount,) if rank == 1 else amount
    return tuple((n, n) if isinstance(n, int) else tuple(n) for n in amount)


class Crop(nn.Module):
    """Takes elements off both ends of `rank` axes from `first` on: see `sides`."""

    def __init__(self, amount, rank=2, first=1):
        super().__init__()
        self.amounts, self.first = sides(amount, rank), first

    def forward(self, x):
        for dim, (before, after) in enumerate(self.amounts, self.first):
            x = x.narrow(dim, before, x.shape[dim] - before - after)
        return x


class Pad(nn.Module):
    """Puts zeros at both ends of `rank` axes from `first` on: see `sides`."""

    def __init__(self, amount, rank=2, first=1):
        super().__init__()
        self.amounts, self.first = sides(amount, rank), first

    def forward(self, x):
        behind = [0, 0] * (x.dim() - self.first - len(self.amounts))
        pads = [n for pair in reversed(self.amounts) for n in pair]
        return torch.nn.functional.pad(x, [*behind, *pads])
