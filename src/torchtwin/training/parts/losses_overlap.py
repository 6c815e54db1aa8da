"""Losses of overlapping masks and of embeddings."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from torchtwin.training.parts.losses import comparable


def dice(output, target, dim=None):
    """1 - the Dice coefficient over `dim`; without `dim` one number for the whole batch."""
    output, target = comparable(output, target)
    both = (output * target).sum(dim)
    return 1 - 2 * both / (output.sum(dim) + target.sum(dim) + 1e-7)


def tversky(output, target, alpha=0.5, beta=0.5, dim=None):
    """1 - the Tversky index over `dim`: `alpha` weighs what is missed, `beta` what is too much."""
    output, target = comparable(output, target)
    both = (output * target).sum(dim)
    missed = (target * (1 - output)).sum(dim)
    extra = (output * (1 - target)).sum(dim)
    return 1 - both / (both + alpha * missed + beta * extra + 1e-7)


def circle(output, target, gamma=80.0, margin=0.4, remove_diagonal=True):
    """Circle loss of normalised embeddings (batch, features) and class numbers.

    Every sample is compared with all others of the batch. It is 0 for one that has no other of
    its class, or none of another class.
    """
    labels = target.reshape(len(output), 1).long()
    alike = labels == labels.T
    unlike = ~alike
    if remove_diagonal:
        alike = alike & ~torch.eye(len(output), dtype=torch.bool, device=output.device)
    distance = (1 - output @ output.T).clamp(min=0)
    pull = -gamma * (margin + distance).clamp(min=0) * (margin - distance)
    push = gamma * (1 + margin - distance).clamp(min=0) * (1 - margin - distance)
    pull = pull.where(alike, -torch.inf).logsumexp(1)
    push = push.where(unlike, -torch.inf).logsumexp(1)
    return F.softplus(pull + push, threshold=40)  # torch cuts it off at 20
