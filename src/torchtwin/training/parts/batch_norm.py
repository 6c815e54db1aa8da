"""Batch normalisation in training as Keras does it."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.training.parts.processes import all_sum, world_size


def keep_biased_variance(module):
    """Let the nn.BatchNorm layers of a module keep the biased variance in `running_var`.

    PyTorch keeps the unbiased one, n/(n-1) times as much. With several processes the statistics
    are those of the whole batch.
    """
    for part in module.modules():
        kind = nn.modules.batchnorm._BatchNorm
        if isinstance(part, kind) and type(part).forward is kind.forward:  # not a frozen one
            part.forward = functools.partial(batch_norm, part)


def batch_norm(norm, x):
    """Return what an nn.BatchNorm layer gives, its running statistics updated in training."""
    if not norm.training:
        return F.batch_norm(
            x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
        )
    count = x.numel() // x.shape[1]
    if world_size() == 1 and count > 1:
        mean, var = norm.running_mean.clone(), norm.running_var.clone()
        y = F.batch_norm(x, mean, var, norm.weight, norm.bias, True, 1.0, norm.eps)
        var = var * (1 - 1 / count)
    else:
        mean, var = moments(x)
        shape = [1, -1] + [1] * (x.dim() - 2)
        y = (x - mean.view(shape)) * (var.view(shape) + norm.eps).rsqrt()
        if norm.affine:
            y = y * norm.weight.view(shape) + norm.bias.view(shape)
    norm.running_mean.lerp_(mean.detach(), norm.momentum)
    norm.running_var.lerp_(var.detach(), norm.momentum)
    norm.num_batches_tracked.add_(1)
    return y


class Shared(torch.autograd.Function):
    """The sum over all processes; what each does with it flows back to all."""

    @staticmethod
    def forward(ctx, x):  # noqa: ARG004
        return all_sum(x)

    @staticmethod
    def backward(ctx, gradient):  # noqa: ARG004
        return all_sum(gradient)


def moments(x):
    """Return mean and biased variance of the channels, over the samples of all processes."""
    axes = [axis for axis in range(x.dim()) if axis != 1]
    count = x.new_full((), x.numel() // x.shape[1])
    total = x.sum(axes)
    if world_size() > 1:
        count, total = Shared.apply(count), Shared.apply(total)
    mean = total / count
    squares = (x - mean.view([1, -1] + [1] * (x.dim() - 2))).square().sum(axes)
    if world_size() > 1:
        squares = Shared.apply(squares)
    return mean, squares / count
