"""Bidirectional → one module of PyTorch's where both directions are alike, else two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from torchtwin.apply import refuse_unread
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call, unpack
from torchtwin.graph import Layout
from torchtwin.layers.rnn.cells import Cell, cell_of, in_two_directions, wrapped_cell
from torchtwin.layers.rnn.conv_lstm import conv_cell, layout_of, layouts
from torchtwin.layers.rnn.layers import features
from torchtwin.layers.rnn.run import (
    COMMENT,
    Shape,
    flat,
    hidden,
    initial_states,
    shape_of_run,
    steps_backwards,
)
from torchtwin.nn.masked import Bidirectional
from torchtwin.rule import Case, Piece, extra_cases, rule
from torchtwin.view import LayerView, Tensor

CONVOLUTIONS = ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
KINDS = ("LSTM", "GRU", "SimpleRNN")


def _mask(layer: LayerView) -> Expr | tuple[Expr | None, ...] | None:
    if not layer["layer"]["config"].get("return_sequences"):
        return None
    return (layer.mask, layer.mask) if layer["merge_mode"] is None else layer.mask


def _layout(config: Mapping[str, Any], rank: int) -> Layout | None:
    inner = config["layer"]
    return layout_of(inner["config"], rank) if inner["class_name"] in CONVOLUTIONS else None


@rule("Bidirectional", layout=_layout, mask=_mask, takes_mask=True)
def bidirectional(layer: LayerView) -> Piece:
    forward, shape, x = _direction(layer, layer["layer"], "forward_layer/")
    backward, other, also = _direction(layer, _backwards(layer), "backward_layer/")
    if shape.backwards == other.backwards:
        raise UnsupportedError("Bidirectional around two layers of one direction")
    if repr(x) != repr(also):
        raise UnsupportedError("Bidirectional around two layers that pad differently")
    mask = layer.mask
    if shape.backwards:  # all the same for the steps in the other order
        x, mask = steps_backwards(x), None if mask is None else steps_backwards(mask)
    if (shape.sequences, shape.state) != (other.sequences, other.state):
        raise UnsupportedError("Bidirectional around two layers that return different things")
    layer.ignore("return_sequences", "return_state", "stateful")  # older files repeat the layer's
    states = initial_states(layer)
    halves = states[: len(states) // 2], states[len(states) // 2 :]
    both = None if mask is not None else in_two_directions(forward, backward)
    run = Run(x, mask, shape, layer["merge_mode"])
    if both is not None:
        merged, final = _together(layer, both, run, halves)
        cell = both
    else:
        cell = _pair(forward, backward)
        merged, final = _apart(layer, (forward, backward), run, halves)
    if mask is not None and shape.sequences:  # Keras forces zero_output_for_mask here
        hidden_steps = ~mask[(..., *[None] * (layer.input.rank - 2))]
        merged = tuple(m.masked_fill(hidden_steps, 0.0) for m in merged)
    results = (*merged, *final)
    return Piece(
        results if len(results) > 1 else results[0],
        module=cell.module,
        weights=cell.weights,
        frozen=cell.frozen,
        comment=COMMENT if shape.stateful else "",
        layout=_layouts(layer, shape, len(merged)),
    )


def _layouts(layer: LayerView, shape: Shape, merged: int) -> Any:
    """Return the layouts of the results, which those of a ConvLSTM have of their own."""
    if layer["layer"]["class_name"] not in CONVOLUTIONS:
        return ...
    inner = layer.inner(layer["layer"], layer.inputs)
    first, state, _ = layouts(inner, shape.sequences, True)
    found = (*[first] * merged, *[state] * (4 if shape.state else 0))
    return found if len(found) > 1 else first


def _backwards(layer: LayerView) -> Any:
    """Return the backward layer: the forward one the other way round, when none is given."""
    given = layer["layer"]
    own = layer.get("backward_layer")
    return own or {**given, "config": {**given["config"], "go_backwards": True}}


def _direction(layer: LayerView, entry: Any, where: str) -> tuple[Cell, Shape, Expr]:
    view = layer.inner(entry, layer.inputs)
    if view.class_name not in (*CONVOLUTIONS, *KINDS, "RNN"):
        raise UnsupportedError(f"Bidirectional around {view.class_name} is not translated")
    shape = shape_of_run(view)
    masked, x = layer.mask is not None, layer.x
    if view.class_name in CONVOLUTIONS:
        cell, x = conv_cell(view, f"{where}cell/")
    elif view.class_name in KINDS:
        cell = cell_of(view, view.class_name, features(layer), f"{where}cell/", masked)
    else:
        cell = wrapped_cell(view, features(layer), f"{where}cell/", masked)
    refuse_unread(view)
    return cell, shape, x


def _pair(forward: Cell, backward: Cell) -> Cell:
    module = call(Bidirectional, forward.module, backward.module)
    ahead, frozen = forward.inside("forwards")
    back, more = backward.inside("backwards")
    return Cell(module, ahead | back, (*frozen, *more), forward.units, forward.states)


@dataclass(frozen=True)
class Run:
    """What both directions go over, and how their results are merged."""

    x: Expr
    mask: Expr | None
    shape: Shape
    mode: str | None


Halves = tuple[Sequence[Tensor], Sequence[Tensor]]
Results = tuple[tuple[Any, ...], tuple[Any, ...]]


def _together(layer: LayerView, cell: Cell, run: Run, halves: Halves) -> Results:
    """Call one bidirectional module."""
    if bool(halves[0]) and len(halves[0]) != cell.states:
        raise UnsupportedError(f"{len(halves[0]) * 2} initial states, {cell.states * 2} are needed")
    pairs = [call(torch.stack, [a.expr, b.expr]) for a, b in zip(*halves, strict=True)]
    given = [tuple(pairs) if cell.states > 1 else pairs[0]] if pairs else []
    x, state = unpack(layer.module(run.x, *given), "x", cell.names)
    rows = flat(state)
    final = tuple(s[k] for k in (0, 1) for s in rows) if run.shape.state else ()
    mode = run.mode
    if not run.shape.sequences:
        return _merged(mode, rows[0][0], rows[0][1]), final
    if mode == "concat":
        return (x,), final
    size = cell.units
    return _merged(mode, x[..., :size], x[..., size:]), final


def _apart(layer: LayerView, cells: tuple[Cell, Cell], run: Run, halves: Halves) -> Results:
    """Call a module that runs two recurrent modules."""
    states = tuple(hidden(list(h), c) for h, c in zip(halves, cells, strict=True))
    given = [states] if halves[0] else []
    named = {} if run.mask is None else {"mask": run.mask}
    ways = tuple(cell.names for cell in cells)
    (y, z), ends = unpack(layer.module(run.x, *given, **named), ("x", "backwards"), ways)
    final = tuple(s[0] for s in flat(ends)) if run.shape.state else ()
    if not run.shape.sequences:
        y, z = y[:, -1], z[:, 0]
    inner = layer["layer"]
    # A ConvLSTM has its features before the axes of the images, in PyTorch.
    images = inner["class_name"] in CONVOLUTIONS
    images = images and inner["config"].get("data_format") != "channels_first"
    return _merged(run.mode, y, z, 2 - layer.input.rank if images else -1), final


def _merged(mode: str | None, y: Expr, z: Expr, features: int = -1) -> tuple[Any, ...]:
    match mode:
        case "concat":
            return (call(torch.cat, [y, z], dim=features),)
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
    ("first backwards", {"layer": _BACK, "backward_layer": _around("LSTM")}),
    ("two layers", {"layer": _around("LSTM"), "backward_layer": _BACK}),
]
extra_cases(
    "Bidirectional",
    [Case(config, (3, 5, 4), note) for note, config in _CONFIGS]
    + [Case(config, (4, 6, 4), f"masked {note}", mask=True) for note, config in _CONFIGS],
)
_IMAGES = {"filters": 2, "kernel_size": 3, "padding": "same", "return_sequences": True}
extra_cases(
    "Bidirectional",
    [
        Case({"layer": {"class_name": "ConvLSTM1D", "config": _IMAGES}}, (2, 3, 6, 2), "images"),
        Case(
            {"layer": {"class_name": "ConvLSTM2D", "config": {**_IMAGES, "return_state": True}},
             "merge_mode": "sum"},
            (2, 3, 6, 5, 2),
            "images and states",
        ),
    ],
)  # fmt: skip
