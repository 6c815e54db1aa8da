"""Entries of a tensor by their places: rows of indices, one for each of the first axes."""

from __future__ import annotations

import torch


def gather_places(x: torch.Tensor, indices: torch.Tensor, batch_dims: int = 0) -> torch.Tensor:
    """Return the entries of `x` at rows of indices, which stand in the last axis of `indices`."""
    indices = torch.as_tensor(indices, device=x.device)
    batch = [
        torch.arange(n, device=x.device).view(-1, *[1] * (indices.dim() - k - 2))
        for k, n in enumerate(x.shape[:batch_dims])
    ]
    return x[(*batch, *indices.long().unbind(-1))]


def put_places(
    x: torch.Tensor, indices: torch.Tensor, updates: torch.Tensor, reduction: str = "set"
) -> torch.Tensor:
    """Return `x` with entries at rows of indices set to, or combined with, `updates`.

    `reduction` is "set", "add", "max", "min" or "mul".
    """
    depth = indices.shape[-1]
    sizes, rest = x.shape[:depth], x.shape[depth:]
    place = torch.zeros_like(indices[..., 0], dtype=torch.long)
    for k, size in enumerate(sizes):
        place = place * size + indices[..., k] % size
    place = place.flatten()
    rows, new = x.reshape(-1, *rest), torch.as_tensor(updates, dtype=x.dtype, device=x.device)
    new = new.broadcast_to(*indices.shape[:-1], *rest).reshape(-1, *rest)
    if reduction == "set":
        return rows.index_copy(0, place, new).reshape(x.shape)
    if reduction == "add":
        return rows.index_add(0, place, new).reshape(x.shape)
    how = {"max": "amax", "min": "amin", "mul": "prod"}[reduction]
    place = place.view(-1, *[1] * len(rest)).expand_as(new)
    return rows.scatter_reduce(0, place, new, how).reshape(x.shape)


def take_slice(x: torch.Tensor, start: list[int], shape: list[int]) -> torch.Tensor:
    """Return the part of `x` of this shape that begins at `start`; -1 is all that is left.

    A part that would leave the tensor is moved back into it.
    """
    for dim, (first, length) in enumerate(zip(start, shape, strict=True)):
        size = x.shape[dim]
        length = size - first if length == -1 else length
        x = x.narrow(dim, max(min(int(first), size - int(length)), 0), int(length))
    return x


def put_slice(x: torch.Tensor, start: list[int], updates: torch.Tensor) -> torch.Tensor:
    """Return `x` with the part that begins at `start` replaced by `updates`.

    A part that would leave the tensor is moved back into it.
    """
    sizes = zip(start, updates.shape, x.shape, strict=True)
    first = [max(min(int(k), size - n), 0) for k, n, size in sizes]
    part = tuple(slice(k, k + n) for k, n in zip(first, updates.shape, strict=True))
    result = x.clone()
    result[part] = updates.to(x.dtype)
    return result


def reduce_segments(
    data: torch.Tensor,
    segments: torch.Tensor,
    count: int | None = None,
    how: str = "sum",
    empty: float | None = None,
) -> torch.Tensor:
    """Reduce the rows of each segment to one; `segments` has the segment of each row.

    `how` is "sum", "prod", "amax", "amin" or "mean". Rows of segments beyond `count` are left out,
    and a segment without rows is `empty`.
    """
    lead = segments.dim()
    data, segments = data.reshape(-1, *data.shape[lead:]), segments.flatten().long()
    count = int(segments.max()) + 1 if count is None else count
    inside = (segments >= 0) & (segments < count)
    segments = torch.where(inside, segments, count)  # one more segment takes what is left out
    place = segments.view(-1, *[1] * (data.dim() - 1)).expand_as(data)
    start = 1 if how == "prod" else 0
    result = data.new_full((count + 1, *data.shape[1:]), start)
    result = result.scatter_reduce(0, place, data, how, include_self=how in ("sum", "prod"))[:-1]
    if empty is None:
        return result
    rows = torch.zeros_like(segments.new_empty(count + 1)).index_add(
        0, segments, torch.ones_like(segments)
    )[:-1]
    return result.masked_fill((rows == 0).view(-1, *[1] * (data.dim() - 1)), empty)
