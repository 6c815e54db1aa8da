"""In which order a class sets its attributes and fills its lists, read from its bytecode.

A module has `self.convs` before `self.norms`, whatever is appended when. Keras has its layers in
the order in which they came: convs[0], norms[0], convs[1], ... where a loop appends to both
(keras/src/utils/tracking.py, TrackedList.append).
"""

from __future__ import annotations

import dis
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType

from torchtwin.errors import UnsupportedError

ADDS = ("append", "insert", "add_module")
ADDS_MANY = ("extend", "update")
METHODS = ("__init__", "build")
MANY = 1 << 30
SEVERAL = ("SWAP", "ROT_TWO", "ROT_THREE", "STORE_ATTR")


@dataclass
class Event:
    """An attribute that is set, or a list that is added to; `sure` where no condition decides.

    `count` tells how many elements come at once, as far as that is written. Of two events that are
    not sure and have different numbers as `branch`, one round has one.
    """

    name: str
    adds: bool
    count: int
    sure: bool
    branch: int = 0


@dataclass
class Loop:
    """What happens in each round of a loop; it ends at an offset of the bytecode.

    Up to the offset `unsure` it depends on a condition whether an instruction runs.
    """

    end: int
    body: list[Event | Loop] = field(default_factory=list)
    unsure: int = -1
    branch: int = 0


Events = list[Event | Loop]


def tracked(cls: type, lengths: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the order of what `cls` makes: names with the number of the element that is added.

    `lengths` tells how long the lists are. Other attributes have the number -1. Raises
    UnsupportedError where several lists grow in an order that cannot be told.
    """
    events: Events = []
    for method in METHODS:
        events += _events(cls, method, cls.__mro__, ())
    found = _Order(dict.fromkeys(lengths, 0), lengths)
    found.run(events, 1)
    return found.places


@dataclass
class _Order:
    taken: dict[str, int]
    lengths: Mapping[str, int]
    places: list[tuple[str, int]] = field(default_factory=list)

    def run(self, events: Events, rounds: int) -> None:
        for _ in range(rounds):
            given: dict[str, int] = {}
            for event in events:
                if isinstance(event, Loop):
                    self.run(event.body, self._rounds(event))
                elif event.name in self.lengths:
                    first = given.setdefault(event.name, event.branch)
                    other = not event.sure and event.branch != first  # the branch not taken
                    self._take(event.name, 0 if other else event.count)
                elif not event.adds:
                    self.places.append((event.name, -1))

    def _take(self, name: str, count: int) -> None:
        first = self.taken[name]
        self.taken[name] = min(first + count, self.lengths[name])
        self.places += [(name, k) for k in range(first, self.taken[name])]

    def _rounds(self, loop: Loop) -> int:
        """Return how often a loop runs, by how long the lists are that it fills."""
        names = dict.fromkeys(e.name for e in _flat(loop.body) if self.lengths.get(e.name))
        counts = {n: self.lengths[n] - self.taken[n] for n in names}
        if len(names) < 2:
            return max([1, *counts.values()])
        direct = [e for e in loop.body if isinstance(e, Event)]
        each = {n: _each_round([e for e in direct if e.name == n]) for n in names}
        rounds = {counts[n] / each[n] for n in names if each[n]}
        sure = any(e.sure and e.name in names for e in direct)
        if all(each.values()) and len(rounds) == 1 and sure and rounds.copy().pop() % 1 == 0:
            return int(rounds.pop())
        raise UnsupportedError(
            f"in which order Keras has the weights of {' and '.join(names)} is not known",
            hint="fill each of them by itself: load_keras_weights(module.convs[0], weights)",
        )


def _each_round(events: list[Event]) -> int:
    """Return how many elements a list gets in a round, 0 where that is not known."""
    branches = {event.branch for event in events}
    if not any(event.sure for event in events) and len(branches) == len(events):
        return min(event.count for event in events) if events else 0
    return sum(event.count for event in events)


def _flat(events: Events) -> Iterator[Event]:
    for event in events:
        if isinstance(event, Loop):
            yield from _flat(event.body)
        else:
            yield event


def _events(cls: type, method: str, owners: tuple[type, ...], within: tuple[str, ...]) -> Events:
    """Return what a method of a class does, with the methods that it calls in their places."""
    for k, owner in enumerate(owners):
        function = owner.__dict__.get(method)
        if isinstance(function, FunctionType) and not owner.__module__.startswith("torch."):
            return _Reader(cls, owners[k + 1 :], (*within, method)).read(function)
    return []


@dataclass
class _Reader:
    cls: type
    above: tuple[type, ...]
    within: tuple[str, ...]
    open: list[Loop] = field(default_factory=list)

    def read(self, function: FunctionType) -> Events:
        idle = ("CACHE", "RESUME", "PRECALL", "PUSH_NULL", "EXTENDED_ARG")
        steps = [s for s in dis.get_instructions(function) if s.opname not in idle]
        self.open = [Loop(steps[-1].offset + 1)]
        whole, ends = self.open[0], _whiles(steps)
        for k, step in enumerate(steps):
            while len(self.open) > 1 and step.offset >= self.open[-1].end:
                self.open.pop()
            self._jump(step, steps[k + 1 :], ends.get(step.offset))
            self._step(step, steps[:k], steps[k + 1 :])
        return whole.body

    def _jump(self, step: dis.Instruction, after: list[dis.Instruction], end: int | None) -> None:
        if step.opname == "FOR_ITER" or end is not None:
            loop = Loop(int(step.argval) if end is None else end)
            self.open[-1].body.append(loop)
            self.open.append(loop)
        elif "JUMP" in step.opname and isinstance(step.argval, int):
            here = self.open[-1]
            last = not after or after[0].offset >= here.end
            here.branch += step.opname == "JUMP_FORWARD" or (step.argval < step.offset and not last)
            if step.argval > step.offset:
                here.unsure = max(here.unsure, step.argval)
            elif not last:  # the round ends here for one branch
                here.unsure = max(here.unsure, here.end)

    def _step(
        self, step: dis.Instruction, before: list[dis.Instruction], after: list[dis.Instruction]
    ) -> None:
        name, here = str(step.argval), self.open[-1]
        sure = step.offset >= here.unsure
        if step.opname in LOADS and self.within and name == self.within[-1] and name in METHODS:
            here.body += _events(self.cls, name, self.above, self.within[:-1])  # super().__init__
        elif not before or not _is_self(before[-1]):
            return
        elif step.opname == "STORE_ATTR":
            if len(before) > 1 and before[-2].opname == "LOAD_CONST" and before[-2].argval is None:
                return  # `build` makes what `__init__` has as None
            here.body.append(Event(name, False, _written(before[:-1]), sure, here.branch))
        elif step.opname in LOADS and name not in self.within:
            if isinstance(getattr(self.cls, name, None), FunctionType):
                here.body += _events(self.cls, name, self.cls.__mro__, self.within)
            elif count := _added(after):
                here.body.append(Event(name, True, count, sure, here.branch))


LOADS = ("LOAD_METHOD", "LOAD_ATTR", "LOAD_SUPER_ATTR")


def _is_self(step: dis.Instruction) -> bool:
    last = step.argval[-1] if isinstance(step.argval, tuple) else step.argval
    # A function inside that uses it makes it a cell.
    return step.opname.startswith(("LOAD_FAST", "LOAD_DEREF")) and last == "self"


def _whiles(steps: list[dis.Instruction]) -> dict[int, int]:
    """Return where loops without an iterator start, and where they end."""
    found = {}
    for jump in (s for s in steps if "JUMP_BACKWARD" in s.opname):
        # A long loop is jumped to where its prefix lies, before the first step of it.
        first = next(s for s in steps if s.offset >= jump.argval)
        if first.opname != "FOR_ITER":
            found[first.offset] = jump.offset + 1
    return found


def _written(before: list[dis.Instruction]) -> int:
    """Return how many elements a list has that is set: `nn.ModuleList([a, b])`."""
    while before and (before[-1].opname in SEVERAL or _is_self(before[-1])):
        before = before[:-1]  # self.a, self.b = nn.ModuleList(), nn.ModuleList()
    if before and before[-1].opname == "CALL" and before[-1].argval == 0:
        return 0
    if len(before) > 1 and before[-1].opname == "CALL" and before[-2].opname == "BUILD_LIST":
        return int(before[-2].argval)
    return MANY


def _added(after: list[dis.Instruction]) -> int:
    """Return how many elements come to a list that was loaded: by a method, or by a key."""
    if after and after[0].opname in LOADS:
        word = after[0].argval
        return 1 if word in ADDS else MANY if word in ADDS_MANY else 0
    for step in after[:8]:
        if step.opname == "STORE_SUBSCR":
            return 1
        if not step.opname.startswith(("LOAD_", "BUILD_STRING", "FORMAT", "CONVERT", "COPY")):
            return 0
    return 0
