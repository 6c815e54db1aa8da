"""Batch normalisation in training as Keras does it."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.nn.normalization import FrozenBatchNorm
from torchtwin.training.parts.processes import all_sum, world_size


def keep_biased_variance(module):
    """Let the nn.BatchNorm layers of a module keep the biased variance in `running_var`.

    PyTorch keeps the unbiased one, n/(n-1) times as much. With several processes the statistics
    are those of the whole batch.
    """
    for part in module.modules():
        if isinstance(part, FrozenBatchNorm):  # when: frozen
            continue  # when: frozen
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.forward = functools.partial(batch_norm, part)


def in_own_order(module, inputs):  # noqa: ARG001
    """A hook that lays inputs out in PyTorch's own order.

    nn.GroupNorm of torch 2.13 crashes on a CPU where channels lie last and no gradient is needed.
    """
    return tuple(x.contiguous() for x in inputs)


def batch_norm(norm, x, mask=None):
    """Return what an nn.BatchNorm layer gives, its running statistics updated in training.

    Where a `mask`, which broadcasts to `x`, is False nothing counts for the statistics.
    """
    if not norm.training:
        return F.batch_norm(
            x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
        )
    count = x.numel() // x.shape[1]
    if world_size() == 1 and count > 1 and mask is None:
        mean, var = norm.running_mean.clone(), norm.running_var.clone()
        y = F.batch_norm(x, mean, var, norm.weight, norm.bias, True, 1.0, norm.eps)
        var = var * (1 - 1 / count)
    else:
        y = x.to(norm.running_mean.dtype)
        mean, var = moments(y, mask)
        shape = [1, -1] + [1] * (x.dim() - 2)
        y = (y - mean.view(shape)) * (var.view(shape) + norm.eps).rsqrt()
        if norm.affine:
            y = y * norm.weight.view(shape) + norm.bias.view(shape)
        y = y.to(x.dtype)
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


def moments(x, mask=None):
    """Return mean and biased variance of the channels, over the samples of all processes."""
    axes = [axis for axis in range(x.dim()) if axis != 1]
    if mask is None:
        count, kept = x.new_full((), x.numel() // x.shape[1]), x
    else:
        mask = mask.expand_as(x)
        count, kept = mask.sum(axes).to(x.dtype), torch.where(mask, x, 0.0)
    total = kept.sum(axes)
    if world_size() > 1:
        count, total = Shared.apply(count), Shared.apply(total)
    if mask is not None:
        count = count + 1e-7  # where all is masked
    mean = total / count
    centred = x - mean.view([1, -1] + [1] * (x.dim() - 2))
    squares = (centred if mask is None else torch.where(mask, centred, 0.0)).square().sum(axes)
    if world_size() > 1:
        squares = Shared.apply(squares)
    return mean, squares / count
