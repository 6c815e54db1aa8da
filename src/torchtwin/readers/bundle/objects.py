"""Graphs of objects, as checkpoints and SavedModels keep them: what holds what, by which name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from torchtwin.errors import UnreadableModel
from torchtwin.limits import limit, told
from torchtwin.readers.bundle.protobuf import Message, varint

USER_OBJECT, FUNCTION, CONSTANT = 4, 6, 9
"""The fields of a SavedObject that tell its kind; the others are of no use here."""


@dataclass(frozen=True)
class Slot:
    """What an optimizer keeps for a variable; both are numbers of objects."""

    variable: int
    name: str
    kept: int


@dataclass
class Object:
    """An object. `keys` are those of its tensors in the checkpoint, with their full names.

    `identifier` and `metadata` are of a SavedModel's objects, as the names of the functions that
    one may be, and of the constant.
    """

    children: dict[str, int] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    identifier: str = ""
    metadata: str = ""
    constant: str = ""
    functions: list[str] = field(default_factory=list)


class Objects:
    """The objects of one graph, parsed when they are asked for. Number 0 is the root."""

    def __init__(self, graph: Message, *, saved: bool) -> None:
        self.what, self._saved = graph.what, saved
        self._graph = graph
        self._messages: list[Message] = []
        self._parsed: dict[int, Object] = {}
        for message in graph.inner(1):
            self._messages.append(message)
            if len(self._messages) > limit("OBJECTS"):
                raise UnreadableModel(f"{self.what} has too many objects", hint=told("OBJECTS"))
        if not self._messages:
            raise UnreadableModel(f"{self.what} has no objects")

    def __len__(self) -> int:
        return len(self._messages)

    def __getitem__(self, number: int) -> Object:
        if number not in self._parsed:
            if number >= len(self._messages):
                raise UnreadableModel(f"{self.what} is damaged: it has no object {number}")
            parse = _saved_object if self._saved else _tracked_object
            self._parsed[number] = parse(self._messages[number])
        return self._parsed[number]

    def at(self, number: int, *names: str) -> int | None:
        """Return the object to which names lead from another."""
        found: int | None = number
        for name in names:
            if found is None:
                return None
            found = self[found].children.get(name)
        return found

    def listed(self, number: int | None) -> list[int]:
        """Return the objects in a list: its children are called "0", "1", …"""
        children = self[number].children if number is not None else {}
        return [children[str(k)] for k in range(len(children)) if str(k) in children]

    def bound(self, function: str) -> list[int]:
        """Return the objects that a SavedModel's function was made with."""
        for entry in self._graph.inner(2):
            texts = [entry.text(value) for field, value in entry.fields() if field == 1]
            if texts == [function]:
                return [k for inner in entry.inner(2) for k in _packed(inner, 2)]
        return []

    def beside(self, other: Objects) -> dict[int, int]:
        """Return the objects of another graph that the same names lead to, from both roots."""
        pairs = {0: 0}
        pending = [0]
        while pending:
            number = pending.pop()
            theirs = other[pairs[number]].children
            for name, child in self[number].children.items():
                if name in theirs and child not in pairs:
                    pairs[child] = theirs[name]
                    pending.append(child)
        return pairs


def _packed(message: Message, field: int) -> Iterator[int]:
    """Yield the small numbers of a repeated field."""
    for inner in message.inner(field):
        at = 0
        while at < len(inner.data):
            number, at = varint(inner.data, at, inner.what)
            yield number


def _reference(message: Message) -> tuple[int, str]:
    number, name = 0, ""
    for place, value in message.fields():
        if place == 1:
            number = message.number(value)
        elif place == 2:
            name = message.text(value)
    return number, name


def _slot(message: Message) -> Slot:
    found: dict[int, int] = {1: 0, 3: 0}
    name = ""
    for place, value in message.fields():
        if place == 2:
            name = message.text(value)
        elif place in found:
            found[place] = message.number(value)
    return Slot(found[1], name, found[3])


def _common(message: Message, found: Object) -> Iterator[tuple[int, Message]]:
    """Keep what both kinds of objects have; yield their other messages."""
    for place, value in message.fields():
        if isinstance(value, int):
            continue
        inner = message.within(value)
        if place == 1:
            number, name = _reference(inner)
            found.children[name] = number
        elif place == 3:
            found.slots.append(_slot(inner))
        else:
            yield place, inner


def _tracked_object(message: Message) -> Object:
    """Read a TrackableObject (tensorflow/core/protobuf/trackable_object_graph.proto)."""
    found = Object()
    for place, inner in _common(message, found):
        if place == 2:
            texts = _texts(inner, (1, 2, 3))
            found.keys[texts[1]] = (texts[2], texts[3])
    return found


def _saved_object(message: Message) -> Object:
    """Read a SavedObject (tensorflow/core/protobuf/saved_object_graph.proto)."""
    found = Object()
    for place, inner in _common(message, found):
        if place == USER_OBJECT:
            texts = _texts(inner, (1, 3))
            found.identifier, found.metadata = texts[1], texts[3]
        elif place == FUNCTION:
            found.functions = [inner.text(v) for field, v in inner.fields() if field == 1]
        elif place == CONSTANT:
            found.constant = _texts(inner, (1,))[1]
    return found


def _texts(message: Message, wanted: tuple[int, ...]) -> Mapping[int, str]:
    found = dict.fromkeys(wanted, "")
    for place, value in message.fields():
        if place in found:
            found[place] = message.text(value)
    return found
