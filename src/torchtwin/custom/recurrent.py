"""RNN around cells of the author's: they are run step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.custom.layer import built, called
from torchtwin.errors import TorchTwinError, UnsupportedError
from torchtwin.expr import call
from torchtwin.nn.stepwise import Recurrent
from torchtwin.rule import Piece, own_object
from torchtwin.view import LayerView

RUN = ("return_sequences", "return_state", "go_backwards")


def own_recurrent(layer: LayerView) -> Piece | None:
    """Return the piece of an RNN whose cell, or cells, are the author's; None for Keras's."""
    cell = _cell(layer.config.get("cell"))
    if cell is None:
        return None
    given = {key: True for key in RUN if layer.config.get(key)}
    if layer.config.get("zero_output_for_mask"):
        given["zero_masked"] = True
    if layer.config.get("time_major") or len(layer.inputs) > 1 or set(layer.kwargs) - USUAL:
        raise UnsupportedError("RNN around a cell of the author's, with states of its own to start")
    layer.ignore(*layer.config, *(f"call:{name}" for name in layer.kwargs))
    kwargs = {} if layer.mask is None else {"mask": layer.masks[0]}
    try:
        made, module = built(call(Recurrent, cell, **given), (layer.input,), kwargs)
        return called(layer, made, module, (layer.input,), kwargs)
    except TorchTwinError:
        raise
    except Exception as error:  # whatever the author's code does
        text = str(error).splitlines()[0] if str(error) else ""
        raise UnsupportedError(
            f"the cell {cell.function.__name__ if not isinstance(cell, list) else ''} does not run "
            f"in PyTorch: {type(error).__name__}: {text}"
        ) from error


USUAL = frozenset({"training", "mask"})


def _cell(entry: Any) -> Any:
    """Return what makes the cell of an entry, a list for several, None for cells of Keras's."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("config"), Mapping):
        return None
    if entry["class_name"] == "StackedRNNCells":
        cells = [_cell(e) for e in entry["config"].get("cells", ())]
        if any(c is None for c in cells) and any(c is not None for c in cells):
            raise UnsupportedError("RNN around cells of Keras's and of the author's")
        return cells if cells and cells[0] is not None else None
    registered = str(entry.get("registered_name"))
    name = registered if ">" in registered else str(entry["class_name"])
    return own_object(name, entry["config"], ())
