"""Cells of recurrent layers, which take the number of features of their first input."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.nn.initial import Orthogonal, glorot_uniform
from torchtwin.nn.lazy import LazyModule
from torchtwin.nn.masked import in_place, last_valid, masked_lstm, valid_first


class LazyCell(LazyModule):
    """What cells share: weights for the input and for the state, and dropout of both.

    A cell is called with the input of a step and a list of states; it returns its output and the
    new states. The first weights are drawn by functions of a shape, (in, gates * units), and a
    dtype.
    """

    gates = 1

    def __init__(
        self,
        units,
        bias=True,
        *,
        activation=torch.tanh,
        recurrent_activation=torch.sigmoid,
        dropout=0.0,
        recurrent_dropout=0.0,
        weight_init=glorot_uniform,
        recurrent_init=None,
        bias_init=torch.zeros,
    ):
        super().__init__()
        self.units = self.state_size = self.output_size = units
        self.has_bias = bias
        self.activation, self.recurrent_activation = activation, recurrent_activation
        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout
        self.dropped = None
        self.weight_init, self.recurrent_init = weight_init, recurrent_init or Orthogonal()
        self.bias_init = bias_init

    def build(self, input_shape):
        dtype, size = torch.get_default_dtype(), self.gates * self.units
        weight = self.weight_init((input_shape[-1], size), dtype=dtype)
        self.weight_ih = nn.Parameter(self.in_order(weight).T.contiguous())
        weight = self.recurrent_init((self.units, size), dtype=dtype)
        self.weight_hh = nn.Parameter(self.in_order(weight).T.contiguous())
        self.bias_ih = self.bias_hh = None
        if self.has_bias:
            self.make_bias(dtype)

    def make_bias(self, dtype):
        bias = self.bias_init((self.gates * self.units,), dtype=dtype)
        self.bias_ih = nn.Parameter(self.in_order(bias))

    def in_order(self, weight):
        """Bring gates along the last axis into the order of `nn.LSTM` or `nn.GRU`."""
        return weight

    def get_initial_state(self, batch_size=None):
        return [torch.zeros(batch_size, self.units)]

    def drop(self, x, what, p):
        """Drop features in training: the same at every step where a layer goes over steps."""
        if not (self.training and p):
            return x
        factors = {} if self.dropped is None else self.dropped
        if what not in factors:
            factors[what] = F.dropout(torch.ones_like(x), p)
        return x * factors[what]

    def drop_input(self, x):
        """Drop features of (batch, steps, features), the same at every step."""
        factor = self.drop(torch.ones_like(x[:, :1]), "input", self.dropout)
        return x * factor if self.training and self.dropout else x

    def is_fused(self):
        """Tell whether PyTorch has a kernel that goes over all steps."""
        usual = self.activation is torch.tanh and self.recurrent_activation is torch.sigmoid
        return usual and not (self.training and self.recurrent_dropout)

    def prepared(self, x, states):
        """Return a sequence for the kernel; the cell is built where it is not."""
        if not self.built:
            self.build_for(x[:, 0], states)
        return self.drop_input(x)

    def biases(self):
        """Return the biases for the kernel: two, or none."""
        if self.bias_ih is None:
            return []
        second = torch.zeros_like(self.bias_ih) if self.bias_hh is None else self.bias_hh
        return [self.bias_ih, second]

    def kernel(self, *args):
        """Call what PyTorch has for all steps at once."""
        raise NotImplementedError

    def over_steps(self, x, states, mask):
        """Return the outputs for all steps, and the states at the end."""
        x, first = self.prepared(x, states), states[0]
        x = x if mask is None else valid_first(x, mask)
        weights = [self.weight_ih, self.weight_hh, *self.biases()]
        options = self.has_bias, 1, 0.0, False, False, True
        y, h = self.kernel(x, first[None].contiguous(), weights, *options)
        if mask is None:
            return y, [h[0]]
        return in_place(y, mask), [last_valid(y, mask, first)]


def like(states, state):
    """Return a new state as a cell was given it: in a list, or by itself."""
    return [state] if isinstance(states, list | tuple) else state


class LazyRNNCell(LazyCell):
    """A cell with one activation."""

    def forward(self, inputs, states):
        h = states[0] if isinstance(states, list | tuple) else states
        x = F.linear(self.drop(inputs, "input", self.dropout), self.weight_ih, self.bias_ih)
        h = x + F.linear(self.drop(h, "state", self.recurrent_dropout), self.weight_hh)
        h = self.activation(h)
        return h, like(states, h)

    fused_forward = forward

    def is_fused(self):
        known = self.activation in (torch.tanh, F.relu)
        return known and not (self.training and self.recurrent_dropout)

    def kernel(self, *args):
        return (torch.rnn_tanh if self.activation is torch.tanh else torch.rnn_relu)(*args)


class LazyLSTMCell(LazyCell):
    """An LSTM cell; the gates lie as in `nn.LSTM`, and the forget gate starts open."""

    gates = 4

    def __init__(self, units, bias=True, *, forget_bias=True, **options):
        super().__init__(units, bias, **options)
        self.state_size = [units, units]
        self.forget_bias = forget_bias

    def make_bias(self, dtype):
        if not self.forget_bias:
            return super().make_bias(dtype)
        first, last = (self.bias_init((n * self.units,), dtype=dtype) for n in (1, 2))
        self.bias_ih = nn.Parameter(torch.cat([first, torch.ones_like(first), last]))
        return None

    def get_initial_state(self, batch_size=None):
        return [torch.zeros(batch_size, self.units) for _ in range(2)]

    def forward(self, inputs, states):
        h, c = states
        x = F.linear(self.drop(inputs, "input", self.dropout), self.weight_ih, self.bias_ih)
        x = x + F.linear(self.drop(h, "state", self.recurrent_dropout), self.weight_hh)
        i, f, g, o = x.chunk(4, -1)
        i, f, o = map(self.recurrent_activation, (i, f, o))
        c = f * c + i * self.activation(g)
        h = o * self.activation(c)
        return h, [h, c]

    fused_forward = forward

    def over_steps(self, x, states, mask):
        """Return the outputs for all steps, and the states at the end."""
        x = self.prepared(x, states)
        first = tuple(s[None].contiguous() for s in states)
        weights = self.weight_ih, self.weight_hh
        y, (h, c) = masked_lstm(x, first, mask, weights, self.bias_ih)
        return y, [h[0], c[0]]


class LazyGRUCell(LazyCell):
    """A GRU cell; the gates lie as in `nn.GRU`.

    With `reset_after=False` the reset gate works on the state before the product with the
    weights, as in the first version of Cho et al.; there is one bias then.
    """

    gates = 3

    def __init__(self, units, bias=True, *, reset_after=True, **options):
        super().__init__(units, bias, **options)
        self.reset_after = reset_after

    def in_order(self, weight):
        z, r, n = weight.chunk(3, -1)
        return torch.cat([r, z, n], -1)

    def make_bias(self, dtype):
        if not self.reset_after:
            return super().make_bias(dtype)
        biases = self.in_order(self.bias_init((2, 3 * self.units), dtype=dtype))
        self.bias_ih, self.bias_hh = map(nn.Parameter, biases.clone())
        return None

    def is_fused(self):
        return self.reset_after and super().is_fused()

    def forward(self, inputs, states):
        h = states[0] if isinstance(states, list | tuple) else states
        x = F.linear(self.drop(inputs, "input", self.dropout), self.weight_ih, self.bias_ih)
        x_r, x_z, x_n = x.chunk(3, -1)
        dropped = self.drop(h, "state", self.recurrent_dropout)
        if self.reset_after:
            h_r, h_z, h_n = F.linear(dropped, self.weight_hh, self.bias_hh).chunk(3, -1)
            r = self.recurrent_activation(x_r + h_r)
            n = self.activation(x_n + r * h_n)
        else:
            w_r, w_z, w_n = self.weight_hh.chunk(3)
            h_z = F.linear(dropped, w_z)
            r = self.recurrent_activation(x_r + F.linear(dropped, w_r))
            n = self.activation(x_n + F.linear(r * dropped, w_n))
        z = self.recurrent_activation(x_z + h_z)
        h = z * h + (1 - z) * n
        return h, like(states, h)

    fused_forward = forward

    def kernel(self, *args):
        return torch.gru(*args)
