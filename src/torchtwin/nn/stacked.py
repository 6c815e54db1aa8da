"""Recurrent layers on top of each other."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class StackedRNN(nn.Module):
    """Recurrent layers of different sizes or kinds on top of each other.

    `hx` and the state that it returns are tuples with an entry for each layer. Steps where
    `mask`, (batch, steps), is False are skipped.
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor, hx: Any = None, mask: torch.Tensor | None = None) -> Any:
        given = {} if mask is None else {"mask": mask}
        after = []
        for k, layer in enumerate(self.layers):
            x, state = layer(x, None if hx is None else hx[k], **given)
            after.append(state)
        return x, tuple(after)
