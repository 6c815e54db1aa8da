"""Statistics over several axes, some of them leaving NaN out."""

from __future__ import annotations

from typing import Any

import torch


def dims_of(x: torch.Tensor, dim: Any) -> list[int]:
    dims = range(x.ndim) if dim is None else dim if isinstance(dim, tuple | list) else (dim,)
    return [d % x.ndim for d in dims]


def quantile(
    x: torch.Tensor,
    q: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    method: str = "linear",
    skip_nan: bool = False,
) -> torch.Tensor:
    """The q-th quantiles over any axes; several q make a first axis."""
    given = x.dtype if x.is_floating_point() else torch.get_default_dtype()
    x = x.to(torch.promote_types(given, torch.float32))  # PyTorch has none of half precision
    q, dims = torch.as_tensor(q, dtype=x.dtype, device=x.device), dims_of(x, dim)
    left = [d for d in range(x.ndim) if d not in dims]
    flat = x.permute(*left, *dims).flatten(len(left))
    function = torch.nanquantile if skip_nan else torch.quantile
    result = function(flat, q.flatten(), dim=-1, interpolation=method)
    if keepdim:
        result = result.reshape(-1, *(1 if d in dims else n for d, n in enumerate(x.shape)))
    return result.reshape((*q.shape, *result.shape[1:])).to(given)


def average_over(x: torch.Tensor, weights: torch.Tensor, dim: Any = None) -> torch.Tensor:
    """The weighted mean; weights with one axis lie along `dim`."""
    if dim is not None and weights.ndim < x.ndim:
        weights = weights.reshape(-1, *[1] * (x.ndim - 1 - dim % x.ndim))
    weights = weights.expand_as(x)
    return (x * weights).sum(dim) / weights.sum(dim)


def nan_extreme(
    x: torch.Tensor, dim: Any = None, keepdim: bool = False, largest: bool = True
) -> Any:
    """The largest or smallest number, NaN where there is none."""
    if not x.is_floating_point():
        x = x.to(torch.get_default_dtype())
    dims, missing = dims_of(x, dim), x.isnan()
    if largest:
        found = torch.where(missing, float("-inf"), x).amax(dims, keepdim)
    else:
        found = torch.where(missing, float("inf"), x).amin(dims, keepdim)
    return torch.where(missing.all(dims, keepdim), float("nan"), found)


def nan_place(x: torch.Tensor, dim: Any = None, keepdim: bool = False, largest: bool = True) -> Any:
    """Where the largest or smallest number is, -1 where all are NaN."""
    missing = x.isnan()
    if largest:
        place = torch.where(missing, float("-inf"), x).argmax(dim, keepdim)
    else:
        place = torch.where(missing, float("inf"), x).argmin(dim, keepdim)
    nothing = missing.all() if dim is None else missing.all(dim, keepdim)
    return torch.where(nothing, -1, place).int()


def nan_var(x: torch.Tensor, dim: Any = None, keepdim: bool = False) -> torch.Tensor:
    """The mean squared distance from the mean of the numbers that are not NaN."""
    dims = dims_of(x, dim)
    return (x - x.nanmean(dims, True)).square().nanmean(dims, keepdim)


def correlation(x: torch.Tensor) -> torch.Tensor:
    """The coefficients of correlation between rows; torch.corrcoef does not run on meta."""
    x = x - x.mean(1, keepdim=True)
    products = x @ x.T
    scale = products.diagonal().sqrt()
    return (products / scale[:, None] / scale).clamp(-1, 1)
