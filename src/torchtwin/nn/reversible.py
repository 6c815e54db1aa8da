"""Embeddings that also lead back: from vectors to a score for each row."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.nn.quantized import QuantizedEmbedding, rounded


def soft_capped(x: torch.Tensor, cap: float | None) -> torch.Tensor:
    """Keep `x` between -cap and cap, smoothly."""
    return x if cap is None else cap * torch.tanh(x / cap)


class ReversibleEmbedding(nn.Embedding):
    """An embedding; with `reverse` the products of vectors with its rows, or with rows of their own
    where they are not `tied`. `cap` bounds the products, which are computed in `reverse_dtype`.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        tied: bool = True,
        cap: float | None = None,
        reverse_dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(num_embeddings, embedding_dim)
        self.cap, self.reverse_dtype = cap, reverse_dtype
        self.rows = None if tied else nn.Parameter(torch.randn(num_embeddings, embedding_dim))

    def forward(self, x: torch.Tensor, *, reverse: bool = False) -> torch.Tensor:
        if not reverse:
            return super().forward(x)
        rows, dtype = self.weight if self.rows is None else self.rows, self.reverse_dtype
        if dtype is not None:
            x, rows = x.to(dtype), rows.to(dtype)
        return soft_capped(F.linear(x, rows), self.cap)


class QuantizedReversibleEmbedding(QuantizedEmbedding):
    """An embedding of whole numbers that also leads back.

    With `rounds` the vectors are then rounded to eight bits, each by its largest.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        tied: bool = True,
        cap: float | None = None,
        rounds: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(num_embeddings, embedding_dim, **options)
        self.cap, self.rounds = cap, rounds
        self.rows = None if tied else QuantizedEmbedding(num_embeddings, embedding_dim, **options)

    def forward(self, x: torch.Tensor, *, reverse: bool = False) -> torch.Tensor:
        if not reverse:
            return super().forward(x)
        x, rows = x.to(self.dtype), self if self.rows is None else self.rows
        whole, factor = rounded(x, (-1,)) if self.rounds else (x, torch.ones_like(x[..., :1]))
        if self.groups:
            every = torch.arange(len(rows.weight), device=x.device)
            table = QuantizedEmbedding.forward(rows, every)
            return soft_capped(whole @ table.T / factor, self.cap)
        product = whole.float() @ self.whole(rows.weight).float().T
        return soft_capped(product.to(self.dtype) / (factor * rows.scale.to(self.dtype)), self.cap)
