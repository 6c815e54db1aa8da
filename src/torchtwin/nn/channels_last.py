"""Modules that want their channels on axis 1, for inputs that have them last."""

from __future__ import annotations

from torch import nn


class ChannelsLast(nn.Sequential):
    """Runs modules that want the channels on axis 1 on inputs that have them last."""

    def forward(self, x):
        return super().forward(x.movedim(-1, 1)).movedim(1, -1)
