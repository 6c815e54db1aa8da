"""Reductions that are handed around as functions, called with `axis` and `keepdims`."""

from __future__ import annotations


def mean_along(x, axis=None, keepdims=False):
    """Return the mean, of all or along axes."""
    return x.mean(axis, keepdim=keepdims)


def sum_along(x, axis=None, keepdims=False):
    """Return the sum, of all or along axes."""
    return x.sum(axis, keepdim=keepdims)


def max_along(x, axis=None, keepdims=False):
    """Return the greatest, of all or along axes."""
    return x.amax(() if axis is None else axis, keepdim=keepdims)


def min_along(x, axis=None, keepdims=False):
    """Return the least, of all or along axes."""
    return x.amin(() if axis is None else axis, keepdim=keepdims)
