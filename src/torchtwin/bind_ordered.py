"""Binds weights kept as lists by layer: HDF5 models of Keras 1 and 2, and live models."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torchtwin.binding import Binding, Holder, Variable
from torchtwin.source import Array, Ordered

Wanted = tuple[str, str, Variable]
"""The key, the name of the layer that owns the variable, and the variable."""

OWN_WEIGHTS = "top_level_model_weights"


def bind_ordered(holders: Sequence[Holder], weights: Ordered, binding: Binding) -> None:
    """Pair the groups with layers by name, or in their order when names do not match."""
    wanted = [holder for holder in holders if holder.holds()]
    noise = _noise(holders)
    groups = {
        name: kept
        for name, arrays in weights.groups.items()
        if (kept := [a for a in arrays if not noise.search(leaf(a))])
    }
    names = {holder.name for holder in wanted}
    if names != set(groups) and len(groups) == len(wanted) and not weights.strict:
        for holder, arrays in zip(wanted, groups.values(), strict=True):
            _bind_group(holder, arrays, binding)
        return
    for holder in wanted:
        _bind_group(holder, groups.get(holder.name, []), binding)
    for name, arrays in groups.items():
        if name not in names:
            for array in arrays:
                binding.unused(array, f"{name}: {array.name}")


def _noise(holders: Sequence[Holder]) -> re.Pattern[str]:
    """Return a pattern for the last names of variables that are no weights."""
    adapts = any(h.class_name == "Normalization" for top in holders for _, h in top.walk())
    return re.compile(r"^seed_generator_state|^count$" if adapts else r"^seed_generator_state")


def leaf(array: Array) -> str:
    """Return "kernel" of "dense_1/kernel:0"."""
    return array.name.rpartition("/")[2].partition(":")[0]


def _bind_group(holder: Holder, arrays: Sequence[Array], binding: Binding) -> None:
    """Bind the arrays of one top-level layer."""
    orders = _orders(holder)
    if len(arrays) == len(orders[0]):
        for order in orders:
            if _agree(order, arrays):
                binding.arrays.update(
                    {key: array for (key, _, _), array in zip(order, arrays, strict=True)}
                )
                return
        found = _by_name(orders[0], arrays)
        if found is not None:
            binding.arrays.update(found)
            return
    for (key, _, variable), array in zip(orders[0], arrays, strict=False):
        binding.put(key, variable, array)
    for key, _, variable in orders[0][len(arrays) :]:
        binding.missing(key, variable)
    for array in arrays[len(orders[0]) :]:
        binding.unused(array)
    if not binding.problems:
        binding.problems.append(f"the names of the weights of '{holder.name}' contradict its order")


def _orders(holder: Holder) -> list[list[Wanted]]:
    """Return the orders in which writers list a layer's variables: trainable ones first.

    A frozen layer's variables count as not trainable; whether freezing a model froze its layers
    differed between versions, so there is more than one order.
    """
    orders = []
    for inherit, freeze in ((True, True), (False, True), (False, False)):
        flat = list(_flat(holder, "", False, inherit, freeze))
        order = [w for moved, w in flat if not moved] + [w for moved, w in flat if moved]
        if order not in orders:
            orders.append(order)
    return orders


def _flat(
    holder: Holder, prefix: str, frozen: bool, inherit: bool, freeze: bool
) -> list[tuple[bool, Wanted]]:
    """Return every variable in natural order, and whether it moves behind the trainable ones."""
    key = f"{prefix}{holder.name}"
    frozen = (frozen and inherit) or (freeze and not holder.trainable)
    flat = [(frozen or not v.trainable, (f"{key}/{v.path}", holder.name, v)) for v in _own(holder)]
    for child in holder.children:
        flat += _flat(child, f"{key}/", frozen, inherit, freeze)
    return flat


def _own(holder: Holder) -> list[Variable]:
    return sorted(holder.variables, key=lambda v: not v.trainable)


def _agree(order: Sequence[Wanted], arrays: Sequence[Array]) -> bool:
    """Tell whether shapes agree, and no array's name says that it is another variable."""
    leaves = {variable.leaf for _, _, variable in order if variable.named}
    owners = {owner for _, owner, _ in order}
    telling = all(any(owner in _parts(a) for a in arrays) for owner in owners)
    for (_, owner, variable), array in zip(order, arrays, strict=True):
        name = _base(leaf(array), leaves)
        wrong = variable.named and name in leaves and name != variable.leaf
        if not variable.fits(array.shape) or wrong:
            return False
        if telling and owner not in _parts(array) and owners & _parts(array):
            return False
    return True


def _parts(array: Array) -> set[str]:
    return set(array.name.split("/")[:-1])


def _base(name: str, leaves: set[str]) -> str:
    """Return the name without the number that TensorFlow adds: kernel_1 is a kernel."""
    return name if name in leaves else re.sub(r"_\d+$", "", name)


def _by_name(order: Sequence[Wanted], arrays: Sequence[Array]) -> dict[str, Array] | None:
    """Return the one assignment in which every name and shape agrees, or None."""
    if not all(variable.named for _, _, variable in order):
        return None
    leaves = {variable.leaf for _, _, variable in order}
    owners = {owner for _, owner, _ in order}
    found: dict[str, Array] = {}
    for key, owner, variable in order:
        fits = [
            a
            for a in arrays
            if a.shape == variable.shape
            and _base(leaf(a), leaves) == variable.leaf
            and (len(owners) == 1 or owner in _parts(a))
        ]
        if len(fits) != 1 or any(fits[0] is other for other in found.values()):
            return None
        found[key] = fits[0]
    return found
