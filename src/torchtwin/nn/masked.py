"""Recurrent layers that skip masked steps, without leaving the fused kernels of PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def valid_first(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Move the steps where `mask`, (batch, steps), is False behind the others, order kept."""
    order = (~mask).to(torch.uint8).argsort(dim=1, stable=True)
    return x.take_along_dim(order[..., None], 1)


def in_place(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Move the outputs for `valid_first` back; a skipped step repeats the one before, or zeros."""
    x = torch.cat([torch.zeros_like(x[:, :1]), x], 1)
    return x.take_along_dim(mask.cumsum(1)[..., None], 1)


def last_valid(
    x: torch.Tensor, mask: torch.Tensor, first: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the last output for `valid_first` that counts; where none does, `first` or zeros."""
    first = torch.zeros_like(x[:, 0]) if first is None else first
    x = torch.cat([first[:, None], x], 1)
    return x.take_along_dim(mask.sum(1)[:, None, None], 1)[:, 0]


def masked_lstm(
    x: torch.Tensor,
    hx: Any,
    mask: torch.Tensor | None,
    weights: tuple[torch.Tensor, torch.Tensor],
    bias: torch.Tensor | None,
) -> Any:
    """Return the outputs of an LSTM at all steps, and its states behind the last that counts.

    `weights` are those of the input and of the state; the one `bias` stands for both.
    """
    weight_ih, weight_hh = weights
    if mask is not None:
        # One more feature, 1 at skipped steps, shuts the input gate and opens the forget gate:
        # so c stays as it is through all of them.
        x = valid_first(torch.cat([x, (~mask)[..., None].to(x.dtype)], 2), mask)
        gates = x.new_tensor([-1e4, 1e4, 0, 0]).repeat_interleave(weight_hh.shape[1])
        weight_ih = torch.cat([weight_ih, gates[:, None]], 1)
    biases = [] if bias is None else [bias, torch.zeros_like(bias)]
    flat = [weight_ih, weight_hh, *biases]
    x, h, c = torch.lstm(x, hx, flat, bias is not None, 1, 0.0, False, False, True)
    if mask is not None:
        h = last_valid(x, mask, hx[0][0])[None]
        x = in_place(x, mask)
    return x, (h, c)


class MaskedLSTM(nn.Module):
    """An LSTM that skips the steps where `mask`, (batch, steps), is False.

    There the state stays, and the output repeats the one before it (zeros at first).
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__()
        self.weight_ih = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(4 * hidden_size)) if bias else None
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(hidden_size**-0.5), hidden_size**-0.5)

    def forward(self, x: torch.Tensor, hx: Any = None, mask: torch.Tensor | None = None) -> Any:
        if hx is None:
            hx = (x.new_zeros(1, x.shape[0], self.weight_hh.shape[1]),) * 2
        return masked_lstm(x, hx, mask, (self.weight_ih, self.weight_hh), self.bias_ih)


class Masked(nn.Module):
    """An `nn.GRU` or `nn.RNN` that skips the steps where `mask`, (batch, steps), is False."""

    def __init__(self, rnn: nn.Module) -> None:
        super().__init__()
        self.rnn = rnn

    def forward(self, x: torch.Tensor, hx: Any = None, mask: torch.Tensor | None = None) -> Any:
        if mask is None:
            return self.rnn(x, hx)
        x, _ = self.rnn(valid_first(x, mask), hx)
        h = last_valid(x, mask, None if hx is None else hx[0])
        return in_place(x, mask), h[None]


class Bidirectional(nn.Module):
    """Runs one recurrent layer forwards and another backwards over a sequence.

    Returns the outputs of both, (batch, steps, features) in the order of the steps, and the
    states of both. `mask`, (batch, steps), is False at steps that are skipped.
    """

    def __init__(self, forwards: nn.Module, backwards: nn.Module) -> None:
        super().__init__()
        self.forwards = forwards
        self.backwards = backwards

    def forward(self, x: torch.Tensor, hx: Any = None, mask: torch.Tensor | None = None) -> Any:
        first, second = (None, None) if hx is None else hx
        if mask is None:
            y, first = self.forwards(x, first)
            z, second = self.backwards(x.flip(1), second)
        else:
            y, first = self.forwards(x, first, mask=mask)
            z, second = self.backwards(x.flip(1), second, mask=mask.flip(1))
        return (y, z.flip(1)), (first, second)
