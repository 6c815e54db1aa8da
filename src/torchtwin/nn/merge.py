"""Several tensors made into one."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import nn


def of_one_rank(tensors):
    """Return tensors with axes of length one behind the batch, so that all have as many."""
    rank = max(x.dim() for x in tensors)
    return [x.reshape(len(x), *[1] * (rank - x.dim()), *x.shape[1:]) for x in tensors]


def merged(function, tensors):
    """Bring a list of tensors into one by a function of two."""
    return functools.reduce(function, of_one_rank(tensors))


def mean_of(tensors):
    """Return the mean of a list of tensors."""
    return merged(torch.add, tensors) / len(tensors)


class Merge(nn.Module):
    """Brings a list of tensors into one by a function of two."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, tensors):
        return self.merge(of_one_rank(tensors))

    def merge(self, tensors):
        return functools.reduce(self.function, tensors)


def merged_where(function, tensors, masks):
    """Bring tensors into one; where a mask, (batch, steps), hides one the others are taken.

    What all masks hide is 0 in a product, and that of the first tensor in a maximum.
    """
    kept = [None if mask is None else mask.bool()[..., None] for mask in masks]
    if function is torch.mul:
        parts = [
            x if k is None else x.masked_fill(~k, 1.0) for x, k in zip(tensors, kept, strict=True)
        ]
        product = functools.reduce(torch.mul, parts)
        if any(mask is None for mask in masks):
            return product
        return product.masked_fill(~functools.reduce(torch.logical_or, kept), 0.0)
    result, seen = tensors[0], kept[0]
    for x, own in zip(tensors[1:], kept[1:], strict=True):
        x = x if own is None else torch.where(own, x, result)
        result = result if seen is None else torch.where(seen, result, x)
        seen = None if own is None or seen is None else own | seen
        result = function(result, x)
    return result


class MaskedMerge(Merge):
    """Brings a list of tensors into one by a function of two, without what their masks hide."""

    def forward(self, tensors, mask=None):
        if mask is None:
            return merged(self.function, tensors)
        return merged_where(self.function, tensors, mask)


class Mean(nn.Module):
    """The mean of a list of tensors."""

    def forward(self, tensors):
        return mean_of(tensors)


class Concatenate(nn.Module):
    """Puts a list of tensors one behind the other along an axis."""

    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim

    def forward(self, tensors):
        return torch.cat(list(tensors), dim=self.dim)


def batch_dot(x, y, axes, normalize=False):
    """Return the products of two tensors, sample by sample, summed over an axis of each.

    With `normalize` they have the length one along that axis before.
    """
    axes = (axes, axes) if isinstance(axes, int) else axes
    first, second = axes[0] % x.dim(), axes[1] % y.dim()
    if normalize:
        x, y = F.normalize(x, dim=first, eps=1e-7), F.normalize(y, dim=second, eps=1e-7)
    x, y = x.movedim(first, -1), y.movedim(second, 1)
    shape = (*x.shape[1:-1], *y.shape[2:])
    rows = x.reshape(len(x), -1, x.shape[-1])
    product = rows @ y.reshape(len(y), y.shape[1], -1)
    return product.reshape(len(x), *(shape or (1,)))


class BatchDot(nn.Module):
    """The products of two tensors, sample by sample, summed over an axis of each.

    With `normalize` they have the length one along that axis before.
    """

    def __init__(self, axes, normalize=False):
        super().__init__()
        self.axes, self.normalize = axes, normalize

    def forward(self, tensors):
        x, y = tensors
        return batch_dot(x, y, self.axes, self.normalize)
