"""Linear algebra where PyTorch wants to know what is a vector."""

from __future__ import annotations

import torch


def solve_rows(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Solve a @ x = b; `b` is one vector where it has one axis, otherwise matrices."""
    if b.dim() == 1:
        return torch.linalg.solve(a, b[:, None])[..., 0]
    batch = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return torch.linalg.solve(a.expand(*batch, *a.shape[-2:]), b.expand(*batch, *b.shape[-2:]))


def solve_triangle(a: torch.Tensor, b: torch.Tensor, lower: bool = False) -> torch.Tensor:
    """Solve a @ x = b for a triangle; `b` has vectors where it has an axis less than `a`."""
    if b.dim() == a.dim() - 1:
        return torch.linalg.solve_triangular(a, b[..., None], upper=not lower)[..., 0]
    return torch.linalg.solve_triangular(a, b, upper=not lower)


def positive_definite_inverse(factor: torch.Tensor, upper: bool = False) -> torch.Tensor:
    """Return the inverse of a matrix from its Cholesky factor, of which one triangle is read."""
    eye = torch.eye(factor.shape[-1], dtype=factor.dtype, device=factor.device)
    inverse = torch.linalg.solve_triangular(factor, eye, upper=upper)
    return inverse @ inverse.mT if upper else inverse.mT @ inverse
