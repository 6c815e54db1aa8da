"""A linear layer that takes the size of its first input."""

from __future__ import annotations

import torch
from torch import nn

from torchtwin.nn.initial import glorot_uniform
from torchtwin.nn.lazy import LazyModule


class LazyLinear(LazyModule):
    """A linear layer of the last axis, whose input size is that of the first input.

    The first weights are drawn by functions of a shape, (in, out), and a dtype.
    """

    def __init__(self, out_features, bias=True, weight_init=glorot_uniform, bias_init=torch.zeros):
        super().__init__()
        self.out_features, self.has_bias = out_features, bias
        self.weight_init, self.bias_init = weight_init, bias_init

    def build(self, input_shape):
        dtype = torch.get_default_dtype()
        weight = self.weight_init((input_shape[-1], self.out_features), dtype=dtype)
        self.weight = nn.Parameter(weight.T.contiguous())
        bias = self.bias_init((self.out_features,), dtype=dtype) if self.has_bias else None
        self.bias = None if bias is None else nn.Parameter(bias)

    def forward(self, x):
        x = x if x.is_floating_point() else x.to(self.weight.dtype)
        return nn.functional.linear(x, self.weight, self.bias)
