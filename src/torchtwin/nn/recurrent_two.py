"""A recurrent layer that adds up two linear maps of its first state."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.nn.recurrent import LoopRNN


class TwoStateRNN(LoopRNN):
    """Makes two states of the input and the first state, and returns their sum."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, bias=False)
        self.weight_more = nn.Parameter(torch.empty(hidden_size, hidden_size))
        nn.init.uniform_(self.weight_more, -(hidden_size**-0.5), hidden_size**-0.5)

    def initial_states(self, x: torch.Tensor) -> list[torch.Tensor]:
        return super().initial_states(x) * 3

    def step(self, x: torch.Tensor, states: list[torch.Tensor], drop: Any) -> list[torch.Tensor]:
        first = x + F.linear(states[1], self.weight_hh)
        second = x + F.linear(states[1], self.weight_more)
        return [first + second, first, second]

    def forward(self, x: torch.Tensor, hx: Any = None, mask: torch.Tensor | None = None) -> Any:
        hx = None if hx is None else (torch.zeros_like(hx[0]), *hx)
        x, state = super().forward(x, hx, mask)
        return x, state[1:]
