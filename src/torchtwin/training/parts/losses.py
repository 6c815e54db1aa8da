"""Losses of a sample that torch has not, or not for targets and outputs of unlike ranks.

Each takes (output, target) and averages over the last axis; (n,) is compared with (n, 1).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from torchtwin.training.parts.reduction import same_rank


def comparable(output, target):
    """Return output and target in one dtype and, but for a last axis of length 1, one rank."""
    return same_rank(output, target.to(output.dtype))


def of_targets(function, output, target):
    """The loss that a function of (target, output) gives; (n,) is compared with (n, 1)."""
    return function(*same_rank(target.to(output.dtype), output))


def of_targets_as_given(loss, output, target):
    """The loss that an object gives by its method `call`, which takes the target first."""
    return loss.call(target.to(output.dtype), output)


def squared_error(output, target):
    """Squared error, averaged over the last axis; targets may be (n,) for outputs (n, 1)."""
    output, target = comparable(output, target)
    return (output - target).square().mean(-1)


def absolute_error(output, target):
    """Absolute error, averaged over the last axis; targets may be (n,) for outputs (n, 1)."""
    output, target = comparable(output, target)
    return (output - target).abs().mean(-1)


def absolute_percentage_error(output, target):
    """Error in percent of the target, which counts as 1e-7 where it is smaller."""
    output, target = comparable(output, target)
    return 100 * ((target - output) / target.abs().clamp(min=1e-7)).abs().mean(-1)


def squared_logarithmic_error(output, target):
    """Squared error of log(1 + x), with everything below 1e-7 taken for 1e-7."""
    output, target = comparable(output, target)
    error = torch.log(output.clamp(min=1e-7) + 1) - torch.log(target.clamp(min=1e-7) + 1)
    return error.square().mean(-1)


def huber(output, target, delta=1.0):
    """F.huber_loss, averaged over the last axis; targets may be (n,) for outputs (n, 1)."""
    output, target = torch.broadcast_tensors(*comparable(output, target))
    return F.huber_loss(output, target, reduction="none", delta=delta).mean(-1)


def log_cosh(output, target):
    """log(cosh(error)), written so that it cannot overflow."""
    output, target = comparable(output, target)
    error = output - target
    return (torch.logaddexp(error, -error) - math.log(2)).mean(-1)


def poisson(output, target):
    """F.poisson_nll_loss of a rate, averaged over the last axis."""
    output, target = comparable(output, target)
    return (output - target * torch.log(output + 1e-7)).mean(-1)


def kl_divergence(output, target):
    """Divergence of output from target, both probabilities and clipped to [1e-7, 1]."""
    output, target = comparable(output, target)
    output, target = output.clamp(1e-7, 1), target.clamp(1e-7, 1)
    return (target * torch.log(target / output)).sum(-1)


def negative_cosine_similarity(output, target, dim=-1):
    """Minus the cosine between output and target, so that less is closer."""
    output, target = comparable(output, target)
    output = F.normalize(output, dim=dim, eps=1e-7)
    return -(output * F.normalize(target, dim=dim, eps=1e-7)).sum(dim)


def signed_labels(target):
    """Labels -1 and 1; a batch of nothing but 0 and 1 is taken for such labels."""
    binary = ((target == 0) | (target == 1)).all()
    return torch.where(binary, 2 * target - 1, target)


def hinge(output, target):
    """max(0, 1 - target * output), averaged over the last axis; labels -1 and 1, or 0 and 1."""
    output, target = comparable(output, target)
    return (1 - signed_labels(target) * output).clamp(min=0).mean(-1)


def squared_hinge(output, target):
    """The square of the hinge loss; labels -1 and 1, or 0 and 1."""
    output, target = comparable(output, target)
    return (1 - signed_labels(target) * output).clamp(min=0).square().mean(-1)


def categorical_hinge(output, target):
    """Margin of 1 between the class that the one-hot target names and the best other one."""
    output, target = comparable(output, target)
    right = (target * output).sum(-1)
    wrong = ((1 - target) * output).amax(-1)
    return (wrong - right + 1).clamp(min=0)
