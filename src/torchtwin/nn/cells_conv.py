"""The cell of a convolutional LSTM."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.nn.initial import Orthogonal, glorot_uniform
from torchtwin.nn.lazy_conv import LazyConv1d, LazyConv2d, LazyConv3d


class LazyConvLSTMCell(nn.Module):
    """A cell of a convolutional LSTM (Shi et al., 2015) over images of `rank` axes.

    The channels are the last axis, or the first with `channels_first`. The gates lie as in
    `nn.LSTM`, and the forget gate starts open; in training, other features are dropped for each.
    """

    def __init__(
        self,
        rank,
        channels,
        kernel_size,
        bias=True,
        *,
        activation=torch.tanh,
        recurrent_activation=torch.sigmoid,
        dropout=0.0,
        recurrent_dropout=0.0,
        weight_init=glorot_uniform,
        recurrent_init=None,
        bias_init=torch.zeros,
        forget_bias=True,
        channels_first=False,
        **options,
    ):
        super().__init__()
        self.state_size = [channels, channels]
        self.activation, self.recurrent_activation = activation, recurrent_activation
        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout
        self.dropped, self.channels_first = None, channels_first
        self.bias_init, self.forget_bias = bias_init, forget_bias
        conv = (LazyConv1d, LazyConv2d, LazyConv3d)[rank - 1]
        first = {"weight_init": weight_init, "bias_init": self.first_bias}
        self.of_x = conv(4 * channels, kernel_size, bias=bias, **options, **first)
        recurrent = recurrent_init or Orthogonal()
        self.of_h = conv(4 * channels, kernel_size, 1, "same", bias=False, weight_init=recurrent)

    def first_bias(self, shape, dtype=None):
        """Return the first bias, of all four gates."""
        if not self.forget_bias:
            return self.bias_init(shape, dtype=dtype)
        size = shape[0] // 4
        first, last = (self.bias_init((n * size,), dtype=dtype) for n in (1, 2))
        return torch.cat([first, torch.ones_like(first), last])

    def states_for(self, x):
        """Return the states before the first step, for inputs like `x`."""
        with torch.no_grad():
            like = torch.zeros_like(self.of_x(self.inward(x)).chunk(4, 1)[0])
        return [self.outward(like), self.outward(like)]

    def inward(self, x):
        return x if self.channels_first else x.movedim(-1, 1)

    def outward(self, x):
        return x if self.channels_first else x.movedim(1, -1)

    def product(self, conv, x, what, p):
        if not (self.training and p):
            return conv(x)
        factors = {} if self.dropped is None else self.dropped
        if what not in factors:
            factors[what] = [F.dropout(torch.ones_like(x), p) for _ in range(4)]
        return torch.cat([conv(x * f).chunk(4, 1)[k] for k, f in enumerate(factors[what])], 1)

    def forward(self, inputs, states):
        h, c = map(self.inward, states)
        x = self.product(self.of_x, self.inward(inputs), "input", self.dropout)
        x = x + self.product(self.of_h, h, "state", self.recurrent_dropout)
        i, f, g, o = x.chunk(4, 1)
        i, f, o = map(self.recurrent_activation, (i, f, o))
        c = f * c + i * self.activation(g)
        h = self.outward(o * self.activation(c))
        return h, [h, self.outward(c)]
