"""A cell that is called by itself, for one step: a recurrent module over a sequence of one."""

from __future__ import annotations

from torchtwin.errors import UnsupportedError
from torchtwin.layers.rnn.cells import GATES, cell_of, stacked
from torchtwin.layers.rnn.run import Shape, flat, recurrent_piece
from torchtwin.rule import Piece, rule
from torchtwin.view import LayerView, Tensor

ONE_STEP = Shape(sequences=False, state=True, backwards=False, zero_masked=False, stateful=False)


@rule("LSTMCell", "GRUCell", "SimpleRNNCell", "StackedRNNCells")
def cell(layer: LayerView) -> Piece:
    """It gives its output and, as Keras does, the states, of which that is the first."""
    size = layer.input.shape[-1]
    if size is None:
        raise UnsupportedError("the number of features is not in the file")
    if layer.class_name == "StackedRNNCells":
        made = stacked(layer, size, "cells/", masked=False)
    else:
        kinds = {f"{kind}Cell": kind for kind in GATES}
        made = cell_of(layer, kinds[layer.class_name], size, "")
    given = layer.call("states")
    states = list(flat(tuple(given) if isinstance(given, list | tuple) else given))
    if not all(isinstance(state, Tensor) for state in states):
        raise UnsupportedError("a state that is not a tensor of the model")
    return recurrent_piece(layer, made, ONE_STEP, layer.x[:, None], states)
