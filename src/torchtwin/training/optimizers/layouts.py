"""In which order Keras's versions keep an optimizer's state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from torchtwin.source import Array
from torchtwin.training.optimizers.groups import uses_adam
from torchtwin.training.optimizers.plan import OptimizerPlan, Single, Slot
from torchtwin.training.optimizers.variables import Trained

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Wanted:
    """One array of the state: what it is ("" for nothing of use), whose, and its shape.

    `variable` counts those of its optimizer; -1 is for numbers of the optimizer itself.
    """

    key: str
    optimizer: int = 0
    variable: int = -1
    shape: Shape = ()


def layouts(
    plan: OptimizerPlan, chosen: Sequence[Sequence[Trained]], version: str, arrays: Sequence[Array]
) -> Iterator[list[Wanted]]:
    """Yield the orders in which the file may keep the state, the likeliest first."""
    if int(version.partition(".")[0] or 3) >= 3:
        yield list(_keras3(plan, chosen))
        return
    single, mine = plan.singles[0], chosen[0]
    first = arrays[0].name.partition(":")[0]
    if first.startswith("optimizer/vars/") or first in ("iteration", "iterations"):
        for blocks in _with_unused(single):
            slots = _blocks(single, 0, mine, blocks)
            yield [Wanted("iterations"), *(w for w in slots if w.key or w.shape)]
        return
    if version.startswith("1"):
        places = sorted(range(len(mine)), key=lambda n: _name(mine[n]))
    else:
        places = list(range(len(mine)))
    for layout in _legacy(single, [mine[n] for n in places]):
        yield [replace(w, variable=places[w.variable] if w.variable >= 0 else -1) for w in layout]


def _name(variable: Trained) -> str:
    """Return the variable's name in the file: Keras 1 sorted by it."""
    array = variable.parameters[0].array
    return array.name if array else ""


def _keras3(plan: OptimizerPlan, chosen: Sequence[Sequence[Trained]]) -> Iterator[Wanted]:
    if plan.scaling is not None:
        yield from (Wanted(""), Wanted(""), Wanted("finite_steps"), Wanted("loss_scale"))
    if len(plan.singles) > 1:
        yield from (Wanted(""), Wanted(""))
    for k, (single, mine) in enumerate(zip(plan.singles, chosen, strict=True)):
        yield Wanted("iterations", k)
        if not single.scheduled:
            yield Wanted("learning_rate", k)
        if not mine:
            continue
        yield from _blocks(single, k, mine, single.blocks)
        for number in single.numbers:
            yield Wanted(number, k)


def _blocks(
    single: Single, k: int, mine: Sequence[Trained], blocks: Sequence[Sequence[Slot]]
) -> Iterator[Wanted]:
    """Yield averages, accumulated gradients, then the slots, block after block."""
    own = [("average", single.averages), ("accumulated", single.accumulation)]
    for block in [*((Slot(key, key),) for key, there in own if there), *blocks]:
        for n, variable in enumerate(mine):
            for slot in block:
                yield from _slot(single, slot, k, n, variable)


def _slot(single: Single, slot: Slot, k: int, n: int, variable: Trained) -> Iterator[Wanted]:
    shape = variable.shape
    if slot.kind == "adam" and not uses_adam(single, variable):
        return
    if slot.kind in ("rows", "columns"):
        if len(shape) < 2:
            yield Wanted("", k, n)  # Keras keeps a zero in its place
        else:
            cut = shape[:-1] if slot.kind == "rows" else (*shape[:-2], shape[-1])
            yield Wanted(slot.key, k, n, cut)
    elif slot.kind == "full" and len(shape) >= 2:
        yield Wanted("", k, n, shape)
    else:
        yield Wanted(slot.key, k, n, shape)


def _with_unused(single: Single) -> Iterator[Sequence[Sequence[Slot]]]:
    """Yield the blocks, and with them what SGD without momentum kept in Keras 1 and 2."""
    yield single.blocks
    if not single.blocks:
        yield ((Slot("", "momentum"),),)


def _legacy(single: Single, mine: Sequence[Trained]) -> Iterator[list[Wanted]]:
    """Yield the orders before TensorFlow 2.11: slot after slot, numbers before them.

    Ftrl's two alternate. Keras of its own package kept no count in some optimizers, and with
    Adam an array of one zero for each variable.
    """
    for blocks in _with_unused(single):
        apart = blocks if single.name == "Ftrl" else [(slot,) for block in blocks for slot in block]
        slots = list(_blocks(single, 0, mine, apart))
        extra = [Wanted("", 0, n, (1,)) for n in range(len(mine))]
        numbers = [Wanted(number) for number in single.numbers]
        for start in ([Wanted("iterations"), *numbers], [Wanted("iterations")], []):
            yield [*start, *slots]
            yield [*start, *slots, *extra]
