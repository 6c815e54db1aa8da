"""How a recurrent module is called: direction, initial state, masks, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call, unpack
from torchtwin.layers.rnn.cells import Cell
from torchtwin.nn.masked import in_place, last_valid, valid_first
from torchtwin.rule import Piece
from torchtwin.view import LayerView, Tensor

COMMENT = "stateful in Keras; here each call starts from zeros"


@dataclass(frozen=True)
class Shape:
    """The arguments that all recurrent layers share."""

    sequences: bool
    state: bool
    backwards: bool
    zero_masked: bool
    stateful: bool


def shape_of_run(view: LayerView) -> Shape:
    """Read what all recurrent layers share; `unroll` changes nothing."""
    view.ignore("unroll")
    if view.get("time_major", False):
        raise UnsupportedError(
            f"{view.class_name}(time_major=True) is not translated",
            hint="put a Permute in front of it, and behind it",
        )
    return Shape(
        bool(view["return_sequences"]), bool(view["return_state"]), bool(view["go_backwards"]),
        bool(view.get("zero_output_for_mask", False)), bool(view.get("stateful", False)),
    )  # fmt: skip


def initial_states(view: LayerView) -> list[Tensor]:
    """Return the states given in the call: as an argument, or behind the input in a list."""
    first = view.args[0] if view.args else None
    listed = list(first[1:]) if isinstance(first, list | tuple) else []
    given = view.call("initial_state", view.args[1] if len(view.args) > 1 else None)
    if given is not None:
        listed = list(given) if isinstance(given, list | tuple) else [given]
    listed = [*flat(tuple(listed))]
    if not all(isinstance(state, Tensor) for state in listed):
        raise UnsupportedError("an initial state that is not a tensor of the model")
    return listed


def hidden(states: list[Tensor], cell: Cell) -> Any:
    """Return states as PyTorch's modules take them, with an axis for layers in front."""
    if not states:
        return None
    counts = cell.stack or (cell.states,)
    if len(states) != sum(counts):
        raise UnsupportedError(f"{len(states)} initial states, {sum(counts)} are needed")
    rows = iter(state.expr[None] for state in states)
    each = tuple(tuple(islice(rows, n)) if n > 1 else next(rows) for n in counts)
    return each if cell.stack else each[0]


def steps_backwards(x: Expr) -> Expr:
    return x.flip(1)


def recurrent_piece(
    view: LayerView,
    cell: Cell,
    shape: Shape,
    x: Expr | None = None,
    states: list[Tensor] | None = None,
) -> Piece:
    """Return the piece of a layer that runs `cell` over the steps of its input, or of `x`.

    It begins with the states that its call is given, or with `states`.
    """
    states = initial_states(view) if states is None else states
    x, mask = view.x if x is None else x, view.mask
    if shape.backwards:
        x = steps_backwards(x)
        mask = None if mask is None else steps_backwards(mask)
    given = (hidden(states, cell),) if states else ()
    if mask is None or cell.takes_mask:
        named = {} if mask is None else {"mask": mask}
        result, state = _called(view, cell, x, *given, **named)
    else:
        x, state = _called(view, cell, call(valid_first, x, mask), *given)
        last = not shape.sequences and not shape.zero_masked
        result = call(last_valid if last else in_place, x, mask)
        if shape.state:
            first = [] if not states else [states[0].expr]
            state = (call(last_valid, x, mask, *first)[None],)
    if mask is not None and shape.zero_masked:
        axes = [None] * (view.input.rank - 2)
        result = result.masked_fill(~mask[(..., *axes)], 0.0)
    if not shape.sequences and (mask is None or cell.takes_mask or shape.zero_masked):
        result = result[:, -1]
    final = tuple(s[0] for s in state) if shape.state else ()
    return Piece(
        (result, *final) if final else result,
        module=cell.module,
        weights=cell.weights,
        frozen=cell.frozen,
        comment=COMMENT if shape.stateful else "",
    )


def _called(view: LayerView, cell: Cell, *args: Any, **kwargs: Any) -> tuple[Any, tuple[Any, ...]]:
    x, state = unpack(view.module(*args, **kwargs), "x", cell.names)
    return x, flat(state)


def flat(state: Any) -> tuple[Any, ...]:
    """Return states, which may be nested, in a row."""
    if isinstance(state, tuple | list):
        return tuple(part for own in state for part in flat(own))
    return (state,)
