"""From the losses of samples to the loss of a batch."""

from __future__ import annotations

import torch

from torchtwin.training.parts.processes import world_size


def same_rank(first, second):
    """Add or drop a last axis of length 1 where the ranks differ by one: (n,) meets (n, 1)."""
    if first.dim() == second.dim() + 1 and first.shape[-1] == 1:
        if second.dim() == 1:
            return first, second.unsqueeze(-1)
        return first.squeeze(-1), second
    if second.dim() == first.dim() + 1 and second.shape[-1] == 1:
        second, first = same_rank(second, first)
    return first, second


def weighted_sum(values, weight=None, mask=None, reduction="sum_over_batch_size"):
    """Return `total, divisor`, whose ratio is the loss of the batch.

    A mask weighs as zeros in `weight` would, and what it hides is not counted in the mean. Each of
    the two may be added up over the processes that share a batch: a divisor of 1 is shared out.
    """
    if mask is not None:
        kept = mask.to(values.dtype)
        weight = kept if weight is None else torch.mul(*same_rank(kept, weight.to(values.dtype)))
    if weight is not None:
        values, weight = same_rank(values, weight.to(values.dtype))
        values = values * weight
    total, divisor = values.sum(), values.new_full((), values.numel())
    if values.dim() == 0:
        return total, divisor
    if reduction in ("sum", "none"):
        divisor = divisor.fill_(1.0)
        divisor = divisor.fill_(1 / world_size())  # when: processes
    elif reduction == "mean_with_sample_weight" and weight is not None:
        divisor = weight.sum()
    elif mask is not None and reduction == "sum_over_batch_size":
        divisor = kept.sum() * (values.numel() / max(mask.numel(), 1))
    return total, divisor


def ratio(total, divisor):
    """`total / divisor`, and 0 where the divisor is 0: a batch of which nothing counts."""
    return total / torch.where(divisor == 0, torch.inf, divisor)
