"""The optimizer's state in the file, as tensors for optimizer.safetensors.

Keras's variables come as a list without meaning but their order: that in which each optimizer's
`build` makes them (keras/src/optimizers/*.py, tf_keras/src/optimizers/*.py and legacy/*.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from torchtwin.emit.weights import Tensor
from torchtwin.errors import UnreadableModel, UnsupportedError
from torchtwin.source import Array
from torchtwin.training.optimizers.emit import shares
from torchtwin.training.optimizers.layouts import Wanted, layouts
from torchtwin.training.optimizers.plan import OptimizerPlan, Single
from torchtwin.training.optimizers.slots import tensors_of
from torchtwin.training.optimizers.variables import Trained, trained_variables

if TYPE_CHECKING:
    from torchtwin.twin import Twin


def optimizer_state(plan: OptimizerPlan, twin: Twin) -> Iterator[Tensor]:
    """Yield what optimizer.safetensors holds; nothing when the file has no optimizer state.

    Raises UnreadableModel when the state is not that of this optimizer and this model.
    """
    arrays = _arrays(twin.keras.optimizer)
    if not arrays:
        return
    if all(a.shape == () for a in arrays) and not arrays[0].read():
        return  # an optimizer that has made no step yet
    variables = trained_variables(twin)
    _refuse_converted(variables)
    chosen = shares(plan, variables)
    found = _matched(arrays, list(layouts(plan, chosen, twin.keras.version, arrays)), twin)
    yield from _scalars(plan, found)
    for k, (single, mine) in enumerate(zip(plan.singles, chosen, strict=True)):
        yield from _slots(single, k, mine, found)


def _arrays(stored: Sequence[Array]) -> list[Array]:
    """Return the state; an archive has that of inner optimizers a second time."""
    outer = [a for a in stored if a.name.startswith("optimizer/vars/")]
    return outer or list(stored)


def _refuse_converted(variables: Sequence[Trained]) -> None:
    """Refuse weights that were brought from an old layout: their state would have to be too."""
    for variable in variables:
        for parameter in variable.parameters:
            reader = getattr(parameter.array, "read", None)
            if getattr(reader, "__module__", "").startswith("torchtwin.upgrade"):
                raise UnsupportedError(
                    "the optimizer's state of a layer in an old layout is not carried over",
                    where=variable.layer,
                    hint="train without --resume: with the file's weights and a fresh optimizer",
                )


@dataclass(frozen=True)
class Found:
    """The arrays of the state by what they are: (slot, optimizer, variable)."""

    arrays: dict[tuple[str, int, int], Array]

    def number(self, key: str, k: int = 0) -> Any:
        array = self.arrays.get((key, k, -1))
        return None if array is None else array.read().reshape(())[()]


def _matched(arrays: list[Array], wanted: list[list[Wanted]], twin: Twin) -> Found:
    """Give every array its meaning, by the first layout whose shapes are the arrays'."""
    shapes = [a.shape for a in arrays]
    for layout in wanted:
        if [w.shape for w in layout] == shapes:
            pairs = zip(layout, arrays, strict=True)
            return Found({(w.key, w.optimizer, w.variable): a for w, a in pairs if w.key})
    raise UnreadableModel(
        f"the optimizer's state does not fit: {_difference(wanted[0], arrays)}",
        where=str(twin.keras.origin or ""),
        hint="train without --resume: with the file's weights and a fresh optimizer",
    )


def _difference(layout: list[Wanted], arrays: list[Array]) -> str:
    if len(layout) != len(arrays):
        return f"the file has {len(arrays)} arrays, the optimizer needs {len(layout)}"
    for wanted, array in zip(layout, arrays, strict=True):
        if wanted.shape != array.shape:
            return f"'{array.name}' has the shape {array.shape}, {wanted.shape} is needed"
    return "its order is another"


def _scalars(plan: OptimizerPlan, found: Found) -> Iterator[Tensor]:
    step = found.number("iterations", 0)
    yield _tensor("step", np.asarray(step if step is not None else 0, np.int64))
    rates = [found.number("learning_rate", k) for k in range(len(plan.singles))]
    if any(rate is not None for rate in rates):
        listed = [
            rate if rate is not None else single.rate if isinstance(single.rate, float) else 0.0
            for rate, single in zip(rates, plan.singles, strict=True)
        ]
        yield _tensor("learning_rate", np.asarray(listed, np.float64))
    if plan.scaling is not None:
        scale, steps = found.number("loss_scale"), found.number("finite_steps")
        yield _tensor("loss_scale", np.asarray(scale, np.float64))
        yield _tensor("finite_steps", np.asarray(steps, np.int64))


def _slots(single: Single, k: int, mine: Sequence[Trained], found: Found) -> Iterator[Tensor]:
    """Yield the state of each parameter, and its own count of steps."""
    count = int(found.number("iterations", k) or 0) // (single.accumulation or 1)
    for n, variable in enumerate(mine):
        keys = [key for key, owner, place in found.arrays if owner == k and place == n]
        for key in keys:
            yield from tensors_of(single, key, variable, found.arrays[key, k, n])
        for name in variable.names[: 1 if single.layout else None]:
            yield _tensor(f"step.{name}", np.asarray(count, np.float32))
            for number in single.numbers:
                value = found.number(number, k)
                value = _momentum_product(single, count) if value is None else value
                yield _tensor(f"{number}.{name}", np.asarray(value, np.float64))


def _momentum_product(single: Single, count: int) -> float:
    """Return the product of Nadam's momenta, which not every version of Keras keeps."""
    beta = float(single.constructor.kwargs.get("betas", (0.9, 0.999))[0])
    decay = float(single.constructor.kwargs.get("momentum_decay", 0.004))
    factors = [beta * (1 - 0.5 * 0.96 ** (t * decay)) for t in range(1, count + 1)]
    return float(math.prod(factors))


def _tensor(name: str, value: np.ndarray) -> Tensor:
    return Tensor(name, value.shape, str(value.dtype), lambda: value)
