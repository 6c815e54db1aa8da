"""Sorting and counting as Keras does it."""

from __future__ import annotations

from typing import Any

import torch


def top_k(x: torch.Tensor, k: int = 1) -> Any:
    """The k largest of the last axis and their places; the first of equals comes first."""
    values, places = x.sort(dim=-1, descending=True, stable=True)
    return torch.return_types.topk((values[..., :k], places[..., :k].int()))


def in_top_k(targets: torch.Tensor, predictions: torch.Tensor, k: int) -> torch.Tensor:
    """Whether fewer than k predictions are larger than that of the target."""
    chosen = predictions.gather(-1, targets.long()[..., None])
    chosen = torch.where(chosen.isnan(), float("-inf"), chosen)
    return (predictions > chosen).sum(-1) < k


def bincount(x: torch.Tensor, weights: Any = None, minlength: int = 0) -> torch.Tensor:
    """How often each whole number is there, in each row where there are rows."""
    length = max(int(x.max()) + 1 if x.numel() else 0, minlength)
    ones = torch.ones_like(x, dtype=torch.int32) if weights is None else weights
    counts = torch.zeros(*x.shape[:-1], length, dtype=ones.dtype, device=x.device)
    return counts.scatter_add(-1, x.long(), ones)


def histogram(x: torch.Tensor, bins: int = 10, range: Any = None) -> Any:  # noqa: A002
    """How many values lie in each of equal intervals, and the ends of those."""
    x = x.flatten()
    x = x if x.is_floating_point() else x.to(torch.get_default_dtype())
    low, high = (x.min(), x.max()) if range is None else (x.new_tensor(end) for end in range)
    half = torch.where(low == high, 0.5, 0.0)
    low, high = low - half, high + half
    edges = low + (high - low) * torch.arange(bins + 1, dtype=x.dtype, device=x.device) / bins
    places = (torch.bucketize(x, edges, right=True) - 1).clamp(0, bins - 1)
    inside = ((x >= low) & (x <= high)).to(x.dtype)
    return x.new_zeros(bins).scatter_add(0, places, inside), edges


def unique(
    x: torch.Tensor,
    *,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The sorted different values."""
    found, inverse, counts = x.unique(return_inverse=True, return_counts=True, dim=dim)
    flat = inverse.flatten()
    places = torch.arange(flat.numel(), device=x.device)
    first = torch.full_like(counts, flat.numel()).scatter_reduce(0, flat, places, "amin")
    asked = ((return_index, first), (return_inverse, inverse), (return_counts, counts))
    results = [found, *(part.int() for wanted, part in asked if wanted)]
    return results[0] if len(results) == 1 else tuple(results)


def unique_of_size(
    x: torch.Tensor,
    size: int,
    *,
    fill_value: Any = 0,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
) -> Any:
    """The sorted different values, cut or filled up to a length."""
    ordered, order = x.flatten().sort(stable=True)
    new = torch.cat([torch.ones_like(ordered[:1], dtype=torch.bool), ordered[1:] != ordered[:-1]])
    rank = new.cumsum(0) - 1
    place = rank.clamp(max=size)
    values = torch.where(place < 0, ordered, fill_value)[:1]
    found = values.repeat(size + 1).scatter(0, place, ordered)[:size]
    first = order[:1].repeat(size + 1).scatter(0, place.flip(0), order.flip(0))[:size]
    inverse = torch.empty_like(rank).scatter(0, order, rank).reshape(x.shape)
    counts = (
        torch.zeros_like(place[:1])
        .repeat(size + 1)
        .scatter_add(0, place, torch.ones_like(place))[:size]
    )
    asked = ((return_index, first), (return_inverse, inverse), (return_counts, counts))
    results = [found, *(part.int() for wanted, part in asked if wanted)]
    return results[0] if len(results) == 1 else tuple(results)


def unique_in_order(x: torch.Tensor) -> Any:
    """The different values as they first come, the place of each among them, and how often."""
    values, inverse, counts = x.unique(return_inverse=True, return_counts=True)
    places = torch.arange(x.numel(), device=x.device)
    first = torch.full_like(counts, x.numel()).scatter_reduce(0, inverse, places, "amin")
    order = first.argsort()
    rank = torch.empty_like(order)
    rank[order] = torch.arange(order.numel(), device=x.device)
    return values[order], rank[inverse].int(), counts[order].int()
