"""Reductions that PyTorch lacks."""

from __future__ import annotations

from typing import Any

import torch


def prod_over(x: torch.Tensor, dim: Any = None, keepdim: bool = False) -> torch.Tensor:
    """The product over several axes; torch.prod takes one."""
    dims = range(x.ndim) if dim is None else dim if isinstance(dim, tuple | list) else (dim,)
    for axis in sorted((d % x.ndim for d in dims), reverse=True):
        x = x.prod(axis, keepdim=keepdim)
    return x
