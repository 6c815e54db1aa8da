"""The objects of a checkpoint with their tensors: variables, and what optimizers keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torchtwin.errors import UnreadableModel
from torchtwin.readers.bundle.bundle import Bundle
from torchtwin.readers.bundle.objects import Objects
from torchtwin.readers.bundle.protobuf import Message
from torchtwin.source import Array

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
VALUE = "VARIABLE_VALUE"
NUMBERS = ("iter", "momentum_cache")
"""What optimizers keep beside their slots, in the order in which HDF5 files have it."""

ALTERNATING = {"accumulator", "linear"}
"""The slots of Ftrl, which makes both for a variable before it turns to the next."""

LISTS = ("variables", "trainable_variables")


class Tracked:
    """A checkpoint by its objects, which are found from the root by their attributes' names."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        texts = bundle.texts(GRAPH)
        if len(texts) != 1:
            raise UnreadableModel(f"{bundle.index} is damaged: it has {len(texts)} object graphs")
        self.objects = Objects(Message(memoryview(texts[0]), bundle.index), saved=False)

    def holds(self, number: int) -> bool:
        """Tell whether an object is a variable."""
        return VALUE in self.objects[number].keys

    def array(self, number: int) -> Array:
        """Return the tensor of a variable, by its full name: "dense/kernel"."""
        found = self.objects[number].keys.get(VALUE)
        if found is None:
            raise UnreadableModel(f"object {number} of {self.bundle.index} is no variable")
        name, key = found
        return self.bundle.array(key, name or key)

    def optimizer(self, model: int) -> tuple[Array, ...]:
        """Return the state of a model's optimizer, in the order in which HDF5 files have it."""
        number = self.objects.at(model, "optimizer")
        if number is None:
            return ()
        node = self.objects[number]
        if listed := self.objects.listed(node.children.get("_variables")):
            return tuple(self.array(k) for k in listed if self.holds(k))
        numbers = [self.objects.at(number, name) for name in NUMBERS]
        first = [self.array(k) for k in numbers if k is not None and self.holds(k)]
        return (*first, *self._slots(number, model)) if node.slots else tuple(first)

    def _slots(self, number: int, model: int) -> Iterator[Array]:
        """Yield the slots of an optimizer before TensorFlow 2.11, by the order of the variables."""
        order = {k: place for place, k in enumerate(self._order(model))}
        slots = self.objects[number].slots
        names = {name: k for k, name in enumerate(dict.fromkeys(slot.name for slot in slots))}
        alternating = set(names) == ALTERNATING

        def place(slot: tuple[int, int]) -> tuple[int, int]:
            kind, variable = slot
            return (variable, kind) if alternating else (kind, variable)

        placed = []
        for slot in slots:
            if slot.variable not in order:
                raise UnreadableModel("the optimizer keeps state of what is no layer's variable")
            placed.append((place((names[slot.name], order[slot.variable])), slot.kept))
        for _, kept in sorted(placed):
            yield self.array(kept)

    def _order(self, model: int) -> Sequence[int]:
        """Return the model's variables in Keras's order, where a list of them is kept."""
        for name in LISTS[::-1]:
            if listed := self.objects.listed(self.objects[model].children.get(name)):
                return listed
        return list(self.variables(model))

    def variables(self, number: int) -> Iterator[int]:
        """Yield the variables below an object, in the order in which it came to hold them."""
        pending, seen = [number], {number}
        while pending:
            number = pending.pop()
            if self.holds(number):
                yield number
            inner = [k for name, k in self.objects[number].children.items() if name != "optimizer"]
            for child in reversed(inner):
                if child not in seen:
                    seen.add(child)
                    pending.append(child)
