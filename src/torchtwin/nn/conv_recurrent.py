"""An LSTM whose products are convolutions (Shi et al., 2015), which PyTorch lacks."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from torchtwin.nn.recurrent import Recurrence


class ConvLSTM(Recurrence):
    """A convolutional LSTM over images (batch, steps, channels, ...).

    `of_x` is the convolution of the input and `of_h` that of the state, each for all four gates,
    in the order of `nn.LSTM`: input, forget, cell, output.
    """

    def __init__(
        self,
        of_x: nn.Module,
        of_h: nn.Module,
        *,
        activation: Any = torch.tanh,
        recurrent_activation: Any = torch.sigmoid,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__(4, dropout, recurrent_dropout)
        self.of_x = of_x
        self.of_h = of_h
        self.activation = activation
        self.recurrent_activation = recurrent_activation

    def product(self, conv: nn.Module, x: torch.Tensor, drop: Any) -> torch.Tensor:
        if drop is None:
            whole: torch.Tensor = conv(x)
            return whole
        return torch.cat([conv(x * d).chunk(4, 1)[k] for k, d in enumerate(drop)], 1)

    def of_input(self, x: torch.Tensor) -> torch.Tensor:
        drop = self.drops(x[:, 0], self.dropout)
        if drop is None:
            x, (batch, steps) = self.of_x(x.flatten(0, 1)), x.shape[:2]
            return x.reshape(batch, steps, *x.shape[1:])
        return torch.stack([self.product(self.of_x, now, drop) for now in x.unbind(1)], 1)

    def initial_states(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [torch.zeros_like(x[:, 0].chunk(4, 1)[0])] * 2

    def step(self, x: torch.Tensor, states: list[torch.Tensor], drop: Any) -> list[torch.Tensor]:
        h, c = states
        i, f, g, o = (x + self.product(self.of_h, h, drop)).chunk(4, 1)
        i, f, o = map(self.recurrent_activation, (i, f, o))
        c = f * c + i * self.activation(g)
        return [o * self.activation(c), c]
