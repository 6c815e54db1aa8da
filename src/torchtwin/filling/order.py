"""The variables of Keras that fill a module, in Keras's order.

keras/src/layers/layer.py, `weights`: a layer's own trainable variables as they were made, its own
that are not trained, then those of its layers in the order of the attributes; none twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from torchtwin.errors import UnsupportedError
from torchtwin.filling.lazy import is_torch_lazy, lazy_shape, waits_for_a_call
from torchtwin.filling.tables import become, is_copy_of, table_of, unknown_parameters
from torchtwin.filling.tracking import tracked
from torchtwin.nn.keyed import KeyedModules
from torchtwin.notation import Notation

LISTS = (nn.ParameterList, nn.ParameterDict)
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Fill:
    """A parameter or buffer, and the notations by which a variable may fill it."""

    module: nn.Module
    name: str
    notations: tuple[Notation, ...]

    @property
    def tensor(self) -> torch.Tensor:
        found: torch.Tensor = getattr(self.module, self.name)
        return found

    def shapes(self, rows: int | None) -> Iterator[Shape]:
        """Yield the shapes that the variable may have; lengths that are free are None."""
        free = lazy_shape(self.module, self.name)
        if free is not None:
            yield free
            return
        for notation in self.notations:
            try:
                yield notation.keras_shape(tuple(self.tensor.shape), rows)
            except ValueError:
                continue


@dataclass(frozen=True)
class Slot:
    """A variable of Keras and what it fills; `path` leads to the module, `under` is Keras's name.

    `part` is the number of the root's submodule that it lies in, -1 for the root's own.
    """

    path: str
    under: str
    fills: tuple[Fill, ...]
    part: int = field(default=-1, compare=False)

    @property
    def trained(self) -> bool:
        tensor = self.fills[0].tensor
        trained = tensor.requires_grad or getattr(tensor, "frozen", False)  # as it was made
        return isinstance(tensor, nn.Parameter) and trained

    @property
    def shapes(self) -> list[Shape]:
        rows = [n.row for fill in self.fills for n in fill.notations if n.row is not None]
        each = [set(fill.shapes(max(rows) + 1 if rows else None)) for fill in self.fills]
        first = list(self.fills[0].shapes(max(rows) + 1 if rows else None))
        return [shape for shape in dict.fromkeys(first) if all(shape in other for other in each)]

    def fits(self, shape: tuple[int, ...]) -> bool:
        return any(
            len(own) == len(shape) and all(a in (None, b) for a, b in zip(own, shape, strict=True))
            for own in self.shapes
        )


@dataclass
class Walk:
    """Goes through a module; `constants` are the parameters that no variable fills.

    After a call, what has no parameters still was not called: Keras has no variables of it.
    """

    called: bool = False
    seen: set[int] = field(default_factory=set)
    constants: list[tuple[Fill, str]] = field(default_factory=list)

    def slots(self, module: nn.Module, path: str = "", part: int = -1) -> Iterator[Slot]:
        """Yield the variables that fill a module."""
        idle = waits_for_a_call(module) or (self.called and is_torch_lazy(module))
        if id(module) in self.seen or idle:
            return
        self.seen.add(id(module))
        found = table_of(type(module))
        if found is None and unknown_parameters(module):
            name = type(module).__name__
            raise UnsupportedError(
                f"it is not known in which order Keras has the weights of {name}",
                where=path or "the module itself",
                hint=f"copy its weights by hand: Keras has no layer that is {name}",
            )
        table = found[1](module) if found else {}
        exact = found is not None and found[0] is become(type(module))
        yield from sorted(self._own(module, path, part, table, exact), key=_rank)
        covered = {name.partition(".")[0] for name in table if "." in name}
        numbers = {name: k for k, name in enumerate(module._modules)}
        for name, child in [] if exact else children(module):
            first = name.partition(".")[0]
            if first not in covered and not isinstance(child, LISTS):
                below = f"{path}.{name}" if path else name
                yield from self.slots(child, below, numbers[first] if part < 0 else part)

    def _own(
        self, module: nn.Module, path: str, part: int, table: Mapping[str, Any], exact: bool
    ) -> Iterator[Slot]:
        """Yield the variables of the layer itself: those of its table where its first one lies."""
        given = list(self._tabled(module, path, part, table))
        if given and "." in given[0].fills[0].name:
            yield from given
            given = []
        for owner, name in [] if exact else _names(module):
            if name in table and owner is module:
                yield from given
                given = []
            elif self._new(getattr(owner, name)):
                yield Slot(path, name, (Fill(owner, name, (Notation(name),)),), part)
        yield from given

    def _tabled(
        self, module: nn.Module, path: str, part: int, table: Mapping[str, Any]
    ) -> Iterator[Slot]:
        variables: dict[str, list[Fill]] = {}
        for name, given in table.items():
            owner, last = _owner(module, name)
            tensor = getattr(owner, last, None)
            if tensor is None:
                continue
            listed = given if isinstance(given, tuple) else (given,)
            notations = tuple(n if isinstance(n, Notation) else Notation(n) for n in listed)
            fill = Fill(owner, last, notations)
            if notations[0].constant:
                self.constants.append((fill, notations[0].constant))
            elif self._new(tensor):
                variables.setdefault(notations[0].variable, []).append(fill)
        for variable, fills in variables.items():
            yield Slot(path, variable, tuple(fills), part)

    def _new(self, tensor: torch.Tensor) -> bool:
        """Note a tensor; tell whether it is met for the first time."""
        known = id(tensor) in self.seen
        self.seen.add(id(tensor))
        return not known


def _rank(slot: Slot) -> int:
    """A layer's own variables that are not trained come last, also while the others are frozen."""
    return int(not slot.trained) + int(not isinstance(slot.fills[0].tensor, nn.Parameter))


def _owner(module: nn.Module, path: str) -> tuple[nn.Module, str]:
    before, _, last = path.rpartition(".")
    return module.get_submodule(before), last


def children(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the submodules in Keras's order: those in lists where they were added."""
    names = [name for name, child in module._modules.items() if child is not None]
    parts: Any = module._modules
    held = {n: list(parts[n]._modules) for n in names if _holds(parts[n])}
    if type(module).__module__.startswith("torch."):
        held = {}
    for name, place in placed(module, {n: len(keys) for n, keys in held.items()}, names):
        path = name if place < 0 else f"{name}.{held[name][place]}"
        child = module.get_submodule(path) if module._modules[name] is not None else None
        if child is not None:
            yield path, child


def placed(
    module: nn.Module, lengths: Mapping[str, int], names: Sequence[str]
) -> list[tuple[str, int]]:
    """Return the order of attributes, with -1, and of the elements of lists, with their places."""
    if not lengths:
        return [(name, -1) for name in names]
    order = [p for p in dict.fromkeys(tracked(type(module), lengths)) if p[0] in names]
    for k, name in enumerate(names):  # what is set by other means comes behind what is before it
        places = [i for i, (n, _) in enumerate(order) if n == name]
        missing = lengths.get(name, 1) - len(places)
        before = [i for i, (n, _) in enumerate(order) if n in names[:k]]
        at = (places or before or [-1])[-1] + 1
        last = len(places)
        new = [(name, last + i if name in lengths else -1) for i in range(missing)]
        order[at:at] = new
    return order


def _holds(module: nn.Module | None) -> bool:
    """Tell whether a module is a list or dict in which modules with weights lie."""
    plain = isinstance(module, nn.ModuleList | nn.ModuleDict)
    if module is None or not (plain or is_copy_of(type(module), KeyedModules)):
        return False
    filled = [*module.parameters(), *module.buffers()]
    return bool(filled) and None not in module._modules.values()


def _names(module: nn.Module) -> Iterator[tuple[nn.Module, str]]:
    """Yield a module's own parameters, with those in lists, then what is saved too."""
    names = [name for name, value in module._parameters.items() if value is not None]
    lists = {n: c for n, c in module.named_children() if isinstance(c, LISTS)}
    keys = {name: list(child._parameters) for name, child in lists.items()}
    lengths = {name: len(inner) for name, inner in keys.items()}
    for name, place in placed(module, lengths, [*names, *lists]):
        yield (module, name) if place < 0 else (lists[name], keys[name][place])
    for name, value in module._buffers.items():
        counts = name == "num_batches_tracked"  # of torch's batch normalisation
        if value is not None and not counts and name not in module._non_persistent_buffers_set:
            yield module, name
