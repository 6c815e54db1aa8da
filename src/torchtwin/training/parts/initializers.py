"""Initialisations that torch.nn.init lacks."""

from __future__ import annotations

import torch
from torch import nn


def truncated_normal_(weight: torch.Tensor, mean: float = 0.0, std: float = 0.05) -> None:
    """Draw from a normal distribution that is cut off two standard deviations from its mean.

    (`nn.init.trunc_normal_` cuts off at -2 and 2, whatever the standard deviation.)
    """
    nn.init.trunc_normal_(weight, mean, std, mean - 2 * std, mean + 2 * std)


def scaled_normal_(weight: torch.Tensor, scale: float = 1.0, mode: str = "fan_in") -> None:
    """Draw from a normal distribution, cut off at twice its width, of variance scale / fan.

    (`nn.init.kaiming_normal_` and `nn.init.xavier_normal_` do not cut it off.)
    """
    fan_in = weight[0].numel()
    fan_out = weight.numel() // weight.shape[1]
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    std = (scale / fan) ** 0.5 / 0.87962566103423978  # the width before the cut
    nn.init.trunc_normal_(weight, 0.0, std, -2 * std, 2 * std)
