"""Puts the arrays of a Keras layer into a module, checked one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from torchtwin.errors import TorchTwinError, UnreadableModel
from torchtwin.filling.lazy import is_torch_lazy, materialize, waits_for_a_call
from torchtwin.filling.order import Fill, Slot, Walk

HINT = "give all of get_weights() of the Keras layer that the module was translated from"


class NotYet(TorchTwinError):
    """The module has to be called before it can be filled."""


def fill(module: nn.Module, arrays: Sequence[np.ndarray], *, called: bool = False) -> None:
    """Fill a module, or raise UnreadableModel; NotYet where a call has to build it first."""
    if not called and any(waits_for_a_call(m) for m in module.modules()):
        raise NotYet("the module is built at its first call")
    walk = Walk(called)
    slots = list(walk.slots(module))
    order = next((o for o in orders(slots) if _fits(o, arrays)), None)
    if order is None and not called and any(map(is_torch_lazy, list(module.modules())[1:])):
        raise NotYet("a module that is never called may have no weights in Keras")
    if order is None:
        raise difference(slots, arrays)
    with torch.no_grad():
        for slot, array in zip(order, arrays, strict=True):
            _put(slot, array)
        for constant, value in walk.constants:
            constant.tensor.fill_(1 if value == "ones" else 0)


def filled(module: nn.Module, arrays: Sequence[np.ndarray]) -> bool:
    """Fill what is built of a module, and tell whether the arrays are just those.

    What is not built may be a layer that is never called: Keras has no weights of it either.
    """
    try:
        fill(module, arrays, called=True)
    except UnreadableModel:
        return False
    return True


def orders(slots: list[Slot]) -> Iterator[list[Slot]]:
    """Yield the orders in which Keras may have the variables, Keras 3's first.

    tf_keras has all that are trained before all that are not; a Model's own variables come behind
    those of its layers there (tf_keras/src/engine/training.py, `weights`).
    """
    yield slots
    yield _trained_first(slots)
    own = [slot for slot in slots if slot.part < 0]
    parts = dict.fromkeys(slot.part for slot in slots if slot.part >= 0)
    layers = [s for k in parts for s in _trained_first(s for s in slots if s.part == k)]
    yield layers + _trained_first(own)


def _trained_first(slots: Iterable[Slot]) -> list[Slot]:
    return sorted(slots, key=lambda slot: not slot.trained)


def _fits(slots: Sequence[Slot], arrays: Sequence[np.ndarray]) -> bool:
    return len(slots) == len(arrays) and all(
        slot.fits(array.shape) for slot, array in zip(slots, arrays, strict=True)
    )


def difference(slots: Sequence[Slot], arrays: Sequence[np.ndarray]) -> UnreadableModel:
    """Return the error that says how the arrays differ from what the module takes."""
    for k, (slot, array) in enumerate(zip(slots, arrays, strict=False)):
        if not slot.fits(array.shape):
            return UnreadableModel(
                f"weight {k} of {len(arrays)} has the shape {array.shape}, "
                f"{slot.under} takes {_written(slot)}{_numbers(slots, arrays)}",
                where=slot.path or "the module's own parameters",
                hint=HINT,
            )
    missing = slots[len(arrays)] if len(slots) > len(arrays) else None
    where = (
        f"{missing.path}.{missing.under}".lstrip(".") if missing else "behind the last parameter"
    )
    return UnreadableModel(
        f"the shapes agree up to the shorter end{_numbers(slots, arrays)}", where=where, hint=HINT
    )


def _numbers(slots: Sequence[Slot], arrays: Sequence[np.ndarray]) -> str:
    if len(slots) == len(arrays):
        return ""
    return f"; {len(arrays)} weights are given, the module takes {len(slots)}"


def _written(slot: Slot) -> str:
    shapes = [str(shape).replace("None", "any") for shape in slot.shapes]
    return " or ".join(shapes) or "no shape"


def _put(slot: Slot, array: np.ndarray) -> None:
    for part in slot.fills:
        if is_torch_lazy(part.module):
            materialize(part.module, array.shape)
        _copy(part, array)


def _copy(part: Fill, array: Any) -> None:
    if array.dtype.kind not in "biufc":  # bfloat16 and the like are no types of NumPy's own
        array = array.astype("float32")
    rows = array.shape[0] if part.notations[0].row is not None else None
    tensor = part.tensor
    shape = tuple(tensor.shape)
    for notation in part.notations:
        if array.shape in _possible(notation, shape, rows):
            value = np.array(notation.apply(array)).reshape(shape)  # a copy that may be written
            tensor.copy_(torch.from_numpy(value))
            return
    raise AssertionError(f"{part.name} was said to fit {array.shape}")


def _possible(notation: Any, shape: tuple[int, ...], rows: int | None) -> list[tuple[int, ...]]:
    try:
        return [notation.keras_shape(shape, rows)]
    except ValueError:
        return []
