"""Recurrent layers that `nn.LSTM`, `nn.GRU` and `nn.RNN` cannot express.

All are called like those with `batch_first=True`: `output, state = layer(x, state)`.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


def hard_sigmoid(x: torch.Tensor) -> torch.Tensor:
    """0.2 x + 0.5 between 0 and 1; the slope of `F.hardsigmoid` is 1/6."""
    return (0.2 * x + 0.5).clamp(0, 1)


class InputDropout(nn.Module):
    """A recurrent layer behind a dropout that drops the same features at every step."""

    def __init__(self, p: float, rnn: nn.Module) -> None:
        super().__init__()
        self.p = p
        self.rnn = rnn

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        x = F.dropout1d(x.transpose(1, 2), self.p, self.training).transpose(1, 2)
        return self.rnn(x, *args, **kwargs)


class Recurrence(nn.Module):
    """Walks through a sequence, (batch, steps, ...), step by step.

    At steps where `mask`, (batch, steps), is False the state stays and the output repeats the one
    before (zeros at first). In training, `dropout` of the input and `recurrent_dropout` of the
    state drop the same features at every step, other ones for each gate.
    """

    def __init__(self, gates: int, dropout: float, recurrent_dropout: float) -> None:
        super().__init__()
        self.gates = gates
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout

    def initial_states(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the states before the first step; `x` is what the input adds to the gates."""
        raise NotImplementedError

    def of_input(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the input adds to the gates, for all steps at once."""
        raise NotImplementedError

    def step(self, x: torch.Tensor, states: list[torch.Tensor], drop: Any) -> list[torch.Tensor]:
        """Return the states after a step; the first is the output."""
        raise NotImplementedError

    def drops(self, x: torch.Tensor, p: float) -> list[torch.Tensor] | None:
        """Return a factor for each gate, or None where nothing is dropped."""
        if not (self.training and p):
            return None
        return [F.dropout(torch.ones_like(x), p) for _ in range(self.gates)]

    def forward(self, x: torch.Tensor, hx: Any = None, mask: torch.Tensor | None = None) -> Any:
        x = self.of_input(x)
        if hx is None:
            states = self.initial_states(x)
        else:
            states = [state[0] for state in (hx if isinstance(hx, tuple) else (hx,))]
        drop = self.drops(states[0], self.recurrent_dropout)
        output = torch.zeros_like(states[0])
        outputs = []
        for t, now in enumerate(x.unbind(1)):
            after = self.step(now, states, drop)
            if mask is not None:
                keep = mask[:, t].view(-1, *[1] * (output.dim() - 1))
                output = torch.where(keep, after[0], output)
                states = [torch.where(keep, a, b) for a, b in zip(after, states, strict=True)]
            else:
                output, states = after[0], after
            outputs.append(output)
        final = tuple(state[None] for state in states)
        return torch.stack(outputs, 1), final if len(final) > 1 else final[0]


class LoopRNN(Recurrence):
    """A simple recurrent layer with any activation."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        activation: Any = torch.tanh,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        gates: int = 1,
    ) -> None:
        super().__init__(gates, dropout, recurrent_dropout)
        self.activation = activation
        self.weight_ih = nn.Parameter(torch.empty(gates * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(gates * hidden_size, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(gates * hidden_size)) if bias else None
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(hidden_size**-0.5), hidden_size**-0.5)

    def initial_states(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [x.new_zeros(x.shape[0], self.weight_hh.shape[1])]

    def product(self, x: torch.Tensor, weight: torch.Tensor, drop: Any) -> torch.Tensor:
        if drop is None:
            return F.linear(x, weight)
        parts = zip(drop, weight.chunk(self.gates), strict=True)
        return torch.cat([F.linear(x * d, w) for d, w in parts], -1)

    def of_input(self, x: torch.Tensor) -> torch.Tensor:
        x = self.product(x, self.weight_ih, self.drops(x[:, :1], self.dropout))
        return x if self.bias_ih is None else x + self.bias_ih

    def step(self, x: torch.Tensor, states: list[torch.Tensor], drop: Any) -> list[torch.Tensor]:
        return [self.activation(x + self.product(states[0], self.weight_hh, drop))]


class LoopLSTM(LoopRNN):
    """An LSTM with any activations. The gates lie as in `nn.LSTM`; there is one bias."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        activation: Any = torch.tanh,
        recurrent_activation: Any = torch.sigmoid,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            bias,
            activation=activation,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            gates=4,
        )
        self.recurrent_activation = recurrent_activation

    def initial_states(self, x: torch.Tensor) -> list[torch.Tensor]:
        return super().initial_states(x) * 2

    def step(self, x: torch.Tensor, states: list[torch.Tensor], drop: Any) -> list[torch.Tensor]:
        h, c = states
        i, f, g, o = (x + self.product(h, self.weight_hh, drop)).chunk(4, -1)
        i, f, o = map(self.recurrent_activation, (i, f, o))
        c = f * c + i * self.activation(g)
        return [o * self.activation(c), c]


class LoopGRU(LoopRNN):
    """A GRU with any activations; the gates lie as in `nn.GRU`.

    With `reset_after=False` the reset gate works on the state before the product with the
    weights, as in the first version of Cho et al.; there is one bias then.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        activation: Any = torch.tanh,
        recurrent_activation: Any = torch.sigmoid,
        reset_after: bool = True,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            bias,
            activation=activation,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            gates=3,
        )
        self.recurrent_activation = recurrent_activation
        self.reset_after = reset_after
        self.bias_hh = nn.Parameter(torch.zeros(3 * hidden_size)) if bias and reset_after else None

    def step(self, x: torch.Tensor, states: list[torch.Tensor], drop: Any) -> list[torch.Tensor]:
        h = states[0]
        x_r, x_z, x_n = x.chunk(3, -1)
        if self.reset_after:
            own = self.product(h, self.weight_hh, drop)
            own_r, own_z, own_n = (own if self.bias_hh is None else own + self.bias_hh).chunk(3, -1)
            r = self.recurrent_activation(x_r + own_r)
            n = self.activation(x_n + r * own_n)
        else:
            w_r, w_z, w_n = self.weight_hh.chunk(3)
            h_r, h_z, h_n = [h * d for d in drop] if drop is not None else (h, h, h)
            own_z = F.linear(h_z, w_z)
            r = self.recurrent_activation(x_r + F.linear(h_r, w_r))
            n = self.activation(x_n + F.linear(r * h_n, w_n))
        z = self.recurrent_activation(x_z + own_z)
        return [z * h + (1 - z) * n]
