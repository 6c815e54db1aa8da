"""One array of an optimizer's state, as the tensors that belong to the parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torchtwin.emit.weights import Tensor
from torchtwin.source import Array
from torchtwin.training.optimizers.plan import Single, Slot
from torchtwin.training.optimizers.variables import Trained, matrix_axes


def tensors_of(single: Single, key: str, variable: Trained, array: Array) -> Iterator[Tensor]:
    """Yield the state `key` of a variable: one tensor, or one for each of its rows."""
    slot = next((s for b in single.blocks for s in b if s.key == key), Slot(key, key))
    if slot.kind in ("rows", "columns"):
        yield _factor(slot, variable, array)
    elif variable.stacked and single.layout and key not in ("average", "accumulated"):
        yield _whole(slot, variable, array)
    else:
        for parameter in variable.parameters:
            read = _reader(array, parameter.notation.apply, slot.add)
            yield Tensor(f"{key}.{parameter.name}", parameter.shape, array.dtype, read)


def _reader(array: Array, change: Callable[[Any], Any], add: float = 0.0) -> Callable[[], Any]:
    def read() -> Any:
        value = change(array.read())
        return (value + add).astype(value.dtype) if add else value

    return read


def _whole(slot: Slot, variable: Trained, array: Array) -> Tensor:
    """Return the state of a variable whose rows are parameters: it is kept with the first."""
    import numpy as np

    def stacked(value: Any) -> Any:
        return np.stack([p.notation.apply(value) for p in variable.parameters])

    first = variable.parameters[0]
    read = _reader(array, stacked, slot.add)
    return Tensor(f"{slot.key}.{first.name}", variable.shape, array.dtype, read)


def _factor(slot: Slot, variable: Trained, array: Array) -> Tensor:
    """Return Adafactor's moment of rows or columns, with the axis that it lacks of length one.

    It is spread over the whole variable, rearranged as that, and cut again.
    """
    import numpy as np

    shape, axes = matrix_axes(variable)
    assert axes is not None
    lost = axes[1] if slot.kind == "rows" else axes[0]
    gone = (lost,) if isinstance(lost, int) else lost
    kept = tuple(0 if k in gone else slice(None) for k in range(len(shape)))
    missing = -1 if slot.kind == "rows" else -2

    def spread(value: Any) -> Any:
        full = np.broadcast_to(np.expand_dims(value, missing), variable.shape)
        parts = [p.notation.apply(full) for p in variable.parameters]
        whole = np.stack(parts) if variable.stacked else parts[0]
        return np.expand_dims(whole.reshape(shape)[kept], gone).copy()

    lengths = tuple(1 if k in gone else n for k, n in enumerate(shape))
    swapped = {"row_avg": "column_avg", "column_avg": "row_avg"}
    key = swapped[slot.key] if axes == (1, 0) else slot.key  # a matrix needs no axes in its group
    name = f"{key}.{variable.parameters[0].name}"
    return Tensor(name, lengths, array.dtype, _reader(array, spread))
