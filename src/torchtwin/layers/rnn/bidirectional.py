"""Bidirectional → one module of PyTorch's where both directions are alike, else two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from torchtwin.apply import refuse_unread
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call, unpack
from torchtwin.layers.rnn.cells import Cell, cell_of, in_two_directions, wrapped_cell
from torchtwin.layers.rnn.layers import features
from torchtwin.layers.rnn.run import COMMENT, Shape, flat, hidden, initial_states, shape_of_run
from torchtwin.nn.masked import Bidirectional
from torchtwin.rule import Case, Piece, extra_cases, rule
from torchtwin.view import LayerView, Tensor

KINDS = ("LSTM", "GRU", "SimpleRNN")


def _mask(layer: LayerView) -> Expr | tuple[Expr | None, ...] | None:
    if not layer["layer"]["config"].get("return_sequences"):
        return None
    return (layer.mask, layer.mask) if layer["merge_mode"] is None else layer.mask


@rule("Bidirectional", mask=_mask, takes_mask=True)
def bidirectional(layer: LayerView) -> Piece:
    forward, shape = _direction(layer, layer["layer"], "forward_layer/")
    backward, other = _direction(layer, _backwards(layer), "backward_layer/")
    if shape.backwards or not other.backwards:
        raise UnsupportedError("Bidirectional whose first layer goes backwards is not translated")
    if (shape.sequences, shape.state) != (other.sequences, other.state):
        raise UnsupportedError("Bidirectional around two layers that return different things")
    layer.ignore("return_sequences", "return_state", "stateful")  # older files repeat the layer's
    states = initial_states(layer)
    halves = states[: len(states) // 2], states[len(states) // 2 :]
    both = None if layer.mask is not None else in_two_directions(forward, backward)
    if both is not None:
        merged, final = _together(layer, both, shape, halves)
        cell = both
    else:
        cell = _pair(forward, backward)
        merged, final = _apart(layer, (forward, backward), shape, halves)
    if layer.mask is not None and shape.sequences:  # Keras forces zero_output_for_mask here
        hidden_steps = ~layer.mask[..., None]
        merged = tuple(m.masked_fill(hidden_steps, 0.0) for m in merged)
    results = (*merged, *final)
    return Piece(
        results if len(results) > 1 else results[0],
        module=cell.module,
        weights=cell.weights,
        frozen=cell.frozen,
        comment=COMMENT if shape.stateful else "",
    )


def _backwards(layer: LayerView) -> Any:
    """Return the backward layer: the forward one the other way round, when none is given."""
    given = layer["layer"]
    own = layer.get("backward_layer")
    return own or {**given, "config": {**given["config"], "go_backwards": True}}


def _direction(layer: LayerView, entry: Any, where: str) -> tuple[Cell, Shape]:
    view = layer.inner(entry, layer.inputs)
    shape = shape_of_run(view)
    masked = layer.mask is not None
    if view.class_name in KINDS:
        cell = cell_of(view, view.class_name, features(layer), f"{where}cell/", masked)
    elif view.class_name == "RNN":
        cell = wrapped_cell(view, features(layer), f"{where}cell/", masked)
    else:
        raise UnsupportedError(f"Bidirectional around {view.class_name} is not translated")
    refuse_unread(view)
    return cell, shape


def _pair(forward: Cell, backward: Cell) -> Cell:
    module = call(Bidirectional, forward.module, backward.module)
    ahead, frozen = forward.inside("forwards")
    back, more = backward.inside("backwards")
    return Cell(module, ahead | back, (*frozen, *more), forward.units, forward.states)


Halves = tuple[Sequence[Tensor], Sequence[Tensor]]
Results = tuple[tuple[Any, ...], tuple[Any, ...]]


def _together(layer: LayerView, cell: Cell, shape: Shape, halves: Halves) -> Results:
    """Call one bidirectional module."""
    if bool(halves[0]) and len(halves[0]) != cell.states:
        raise UnsupportedError(f"{len(halves[0]) * 2} initial states, {cell.states * 2} are needed")
    pairs = [call(torch.stack, [a.expr, b.expr]) for a, b in zip(*halves, strict=True)]
    given = [tuple(pairs) if cell.states > 1 else pairs[0]] if pairs else []
    x, state = unpack(layer.module(layer.x, *given), "x", cell.names)
    rows = flat(state)
    final = tuple(s[k] for k in (0, 1) for s in rows) if shape.state else ()
    mode = layer["merge_mode"]
    if not shape.sequences:
        return _merged(mode, rows[0][0], rows[0][1]), final
    if mode == "concat":
        return (x,), final
    size = cell.units
    return _merged(mode, x[..., :size], x[..., size:]), final


def _apart(
    layer: LayerView, cells: tuple[Cell, Cell], shape: Shape, halves: Halves
) -> Results:  # fmt: skip
    """Call a module that runs two recurrent modules."""
    states = tuple(hidden(list(h), c) for h, c in zip(halves, cells, strict=True))
    given = [states] if halves[0] else []
    named = {} if layer.mask is None else {"mask": layer.mask}
    ways = tuple(cell.names for cell in cells)
    (y, z), ends = unpack(layer.module(layer.x, *given, **named), ("x", "backwards"), ways)
    final = tuple(s[0] for s in flat(ends)) if shape.state else ()
    if not shape.sequences:
        y, z = y[:, -1], z[:, 0]
    return _merged(layer["merge_mode"], y, z), final


def _merged(mode: str | None, y: Expr, z: Expr) -> tuple[Any, ...]:
    match mode:
        case "concat":
            return (call(torch.cat, [y, z], dim=-1),)
        case "sum":
            return (y + z,)
        case "mul":
            return (y * z,)
        case "ave":
            return ((y + z) / 2,)
        case None:
            return y, z
    raise UnsupportedError(f"merge_mode={mode!r}")


def _around(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"units": 3, **config}}


_SEQUENCES = {"return_sequences": True}
_BACK = _around("LSTM", go_backwards=True, activation="relu")
_CONFIGS: list[tuple[str, dict[str, Any]]] = [
    ("LSTM", {"layer": _around("LSTM")}),
    ("LSTM sequences", {"layer": _around("LSTM", **_SEQUENCES)}),
    ("GRU", {"layer": _around("GRU"), "merge_mode": "sum"}),
    ("GRU sequences", {"layer": _around("GRU", **_SEQUENCES), "merge_mode": "mul"}),
    ("simple", {"layer": _around("SimpleRNN", **_SEQUENCES), "merge_mode": "ave"}),
    ("apart", {"layer": _around("GRU", **_SEQUENCES), "merge_mode": None}),
    ("hard", {"layer": _around("LSTM", recurrent_activation="hard_sigmoid", **_SEQUENCES)}),
    ("state", {"layer": _around("LSTM", return_state=True, **_SEQUENCES)}),
    ("GRU state", {"layer": _around("GRU", return_state=True), "merge_mode": None}),
    ("dropout", {"layer": _around("GRU", dropout=0.3)}),
    ("two layers", {"layer": _around("LSTM"), "backward_layer": _BACK}),
]
extra_cases(
    "Bidirectional",
    [Case(config, (3, 5, 4), note) for note, config in _CONFIGS]
    + [Case(config, (4, 6, 4), f"masked {note}", mask=True) for note, config in _CONFIGS],
)
