"""Layers whose weights are whole numbers of four or eight bits."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def rounded(x: torch.Tensor, dims: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return `x` as whole numbers up to 127 along `dims`, and the factors that made them."""
    top = x.abs().amax(dims, keepdim=True) + 1e-7
    factor = torch.full_like(top, 127) / top  # 127 / top would be 127 times a rounded reciprocal
    return (x * factor).round().clamp(-127, 127), factor


def unpacked(packed: torch.Tensor, length: int, signed: bool = True) -> torch.Tensor:
    """Return the numbers of four bits that lie, two to a byte, along the last axis."""
    halves = torch.stack([packed & 15, (packed >> 4) & 15], -1).flatten(-2)[..., :length]
    return (halves ^ 8) - 8 if signed else halves


class QuantizedLinear(nn.Module):
    """A linear map whose weight, (in, out), is whole numbers, to be divided by `scale`.

    Numbers of four `bits` lie two to a byte. With `rounds` the input is rounded to eight bits as
    well, each time by its largest. It computes in `dtype`.
    """

    dims: tuple[int, ...] = (-1,)
    weight: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        bits: int = 8,
        rounds: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.columns, self.bits, self.rounds, self.dtype = out_features, bits, rounds, dtype
        stored = (out_features + 1) // 2 if bits == 4 else out_features
        self.register_buffer("weight", torch.zeros(in_features, stored, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(out_features))
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def whole(self) -> torch.Tensor:
        """Return the whole numbers of the weight."""
        return unpacked(self.weight, self.columns) if self.bits == 4 else self.weight

    def product(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return x @ weight

    def aligned(self, factor: torch.Tensor) -> torch.Tensor:
        """Return the factors of the input as they broadcast to the output."""
        return factor

    def scaled(self, x: torch.Tensor) -> torch.Tensor:
        """Return the product with the weight, without bias."""
        weight, scale = self.whole(), self.scale.to(self.dtype)
        if self.rounds:
            whole, factor = rounded(x, self.dims)
            y = self.product(whole.float(), weight.float()).to(self.dtype)
            y = y / (scale * self.aligned(factor))
            if not x.requires_grad:
                return y
        smooth = self.product(x, weight.to(self.dtype)) / scale
        # Rounding has no gradient, the product with the weight has.
        return smooth + (y - smooth).detach() if self.rounds else smooth

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.scaled(x.to(self.dtype))
        return y if self.bias is None else y + self.bias.to(self.dtype)


class GroupedLinear(QuantizedLinear):
    """A linear map whose whole numbers have a scale and a zero for each group of rows.

    `group`, (in,), has the group of each row. With `factors` the rows are divided by `factor`.
    """

    zero: torch.Tensor
    group: torch.Tensor
    factor: torch.Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        groups: int = 1,
        signed: bool = True,
        factors: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(in_features, out_features, bias, **options)
        self.signed, self.factors = signed, factors
        kind = torch.int8 if signed else torch.uint8
        self.weight = self.weight.to(kind)
        self.scale = torch.ones(groups, out_features)
        self.register_buffer("zero", torch.zeros(groups, out_features, dtype=kind))
        self.register_buffer("group", torch.zeros(in_features))
        if factors:
            self.register_buffer("factor", torch.ones(in_features))

    def whole(self) -> torch.Tensor:
        four = self.bits == 4
        return unpacked(self.weight, self.columns, self.signed) if four else self.weight

    def dequantized(self) -> torch.Tensor:
        group = self.group.to(self.dtype).int()
        scale, zero = self.scale.to(self.dtype)[group], self.zero.to(self.dtype)[group]
        weight = (self.whole().to(self.dtype) - zero) * scale
        return weight / self.factor.to(self.dtype)[:, None] if self.factors else weight

    def scaled(self, x: torch.Tensor) -> torch.Tensor:
        return self.product(x, self.dequantized())


class QuantizedEmbedding(nn.Module):
    """An embedding of whole numbers, with a scale for each row, or each of its `groups`.

    Rows are divided by their scale; groups are multiplied by it behind the subtraction of `zero`.
    """

    weight: torch.Tensor
    scale: torch.Tensor
    zero: torch.Tensor
    group: torch.Tensor

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        bits: int = 8,
        groups: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.length, self.bits, self.groups, self.dtype = embedding_dim, bits, groups, dtype
        stored = (embedding_dim + 1) // 2 if bits == 4 else embedding_dim
        shape = (num_embeddings, groups) if groups else (num_embeddings,)
        self.register_buffer("weight", torch.zeros(num_embeddings, stored, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(shape))
        if groups:
            self.register_buffer("zero", torch.zeros(shape, dtype=torch.int8))
            self.register_buffer("group", torch.zeros(embedding_dim))

    def whole(self, weight: torch.Tensor) -> torch.Tensor:
        return unpacked(weight, self.length) if self.bits == 4 else weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, scale = self.whole(self.weight[x]).to(self.dtype), self.scale[x].to(self.dtype)
        if not self.groups:
            return rows / scale[..., None]
        group = self.group.to(self.dtype).int()
        return (rows - self.zero[x].to(self.dtype)[..., group]) * scale[..., group]
