"""Counting classes and values, as TensorFlow does."""

from __future__ import annotations

from typing import Any

import torch


def confusion_matrix(
    labels: torch.Tensor, predictions: torch.Tensor, classes: int | None = None, weights: Any = None
) -> torch.Tensor:
    """How often each class is predicted as each; rows are labels."""
    labels, predictions = labels.flatten().long(), predictions.flatten().long()
    count = int(torch.cat([labels, predictions]).max()) + 1 if classes is None else classes
    ones = torch.ones_like(labels, dtype=torch.int32) if weights is None else weights.flatten()
    cells = torch.zeros(count * count, dtype=ones.dtype, device=labels.device)
    return cells.scatter_add(0, labels * count + predictions, ones).reshape(count, count)


def histogram_of(values: torch.Tensor, ends: Any, count: int = 100) -> torch.Tensor:
    """How many values are in each of `count` equal parts; what lies outside counts at the ends."""
    low, high = (float(end) for end in ends)
    places = ((values.flatten() - low) / (high - low) * count).floor().clamp(0, count - 1).long()
    return torch.bincount(places, minlength=count).int()


def random_flip(x: torch.Tensor, dim: int) -> torch.Tensor:
    """Images turned round along an axis, each with a chance of one half."""
    chance = torch.rand((x.shape[0], 1, 1, 1) if x.ndim == 4 else (), device=x.device)
    return torch.where(chance < 0.5, x.flip(dim), x)


def random_crop(x: torch.Tensor, size: Any) -> torch.Tensor:
    """A part of this size, from anywhere."""
    for axis, (length, wanted) in enumerate(zip(x.shape, size, strict=True)):
        start = int(torch.randint(length - int(wanted) + 1, ()))
        x = x.narrow(axis, start, int(wanted))
    return x
