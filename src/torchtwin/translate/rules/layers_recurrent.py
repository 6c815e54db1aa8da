"""Recurrent layers and their cells.

A layer is `Recurrent` around the cell that it has in Keras. Its variables are those of the cell:
kernel, recurrent_kernel and bias, as `layers/rnn/cells` has them for PyTorch's own modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.filling.modules import AXES, recurrent_weights
from torchtwin.filling.tables import filled_by, keras_variables
from torchtwin.layers.rnn.cells import function_of
from torchtwin.nn.applied import activation_of
from torchtwin.nn.cells import LazyGRUCell, LazyLSTMCell, LazyRNNCell
from torchtwin.nn.cells_conv import LazyConvLSTMCell
from torchtwin.nn.initial import Orthogonal, glorot_uniform
from torchtwin.nn.stepwise import Recurrent, StackedCells
from torchtwin.translate.bounds import bounded
from torchtwin.translate.registry import Module, constructor
from torchtwin.translate.rules.layers_conv import number, options
from torchtwin.translate.rules.layers_core import BIAS, KERNEL, initials, listed
from torchtwin.translate.rules.layers_wrappers import inner
from torchtwin.view import LayerView

keras_variables(recurrent_weights("SimpleRNN", rows=False), LazyRNNCell)
keras_variables(recurrent_weights("LSTM", rows=False), LazyLSTMCell)


@filled_by(LazyGRUCell)
def _gru_variables(module: Any) -> Mapping[str, str]:
    return recurrent_weights("GRU", rows=module.reset_after)


@filled_by(LazyConvLSTMCell)
def _conv_lstm_variables(module: Any) -> Mapping[str, str]:
    axes = AXES[module.of_x.rank]
    kernel = f"{axes} i o -> o i {axes}"
    return {
        "of_x.weight": f"kernel: {kernel}",
        "of_h.weight": f"recurrent_kernel: {kernel}",
        "of_x.bias": "bias",
    }


USUAL = {"activation": "tanh", "recurrent_activation": "sigmoid"}
RUN = {
    "return_sequences": "return_sequences", "return_state": "return_state",
    "go_backwards": "go_backwards", "stateful": "stateful", "zero_output_for_mask": "zero_masked",
}  # fmt: skip


def said(**values: Any) -> dict[str, Any]:
    """Return the arguments that say something: neither None, False nor zero."""
    return {k: v for k, v in values.items() if isinstance(v, Expr) or v}


def gate_functions(layer: LayerView, *names: str) -> dict[str, Any]:
    """Return the activations that are not the usual ones, as functions."""
    found = {}
    for name in names:
        given = layer[name]
        if isinstance(given, Expr):
            found[name] = call(activation_of, given)
        elif given != USUAL[name]:
            found[name] = function_of("linear" if given is None else given)
    return found


def run_arguments(layer: LayerView) -> dict[str, Any]:
    """Return how a layer runs over the steps; `unroll` and `use_cudnn` change nothing."""
    layer.ignore("unroll", "use_cudnn", "implementation", "seed")
    if layer.get("time_major", False) is not False:
        raise UnsupportedError(
            f"{layer.class_name}(time_major=True) is not translated",
            hint="swap the first two axes of its input and its output",
        )
    return said(**{new: layer.get(old, False) for old, new in RUN.items()})


def recurrent(layer: LayerView, cell: Any) -> Module:
    return Module(call(Recurrent, cell, **run_arguments(layer)))


def rates(layer: LayerView) -> dict[str, Any]:
    return said(**{name: layer.get(name, 0.0) for name in ("dropout", "recurrent_dropout")})


def _common(layer: LayerView, *functions: str) -> dict[str, Any]:
    """Return the arguments that all cells share."""
    layer.ignore("implementation", "seed")
    bias = layer["use_bias"]
    first = initials(
        layer, kernel=KERNEL, recurrent=("recurrent_init", None), bias=BIAS
    )  # fmt: skip
    if _is_orthogonal(first.get("recurrent_init")):
        del first["recurrent_init"]
    return {
        **({} if bias is True else {"bias": bias}),
        **gate_functions(layer, *functions), **rates(layer), **first,
    }  # fmt: skip


def _is_orthogonal(made: Any) -> bool:
    return getattr(made, "function", None) is Orthogonal and not (made.args or made.kwargs)


ORDERS = {"weight_ih": ("kernel", (1, 0)), "weight_hh": ("recurrent", (1, 0))}


def _bounded(layer: LayerView, cell: Expr, *biases: str) -> Expr:
    """The rows of a GRU's bias are two parameters: what bounds them has to work on each number."""
    if len(biases) > 1 and layer.get("bias_constraint") not in (None, "non_neg", "NonNeg"):
        raise UnsupportedError(f"{layer.class_name}(bias_constraint=...) is not translated")
    return bounded(layer, cell, {**ORDERS, **dict.fromkeys(biases, ("bias", ()))})


def _simple_cell(layer: LayerView) -> Expr:
    cell = call(LazyRNNCell, layer["units"], **_common(layer, "activation"))
    return _bounded(layer, cell, "bias_ih")


def _lstm_cell(layer: LayerView) -> Expr:
    forget = layer["unit_forget_bias"]
    cell = call(
        LazyLSTMCell, layer["units"], **_common(layer, *USUAL),
        **({} if forget is True else {"forget_bias": forget}),
    )  # fmt: skip
    return _bounded(layer, cell, "bias_ih")


def _gru_cell(layer: LayerView) -> Expr:
    after = layer["reset_after"]
    cell = call(
        LazyGRUCell, layer["units"], **_common(layer, *USUAL),
        **({} if after is True else {"reset_after": after}),
    )  # fmt: skip
    return _bounded(layer, cell, *(["bias_ih"] if after is False else ["bias_ih", "bias_hh"]))


@constructor("SimpleRNNCell")
def simple_rnn_cell(layer: LayerView) -> Module:
    return Module(_simple_cell(layer))


@constructor("LSTMCell")
def lstm_cell(layer: LayerView) -> Module:
    return Module(_lstm_cell(layer))


@constructor("GRUCell")
def gru_cell(layer: LayerView) -> Module:
    return Module(_gru_cell(layer))


@constructor("SimpleRNN")
def simple_rnn(layer: LayerView) -> Module:
    return recurrent(layer, _simple_cell(layer))


@constructor("LSTM", "CuDNNLSTM")
def lstm(layer: LayerView) -> Module:
    return recurrent(layer, _lstm_cell(layer))


@constructor("GRU", "CuDNNGRU")
def gru(layer: LayerView) -> Module:
    return recurrent(layer, _gru_cell(layer))


@constructor("RNN")
def rnn(layer: LayerView) -> Module:
    cell = layer["cell"]
    several = isinstance(cell, list | tuple)
    return recurrent(layer, [inner(c) for c in cell] if several else inner(cell))


@constructor("StackedRNNCells")
def stacked_cells(layer: LayerView) -> Module:
    layer.ignore("reverse_state_order")
    cells = layer["cells"]
    if isinstance(cells, Expr):
        return Module(call(StackedCells, *listed(cells)))
    return Module(call(StackedCells, *map(inner, cells)))


@constructor("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
def conv_lstm(layer: LayerView) -> Module:
    rank = int(layer.class_name[-2])
    layer.ignore("implementation", "seed")
    form, forget, bias = layer["data_format"], layer["unit_forget_bias"], layer["use_bias"]
    cell = call(
        LazyConvLSTMCell, rank, layer["filters"], number(layer["kernel_size"]),
        **options(layer), **({} if bias is True else {"bias": bias}),
        **gate_functions(layer, *USUAL), **rates(layer),
        **_first_of_conv(layer), **({} if forget is True else {"forget_bias": forget}),
        **({"channels_first": True} if form == "channels_first" else {}),
    )  # fmt: skip
    for name in ("kernel", "recurrent", "bias"):
        for kind in ("regularizer", "constraint"):
            if layer.get(f"{name}_{kind}") is not None:
                raise UnsupportedError(f"{layer.class_name}({name}_{kind}=...) is not translated")
    return recurrent(layer, cell)


def _first_of_conv(layer: LayerView) -> dict[str, Any]:
    first = initials(
        layer, kernel=("weight_init", glorot_uniform), recurrent=("recurrent_init", None),
        bias=("bias_init", torch.zeros),
    )  # fmt: skip
    if _is_orthogonal(first.get("recurrent_init")):
        del first["recurrent_init"]
    return first
