"""LSTM, GRU, SimpleRNN, and RNN around their cells."""

from __future__ import annotations

from typing import Any

from torchtwin.expr import Expr
from torchtwin.layers.rnn.cells import Cell, cell_of, wrapped_cell
from torchtwin.layers.rnn.run import recurrent_piece, shape_of_run
from torchtwin.rule import Case, Piece, extra_cases, rule
from torchtwin.view import LayerView


def mask_of_sequences(layer: LayerView) -> Expr | None:
    """The mask goes on with a sequence, and ends with it."""
    return layer.mask if layer["return_sequences"] else None


@rule("LSTM", "GRU", "SimpleRNN", mask=mask_of_sequences, takes_mask=True)
def recurrent(layer: LayerView) -> Piece:
    shape = shape_of_run(layer)
    masked = layer.mask is not None and shape.state and layer.class_name == "LSTM"
    cell = cell_of(layer, layer.class_name, features(layer), "cell/", masked)
    return recurrent_piece(layer, cell, shape)


@rule("RNN", mask=mask_of_sequences, takes_mask=True)
def rnn(layer: LayerView) -> Piece:
    from torchtwin.custom.recurrent import own_recurrent  # which makes pieces of layers itself

    if (own := own_recurrent(layer)) is not None:
        return own
    shape = shape_of_run(layer)
    return recurrent_piece(layer, wrapped(layer, shape.state), shape)


def wrapped(layer: LayerView, state: bool) -> Cell:
    lstm = layer["cell"]["class_name"] == "LSTMCell"
    masked = layer.mask is not None and state and lstm
    return wrapped_cell(layer, features(layer), "cell/", masked)


def features(layer: LayerView) -> int:
    size = layer.input.shape[-1]
    if size is None:
        from torchtwin.errors import UnsupportedError

        raise UnsupportedError("the number of features is not in the file")
    return size


SHAPE = (3, 5, 4)


def _cases(*, gated: bool) -> list[Case]:
    """Return what every recurrent layer is tested with."""
    several: dict[str, dict[str, Any]] = {
        "": {},
        "sequences": {"return_sequences": True},
        "state": {"return_state": True},
        "sequences and state": {"return_sequences": True, "return_state": True},
        "backwards": {"go_backwards": True, "return_sequences": True},
        "backwards last": {"go_backwards": True, "return_state": True},
        "no bias": {"use_bias": False, **({"use_cudnn": False} if gated else {})},
        "relu": {"activation": "relu"},
        "linear": {"activation": None, "return_sequences": True},
        "dropout": {"dropout": 0.3},
        "recurrent dropout": {"recurrent_dropout": 0.3, "dropout": 0.2, "return_state": True},
        "unroll": {"unroll": True},
    }
    if gated:
        several["hard sigmoid"] = {"recurrent_activation": "hard_sigmoid", "return_state": True}
        several["softsign"] = {"activation": "softsign", "recurrent_activation": "relu"}
    plain = [Case({"units": 3, **config}, SHAPE, note) for note, config in several.items()]
    masked = [n for n in several if n not in ("no bias", "softsign", "unroll")]
    several["zero"] = {"return_sequences": True, "zero_output_for_mask": True}
    several["zero last"] = {"zero_output_for_mask": True}
    masked += ["zero", "zero last"]
    return plain + [
        Case({"units": 3, **several[note]}, (4, 6, 4), f"masked {note}".strip(), mask=True)
        for note in masked
    ]


extra_cases("LSTM", _cases(gated=True))
extra_cases("GRU", _cases(gated=True))
extra_cases(
    "GRU",
    [
        Case({"units": 3, "reset_after": False, **config}, SHAPE, note, mask=mask)
        for note, config, mask in [
            ("before", dict[str, Any](), False),
            ("before, no bias", {"use_bias": False, "return_sequences": True}, False),
            ("before, backwards", {"go_backwards": True, "return_state": True}, False),
            ("before, recurrent dropout", {"recurrent_dropout": 0.2}, False),
            ("before, masked", {"return_sequences": True, "return_state": True}, True),
        ]
    ],
)
extra_cases("SimpleRNN", _cases(gated=False))


def _cell(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": f"{kind}Cell", "config": {"units": 3, **config}}


_STACK = {
    "class_name": "StackedRNNCells",
    "config": {"cells": [_cell("LSTM"), _cell("GRU", reset_after=False), _cell("LSTM", units=2)]},
}
extra_cases(
    "RNN",
    [
        Case({"cell": _cell("LSTM")}, SHAPE),
        Case({"cell": _cell("LSTM"), "return_state": True}, SHAPE, "masked", mask=True),
        Case({"cell": _cell("GRU"), "return_sequences": True}, SHAPE, "GRU"),
        Case({"cell": _cell("GRU", reset_after=False, dropout=0.2)}, SHAPE, "GRU before"),
        Case({"cell": _cell("SimpleRNN", activation="relu")}, SHAPE, "simple"),
        Case({"cell": _STACK, "return_state": True}, SHAPE, "stack"),
        Case({"cell": _STACK, "return_sequences": True}, SHAPE, "stack masked", mask=True),
    ],
)
