"""Linear maps between chosen axes, with weights that are whole numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from torchtwin.nn.quantized import GroupedLinear, QuantizedLinear, rounded


class QuantizedEinsum(QuantizedLinear):
    """torch.einsum of the input and a weight of whole numbers of eight bits.

    `scale` has the shape in which it broadcasts to the output. With `rounds` the input is rounded
    over `dims`; `align` is the equation with the axes that the weight makes in the weight's place.
    """

    def __init__(
        self,
        equation: str,
        shape: tuple[int, ...],
        scale: tuple[int, ...],
        bias: tuple[int, ...] | None = None,
        *,
        dims: tuple[int, ...] = (),
        align: str = "",
        **options: Any,
    ) -> None:
        super().__init__(1, 1, False, **options)
        self.equation, self.dims, self.align = equation, dims, align
        self.weight = self.weight.new_zeros(shape)
        self.scale = torch.ones(scale)
        self.bias = None if bias is None else nn.Parameter(torch.zeros(bias))

    def product(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return torch.einsum(self.equation, x, weight)

    def aligned(self, factor: torch.Tensor) -> torch.Tensor:
        made = self.align.partition(",")[2].partition("->")[0]
        return torch.einsum(self.align, factor, factor.new_ones([1] * len(made)))


class PackedEinsum(QuantizedEinsum):
    """torch.einsum with a weight of numbers of four bits, kept as a matrix (rows, columns)."""

    def __init__(
        self,
        equation: str,
        shape: tuple[int, ...],
        matrix: tuple[int, int],
        bias: tuple[int, ...] | None = None,
        **options: Any,
    ) -> None:
        stored = (matrix[0], (matrix[1] + 1) // 2)
        super().__init__(equation, stored, (matrix[1],), bias, bits=4, **options)
        self.shape, self.columns = shape, matrix[1]

    def scaled(self, x: torch.Tensor) -> torch.Tensor:
        weight = (self.whole().to(self.dtype) / self.scale.to(self.dtype)).view(self.shape)
        if self.rounds:
            whole, factor = rounded(x, self.dims)
            y = self.product(whole, weight) / self.aligned(factor)
            if not x.requires_grad:
                return y
        smooth = self.product(x, weight)
        return smooth + (y - smooth).detach() if self.rounds else smooth


class GroupedEinsum(GroupedLinear):
    """torch.einsum with a weight of whole numbers, a matrix with scales for groups of rows."""

    def __init__(
        self,
        equation: str,
        shape: tuple[int, ...],
        matrix: tuple[int, int],
        bias: tuple[int, ...] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*matrix, False, **options)
        self.equation, self.shape = equation, shape
        self.bias = None if bias is None else nn.Parameter(torch.zeros(bias))

    def product(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return torch.einsum(self.equation, x, weight.view(self.shape))
