"""Vectors brought to the length one."""

from __future__ import annotations

import torch.nn.functional as F
from torch import nn


class UnitLength(nn.Module):
    """Divides by the length along one axis or several."""

    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        return F.normalize(x, dim=self.dim)
