"""A penalty on what a layer gives out, for training."""

from __future__ import annotations

import torch
from torch import nn


class ActivityPenalty(nn.Module):
    """Hands its input on. A training loop that sets `recording` finds in `recorded`, for every
    call, l1·Σ|x| + l2·Σx² and the number of samples by which it has to be divided."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        super().__init__()
        self.l1, self.l2 = l1, l2
        self.recording = False
        self.recorded: list[tuple[torch.Tensor, int]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.recording:
            penalty = self.l1 * x.abs().sum() + self.l2 * x.square().sum()
            self.recorded.append((penalty, len(x)))
        return x
