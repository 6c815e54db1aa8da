"""From the losses of samples to the loss of a batch."""

from __future__ import annotations

import torch


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

    A mask weighs as zeros in `weight` would, and what it hides is not counted in the mean. Over
    parts of a batch both may be added up, but for the divisor of "sum", which stays 1.
    """
    if mask is not None:
        kept = mask.to(values.dtype)
        weight = kept if weight is None else torch.mul(*same_rank(kept, weight.to(values.dtype)))
    if weight is not None:
        values, weight = same_rank(values, weight.to(values.dtype))
        values = values * weight
    total, divisor = values.sum(), values.new_tensor(values.numel())
    if reduction in ("sum", "none") or values.dim() == 0:
        divisor = values.new_tensor(1)
    elif reduction == "mean_with_sample_weight" and weight is not None:
        divisor = weight.sum()
    elif reduction == "sum_over_batch_size" and mask is not None:
        divisor = kept.sum() * (values.numel() / mask.numel())
    return total, divisor


def ratio(total, divisor):
    """`total / divisor`, and 0 where the divisor is 0: a batch of which nothing counts."""
    return total / torch.where(divisor == 0, torch.inf, divisor)
