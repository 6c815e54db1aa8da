"""Embedding with a mask of its padding."""

from __future__ import annotations

import torch
from torch import nn

from torchtwin.nn.initial import Uniform


class MaskedEmbedding(nn.Embedding):
    """nn.Embedding that starts uniform in ±0.05, and tells with `mask_zero` where a 0 stands.

    The first weights are drawn by a function of a shape, (words, features), and a dtype.
    """

    def __init__(self, num_embeddings, embedding_dim, mask_zero=False, weight_init=None):
        super().__init__(num_embeddings, embedding_dim)
        draw = weight_init or Uniform()
        first = draw((num_embeddings, embedding_dim), dtype=self.weight.dtype)
        self.weight = nn.Parameter(first)
        self.mask_zero = mask_zero

    def compute_mask(self, x, mask=None):
        """Return where the input is not padding; None without `mask_zero`."""
        return x != 0 if self.mask_zero else None

    def forward(self, x):
        return super().forward(x if x.dtype in (torch.int32, torch.int64) else x.long())


class MaskSteps(nn.Module):
    """Sets steps to zero in which every feature has the value `mask_value`, and masks them."""

    def __init__(self, mask_value=0.0):
        super().__init__()
        self.mask_value = mask_value

    def compute_mask(self, x, mask=None):
        """Return where a step counts."""
        return (x != self.mask_value).any(-1)

    def forward(self, x):
        return x * (x != self.mask_value).any(-1, keepdim=True)
