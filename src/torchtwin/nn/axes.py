"""Functions of tensors whose number of axes is known only when the program runs."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F


def dtype_named(dtype: Any) -> Any:
    """Return a dtype, which may be given by its name."""
    return getattr(torch, dtype) if isinstance(dtype, str) else dtype


def reverse_axes(x: torch.Tensor) -> torch.Tensor:
    """Return a tensor with its axes in reverse order: a transpose of any rank."""
    return x.permute(*range(x.dim() - 1, -1, -1))


def flip_all(x: torch.Tensor) -> torch.Tensor:
    """Return a tensor that runs backwards along every axis."""
    return x.flip(*range(x.dim()))


def take_axis(x: torch.Tensor, indices: Any, dim: int) -> torch.Tensor:
    """Take entries along one axis; `indices`, of any shape, stand in its place in the result."""
    dim = dim % x.dim()
    index: list[Any] = [slice(None)] * dim
    return x[(*index, torch.as_tensor(indices, device=x.device))]


def gather_batch(x: torch.Tensor, indices: Any, dim: int, batch_dims: int) -> torch.Tensor:
    """Take entries along `dim`, other ones in each batch; both begin with `batch_dims` axes."""
    indices = torch.as_tensor(indices, device=x.device)
    batch_dims, dim = batch_dims % indices.dim(), dim % x.dim()
    x = x.movedim(dim, batch_dims)
    batch = [
        torch.arange(n, device=x.device).view(-1, *[1] * (indices.dim() - k - 1))
        for k, n in enumerate(x.shape[:batch_dims])
    ]
    taken = x[(*batch, indices)]
    ranks = range(batch_dims, indices.dim())
    to = dim + indices.dim() - batch_dims
    return taken.movedim(tuple(ranks), tuple(range(dim, to)))


def pad_axes(
    x: torch.Tensor, pad_width: Any, mode: str = "constant", value: float = 0.0
) -> torch.Tensor:
    """Pad each axis by its (before, after) pair, or every axis alike.

    F.pad counts axes from the last, reflects few of them and does not know "symmetric".
    """
    pairs = torch.as_tensor(pad_width).tolist()
    if isinstance(pairs, int):
        pairs = [pairs, pairs]
    if isinstance(pairs[0], int):
        pairs = [pairs]
    pairs = pairs * x.dim() if len(pairs) == 1 else pairs
    if mode == "constant":
        return F.pad(x, [n for pair in pairs[::-1] for n in (pair[0], pair[-1])], value=value)
    for dim, pair in enumerate(pairs):
        if any(pair):
            places = mirrored_places(x.shape[dim], pair[0], pair[-1], mode)
            x = x.index_select(dim, places.to(x.device))
    return x


def mirrored_places(size: int, before: int, after: int, mode: str) -> torch.Tensor:
    """Return the places of an axis that a padded one shows, by mode.

    "reflect" leaves out the edge, "symmetric" repeats it, "edge" has nothing but it, "wrap"
    begins anew.
    """
    places = torch.arange(-before, size + after)
    if mode == "edge":
        return places.clamp(0, size - 1)
    if mode == "wrap":
        return places % size
    period = max(2 * (size - (mode == "reflect")), 1)
    places = places % period
    return torch.minimum(places, period - (mode == "symmetric") - places)


def dot_last(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Sum products over the last axis of `x` and the last but one of `y`, a single one if alone.

    As x @ y up to matrices; beyond them the other axes of both are kept, none is a batch.
    """
    if x.dim() == 0 or y.dim() == 0:
        return x * y
    return x @ y if y.dim() <= 2 else torch.tensordot(x, y, dims=([-1], [-2]))


def dot_batch(
    x: torch.Tensor, y: torch.Tensor, axes: int | tuple[int, int] | None = None
) -> torch.Tensor:
    """Sum products over an axis of each, batch by batch; vectors give (B, 1)."""
    if axes is None:
        axes = (x.dim() - 1, y.dim() - 1 if y.dim() == 2 else y.dim() - 2)
    first, second = (axes, axes) if isinstance(axes, int) else axes
    x, y = x.movedim(first, -1), y.movedim(second, 1)
    shape = (*x.shape[:-1], *y.shape[2:])
    left = x.reshape(x.shape[0], -1, x.shape[-1])
    product = left @ y.reshape(y.shape[0], y.shape[1], -1)
    return product.reshape(shape if len(shape) > 1 else (-1, 1))


def correlate_signals(x: torch.Tensor, y: torch.Tensor, mode: str = "valid") -> torch.Tensor:
    """Sum products of two signals at every shift; `mode` is "valid", "same" or "full"."""
    dtype = torch.result_type(x, y)
    swapped = len(x) < len(y)
    long, short = (y, x) if swapped else (x, y)
    after = len(short) - 1
    before = {"valid": 0, "same": len(short) // 2, "full": after}[mode]
    pad = (before, {"valid": 0, "same": after - before, "full": after}[mode])
    long = F.pad(long.to(dtype), pad)
    found = F.conv1d(long[None, None], short.to(dtype)[None, None])[0, 0]
    return found.flip(0) if swapped else found


def cross_spatial(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the cross product along the last axis; vectors of two numbers have a third of zero."""
    x, y = (F.pad(v, (0, 3 - v.shape[-1])) for v in (x, y))
    return torch.linalg.cross(*torch.broadcast_tensors(x, y))
