"""Small things that the functions of a model's training need."""

from __future__ import annotations


def keras_order(x, channels, rank=None):
    """Return a view with the axis `channels` last, the order that the loss is defined in.

    A target without channels, of another rank than the output's, stays as it is.
    """
    return x.movedim(channels, -1) if rank is None or x.dim() == rank else x


def weight_of(weights, k):
    """Return the sample weights of target `k`: its own, or those that all targets share."""
    return weights[min(k, len(weights) - 1)] if weights else None
