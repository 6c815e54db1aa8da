"""A relu with learned slopes, sized at its first input."""

from __future__ import annotations

import torch
from torch import nn

from torchtwin.nn.lazy import LazyModule


class LazyPReLU(LazyModule):
    """max(x, 0) + weight * min(x, 0), with a weight for each number of a sample.

    Along the axes `shared_dims`, which count from 1 behind the batch, there is one for all.
    """

    def __init__(self, shared_dims=(), weight_init=torch.zeros):
        super().__init__()
        self.shared_dims, self.weight_init = shared_dims or (), weight_init

    def build(self, input_shape):
        lengths = enumerate(input_shape[1:], 1)
        shape = tuple(1 if k in self.shared_dims else n for k, n in lengths)
        self.weight = nn.Parameter(self.weight_init(shape, dtype=torch.get_default_dtype()))

    def forward(self, x):
        return torch.relu(x) - self.weight * torch.relu(-x)
