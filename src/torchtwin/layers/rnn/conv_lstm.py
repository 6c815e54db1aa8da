"""ConvLSTM1D, ConvLSTM2D, ConvLSTM3D."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.graph import Layout
from torchtwin.layers.conv import AXES, CONV, convolution
from torchtwin.layers.rnn.cells import Cell, gate_functions
from torchtwin.layers.rnn.layers import mask_of_sequences
from torchtwin.layers.rnn.run import recurrent_piece, shape_of_run
from torchtwin.layers.spatial import each
from torchtwin.layers.time_distributed import lowered
from torchtwin.nn.conv_recurrent import ConvLSTM
from torchtwin.rule import Case, Piece, channels_first, extra_cases, options, rule, single
from torchtwin.view import LayerView, Tensor

GATES = "{i f c o}"


def layout_of(config: Mapping[str, Any], rank: int) -> Layout | None:
    """Channels behind the steps of the input, and behind the batch of the states."""
    if config.get("data_format") == "channels_first":
        return None
    of_input = rank == len(config["kernel_size"]) + 3
    return channels_first(rank, leading=2 if of_input else 1)


@rule(
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    layout=layout_of,
    mask=mask_of_sequences,
    takes_mask=True,
)
def conv_lstm(layer: LayerView) -> Piece:
    shape = shape_of_run(layer)
    cell, x = conv_cell(layer, "cell/")
    piece = recurrent_piece(layer, cell, shape, x)
    return replace(piece, layout=layouts(layer, shape.sequences, shape.state))


def conv_cell(layer: LayerView, where: str) -> tuple[Cell, Expr]:
    """Return the module, whose variables have the path `where`, and its padded input."""
    layer.ignore("implementation")
    if (mask := layer.masks[0]) is not None and mask.rank > 2:
        raise UnsupportedError("a mask that differs within a step", hint="mask whole steps")
    step = Tensor(
        layer.x, (None, *layer.input.shape[2:]), layer.input.dtype, lowered(layer.input.layout)
    )
    of_step = LayerView(layer.class_name, layer.config, [step], version=layer.version)
    filters, channels = layer["filters"], of_step.channels
    of_x, x = convolution(of_step, channels, 4 * filters, 1)
    layer.read |= of_step.read
    rank = layer.input.rank - 3
    kernel = single(each(layer["kernel_size"], rank))
    of_h = call(CONV[rank], filters, 4 * filters, kernel, padding="same", bias=False)
    rates = options(
        dropout=layer["dropout"] or None, recurrent_dropout=layer["recurrent_dropout"] or None
    )
    module = call(ConvLSTM, of_x, of_h, **gate_functions(layer), **rates)
    weights = _weights(layer, AXES[rank], where)
    return Cell(module, weights, (), filters, states=2, takes_mask=True), x


def _weights(layer: LayerView, axes: str, where: str) -> dict[str, str]:
    weights = {
        "of_x.weight": f"{where}kernel: {axes} k {GATES} -> {GATES} k {axes}",
        "of_h.weight": f"{where}recurrent_kernel: {axes} k {GATES} -> {GATES} k {axes}",
    }
    if layer["use_bias"]:
        weights["of_x.bias"] = f"{where}bias: {GATES} -> {GATES}"
    return weights


def layouts(layer: LayerView, sequences: bool, state: bool) -> Any:
    one = layout_of(layer.config, layer.input.rank - 1)
    first = layout_of(layer.config, layer.input.rank) if sequences else one
    return (first, one, one) if state else first


_SMALL = {"filters": 2, "kernel_size": 3}
_CASES: dict[str, dict[str, Any]] = {
    "": {},
    "sequences": {"return_sequences": True, "padding": "same"},
    "state": {"return_state": True, "strides": 2, "padding": "same"},
    "backwards": {"go_backwards": True, "return_sequences": True, "return_state": True},
    "no bias": {"use_bias": False, "dilation_rate": 2},
    "hard sigmoid": {"recurrent_activation": "hard_sigmoid", "activation": "relu"},
    "even kernel": {"kernel_size": 2, "padding": "same"},
    "dropout": {"dropout": 0.2, "recurrent_dropout": 0.3},
}
for _rank, _shape in {1: (2, 3, 7, 2), 2: (2, 3, 7, 6, 2), 3: (2, 2, 6, 5, 7, 2)}.items():
    _chosen = _CASES if _rank == 2 else {n: _CASES[n] for n in ("", "sequences", "state")}
    extra_cases(
        f"ConvLSTM{_rank}D",
        [Case({**_SMALL, **config}, _shape, note) for note, config in _chosen.items()],
    )
