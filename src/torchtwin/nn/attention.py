"""Attention as PyTorch lacks it: heads of any size, scores without projections."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class MultiHeadAttention(nn.Module):
    """Multi-head attention whose heads may have any size.

    `mask` is True where a query, (B, T, S) or (B, heads, T, S), may look at a key. A query that may
    look nowhere takes the mean of all values, or zeros with `zero_masked`.
    """

    def __init__(
        self,
        features: int,
        heads: int,
        head_size: int,
        *,
        value_size: int | None = None,
        key_features: int | None = None,
        value_features: int | None = None,
        out_features: int | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        zero_masked: bool = False,
    ) -> None:
        super().__init__()
        value_size = value_size or head_size
        self.heads, self.dropout, self.zero_masked = heads, dropout, zero_masked
        self.query = nn.Linear(features, heads * head_size, bias=bias)
        self.key = nn.Linear(key_features or features, heads * head_size, bias=bias)
        self.value = nn.Linear(value_features or features, heads * value_size, bias=bias)
        self.output = nn.Linear(heads * value_size, out_features or features, bias=bias)

    def project(
        self, query: torch.Tensor, value: torch.Tensor, key: torch.Tensor | None
    ) -> list[torch.Tensor]:
        """Return queries, keys and values, each (..., heads, T, size)."""
        projected = self.query(query), self.key(value if key is None else key), self.value(value)
        return [x.unflatten(-1, (self.heads, -1)).transpose(-3, -2) for x in projected]

    def full_mask(
        self, q: torch.Tensor, k: torch.Tensor, mask: torch.Tensor, causal: bool
    ) -> torch.Tensor:
        """Return a mask for all heads, of no key behind the query when it is causal."""
        while mask.dim() < q.dim():
            mask = mask.unsqueeze(-3)
        return mask & causal_mask(q.size(-2), k.size(-2), q.device) if causal else mask

    def merged(self, x: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Return the output for what all heads have gathered, (..., heads, T, size)."""
        return self.output(x.transpose(-3, -2).flatten(-2))

    def forward(
        self,
        query: torch.Tensor,
        value: torch.Tensor,
        key: torch.Tensor | None = None,
        *,
        mask: torch.Tensor | None = None,
        causal: bool = False,
    ) -> torch.Tensor:
        q, k, v = self.project(query, value, key)
        dropout = self.dropout if self.training else 0.0
        mask = None if mask is None else self.full_mask(q, k, mask, causal)
        if mask is None:
            x = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=causal)
        else:
            seeing, everywhere = spread(q, mask)
            x = F.scaled_dot_product_attention(seeing, k, v, everywhere, dropout_p=dropout)
            if self.zero_masked:
                x = x.masked_fill(~mask.any(-1, keepdim=True), 0.0)
        return self.merged(x, query)


class MultiHeadAttentionScores(MultiHeadAttention):
    """Multi-head attention that also returns its scores, (B, heads, T, S)."""

    def forward(
        self,
        query: torch.Tensor,
        value: torch.Tensor,
        key: torch.Tensor | None = None,
        *,
        mask: torch.Tensor | None = None,
        causal: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        q, k, v = self.project(query, value, key)
        scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
        if mask is None and causal:
            mask = causal_mask(q.size(-2), k.size(-2), q.device)
        if mask is not None:
            mask = self.full_mask(q, k, mask, causal)
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        scores = F.softmax(scores, dim=-1)
        if mask is not None and self.zero_masked:
            scores = scores.masked_fill(~mask, 0.0)
        x = F.dropout(scores, self.dropout, self.training) @ v
        return self.merged(x, query), scores


def spread(q: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return queries and a mask with which one that may look nowhere takes the mean of all values.

    A mask of huge negative numbers would give the same, but wrong gradients.
    """
    blind = ~mask.any(-1, keepdim=True)
    return q.masked_fill(blind, 0.0), mask | blind


def causal_mask(queries: int, keys: int, device: torch.device) -> torch.Tensor:
    """(T, S), True where a key stands no later than the query."""
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril()


class DotAttention(nn.Module):
    """Attention by scalar products, without projections.

    `mask`, (B, T, S) or (B, 1, S), is True where a query may look. `scaled` learns a factor.
    """

    def __init__(self, *, scaled: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(())) if scaled else None
        self.dropout = dropout

    def scores(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        scores = query @ key.transpose(-2, -1)
        return scores if self.scale is None else scores * self.scale

    def forward(
        self,
        query: torch.Tensor,
        value: torch.Tensor,
        key: torch.Tensor | None = None,
        *,
        mask: torch.Tensor | None = None,
        causal: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the values that each query gathers, and the scores, (B, T, S)."""
        scores = self.scores(query, value if key is None else key)
        if causal:
            below = causal_mask(scores.size(-2), scores.size(-1), scores.device)
            mask = below if mask is None else mask & below
        if mask is not None:
            scores = torch.where(mask, scores, scores - 1e9)
        scores = F.dropout(F.softmax(scores, dim=-1), self.dropout, self.training)
        return scores @ value, scores


class SumAttention(DotAttention):
    """Attention by tanh(query + key), summed over features and scaled."""

    def __init__(self, *, scaled: bool = False, dropout: float = 0.0) -> None:
        super().__init__(scaled=scaled, dropout=dropout)
        self.weight = nn.Parameter(torch.ones(()))

    def scores(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        total = query.unsqueeze(-2) + key.unsqueeze(-3)
        total = total if self.scale is None else total * self.scale
        return self.weight * torch.tanh(total).sum(-1)


class AdditiveAttention(DotAttention):
    """Bahdanau's attention: tanh(query + key), weighted by feature."""

    def __init__(self, features: int, *, scaled: bool = True, dropout: float = 0.0) -> None:
        super().__init__(dropout=dropout)
        if scaled:
            bound = (6 / (2 * features)) ** 0.5
            self.scale = nn.Parameter(torch.empty(features).uniform_(-bound, bound))

    def scores(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        scores = torch.tanh(query.unsqueeze(-2) + key.unsqueeze(-3))
        return (scores if self.scale is None else scores * self.scale).sum(-1)
