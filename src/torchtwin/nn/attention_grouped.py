"""Multi-head attention with heads that share keys, with a gate, or in a window."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from torchtwin.nn.attention import MultiHeadAttention, MultiHeadAttentionScores


class GroupedAttention(MultiHeadAttention):
    """Multi-head attention in which `key_heads` heads of keys and values serve all of the queries'.

    With a `gate` the query decides, by a sigmoid, what of the gathered goes on. In a `window` a
    query sees the keys that are less than so many steps away.
    """

    def __init__(
        self,
        features: int,
        heads: int,
        head_size: int,
        *,
        key_heads: int | None = None,
        gate: bool = False,
        window: int | None = None,
        value_size: int | None = None,
        key_features: int | None = None,
        value_features: int | None = None,
        bias: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(features, heads, head_size, value_size=value_size, bias=bias, **options)
        value_size, self.key_heads = value_size or head_size, key_heads or heads
        keys, values = self.key_heads * head_size, self.key_heads * value_size
        self.key = nn.Linear(key_features or features, keys, bias=bias)
        self.value = nn.Linear(value_features or features, values, bias=bias)
        self.gate = nn.Linear(features, heads * value_size, bias=bias) if gate else None
        self.window = window

    def project(
        self, query: torch.Tensor, value: torch.Tensor, key: torch.Tensor | None
    ) -> list[torch.Tensor]:
        q = self.query(query).unflatten(-1, (self.heads, -1))
        key = self.key(value if key is None else key)
        keys = [x.unflatten(-1, (self.key_heads, -1)) for x in (key, self.value(value))]
        shared = [x.repeat_interleave(self.heads // self.key_heads, -2) for x in keys]
        return [x.transpose(-3, -2) for x in (q, *shared)]

    def merged(self, x: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        x = x.transpose(-3, -2).flatten(-2)
        return self.output(x if self.gate is None else x * self.gate(query).sigmoid())

    def forward(
        self,
        query: torch.Tensor,
        value: torch.Tensor,
        key: torch.Tensor | None = None,
        *,
        mask: torch.Tensor | None = None,
        causal: bool = False,
    ) -> Any:
        if self.window is not None:
            near = band_mask(query.size(-2), value.size(-2), self.window, query.device)
            mask = near if mask is None else mask & near
        return super().forward(query, value, key, mask=mask, causal=causal)


class GroupedAttentionScores(GroupedAttention, MultiHeadAttentionScores):
    """The same, which also returns its scores, (B, heads, T, S)."""


def band_mask(queries: int, keys: int, window: int, device: torch.device) -> torch.Tensor:
    """(T, S), True where a key is less than `window` steps from the query."""
    ones = torch.ones(queries, keys, dtype=torch.bool, device=device)
    return ones.tril(window - 1).triu(1 - window)
