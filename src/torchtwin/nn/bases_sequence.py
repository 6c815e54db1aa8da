"""Recurrent layers and attention whose options have the names that classes hand on to them."""

from __future__ import annotations

from torchtwin.nn.applied import activation_of
from torchtwin.nn.cells import LazyCell, LazyGRUCell, LazyLSTMCell, LazyRNNCell
from torchtwin.nn.initial import initializer_of
from torchtwin.nn.lazy_attention import LazyMultiHeadAttention
from torchtwin.nn.stepwise import Recurrent


def without_silent(options):
    """Return options without those that say nothing about what a layer computes."""
    if options.get("dtype") not in (None, "float32") or options.get("trainable") is False:
        raise ValueError("dtype and trainable are those of the model")
    silent = ("name", "dtype", "trainable", "seed", "implementation", "unroll", "use_cudnn",
              "flash_attention", "autocast")  # fmt: skip
    return {key: value for key, value in options.items() if key not in silent}


def of_cell(
    activation="tanh",
    recurrent_activation="sigmoid",
    use_bias=True,
    kernel_initializer="glorot_uniform",
    recurrent_initializer="orthogonal",
    bias_initializer="zeros",
    **options,
):
    """Return the options of a cell by the names that `LazyCell` has for them."""
    return {
        "bias": use_bias,
        "activation": activation_of(activation),
        "recurrent_activation": activation_of(recurrent_activation),
        "weight_init": initializer_of(kernel_initializer),
        "recurrent_init": initializer_of(recurrent_initializer),
        "bias_init": initializer_of(bias_initializer),
        **without_silent(options),
    }


class RNNCellBase(LazyRNNCell):
    """A cell with one activation, which takes `kernel_initializer`, `use_bias` and the like."""

    def __init__(self, units, *args, **options):
        options.update(zip(("activation", "use_bias"), args, strict=False))
        super().__init__(units, **of_cell(**options))


class LSTMCellBase(LazyLSTMCell):
    """An LSTM cell, which takes `kernel_initializer`, `use_bias` and the like."""

    def __init__(self, units, *args, unit_forget_bias=True, **options):
        options.update(zip(("activation", "recurrent_activation", "use_bias"), args, strict=False))
        super().__init__(units, forget_bias=unit_forget_bias, **of_cell(**options))


class GRUCellBase(LazyGRUCell):
    """A GRU cell, which takes `kernel_initializer`, `use_bias` and the like."""

    def __init__(self, units, *args, **options):
        options.update(zip(("activation", "recurrent_activation", "use_bias"), args, strict=False))
        super().__init__(units, **of_cell(**options))


class RecurrentBase(Recurrent):
    """A recurrent layer that makes its cell from its options."""

    cell_class: type[LazyCell] = LSTMCellBase

    def __init__(
        self,
        units,
        *args,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        zero_output_for_mask=False,
        **options,
    ):
        super().__init__(
            self.cell_class(units, *args, **options),
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            zero_masked=zero_output_for_mask,
        )


class LSTMBase(RecurrentBase):
    """An LSTM that makes its cell from its options."""


class GRUBase(RecurrentBase):
    """A GRU that makes its cell from its options."""

    cell_class = GRUCellBase


class RNNBase(RecurrentBase):
    """A recurrent layer with one activation that makes its cell from its options."""

    cell_class = RNNCellBase


class MultiHeadAttentionBase(LazyMultiHeadAttention):
    """Multi-head attention, which takes `use_bias`, `kernel_initializer` and the like."""

    def __init__(
        self,
        num_heads,
        key_dim,
        value_dim=None,
        dropout=0.0,
        use_bias=True,
        output_shape=None,
        attention_axes=None,
        sliding_window=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        use_gate=False,
        **options,
    ):
        super().__init__(
            num_heads,
            key_dim,
            value_dim=value_dim,
            dropout=dropout,
            bias=use_bias,
            output_shape=output_shape,
            attention_axes=attention_axes,
            window=sliding_window,
            gate=use_gate,
            weight_init=initializer_of(kernel_initializer),
            bias_init=initializer_of(bias_initializer),
            **without_silent(options),
        )
