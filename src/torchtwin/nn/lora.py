"""Layers with a low-rank adapter (LoRA): a product of two small matrices is added to the weight."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.nn.einsum import EinsumLinear


class LoRALinear(nn.Linear):
    """A linear map whose weight is that of nn.Linear plus `factor` times lora_a @ lora_b."""

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, rank: int,
        factor: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__(in_features, out_features, bias)
        self.factor = factor
        self.lora_a = nn.Parameter(torch.empty(in_features, rank))
        self.lora_b = nn.Parameter(torch.zeros(rank, out_features))
        nn.init.kaiming_uniform_(self.lora_a.T)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        added = self.factor * (self.lora_a @ self.lora_b)
        return F.linear(x, self.weight + added.T, self.bias)


class LoRAEinsumLinear(EinsumLinear):
    """An EinsumLinear whose weight has `factor` times lora_a @ lora_b added to it."""

    def __init__(
        self, equation: str, shape: tuple[int, ...], *, rank: int, factor: float = 1.0,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(equation, shape, **options)
        self.factor = factor
        self.lora_a = nn.Parameter(torch.empty(*shape[:-1], rank))
        self.lora_b = nn.Parameter(torch.zeros(rank, shape[-1]))
        nn.init.kaiming_uniform_(self.lora_a.movedim(-1, 0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.weight + self.factor * (self.lora_a @ self.lora_b)
        x = torch.einsum(self.equation, x, weight)
        return x if self.bias is None else x + self.bias


class LoRAEmbedding(nn.Embedding):
    """An embedding whose weight has `factor` times lora_a @ lora_b added to it."""

    def __init__(
        self, num_embeddings: int, embedding_dim: int, *, rank: int, factor: float = 1.0
    ) -> None:
        super().__init__(num_embeddings, embedding_dim)
        self.factor = factor
        self.lora_a = nn.Parameter(torch.empty(num_embeddings, rank))
        self.lora_b = nn.Parameter(torch.zeros(rank, embedding_dim))
        nn.init.kaiming_uniform_(self.lora_a.T)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + self.factor * (self.lora_a[x] @ self.lora_b)
