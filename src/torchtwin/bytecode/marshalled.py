"""Reads marshalled code as data: nothing is executed, and no length is believed.

Python's own `marshal` is for data one trusts. This reader knows the format of Python 2.7 to 3.14
(Python/marshal.c of each), refuses what does not fit, and takes no more memory than the bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from torchtwin.bytecode.code import Code, Implausible, Version

LONGEST = 1 << 18
"""Bytes of code at most; a function in a real model has a few hundred."""
DEEPEST, LARGEST = 40, 20_000
"""How deep objects nest, and how many there are once every reference is written out."""
LONGEST_NUMBER = 64
REFERENCED = 0x80

LOCAL, CELL, FREE = 0x20, 0x40, 0x80
"""What a place of Python 3.11 and later is."""


_Words = tuple[str, ...]
_Parts = tuple[bytes, tuple[Any, ...], _Words, _Words, _Words, _Words, _Words]


class _Unfinished:
    """Stands for an object that is still being read: it cannot hold itself."""


def unmarshal(data: bytes, version: Version) -> Code:
    """Return the code object that `data` is when a Python of this version wrote it.

    Raises Implausible when it is none, or when anything is left over.
    """
    if len(data) > LONGEST:
        raise Implausible("too long")
    reader = _Reader(data, version)
    code, _ = reader.read()
    if not isinstance(code, Code) or reader.at != len(data):
        raise Implausible("not one code object")
    return code


class _Reader:
    """Reads one object after another; each comes with the count of objects in it."""

    def __init__(self, data: bytes, version: Version) -> None:
        self.data, self.version, self.at, self.depth = data, version, 0, 0
        self.references: list[tuple[Any, int]] = []
        self.interned: list[bytes] = []
        self.kinds = _KINDS_2 if version < (3, 0) else _KINDS_3

    def take(self, count: int) -> bytes:
        if not 0 <= count <= len(self.data) - self.at:
            raise Implausible("a length beyond the end")
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        return int(struct.unpack("<i", self.take(4))[0])

    def read(self) -> tuple[Any, int]:
        kind = self.byte()
        keep = bool(kind & REFERENCED) and self.version >= (3, 4)
        read = self.kinds.get(chr(kind & ~REFERENCED if keep else kind))
        if read is None:
            raise Implausible(f"an object of unknown kind {kind}")
        self.depth += 1
        if self.depth > DEEPEST:
            raise Implausible("nested too deep")
        place = len(self.references)
        if keep:
            self.references.append((_Unfinished, 1))
        value, size = read(self)
        if size > LARGEST:
            raise Implausible("too many objects")
        if keep:
            self.references[place] = value, size
        self.depth -= 1
        return value, size

    def value(self) -> Any:
        return self.read()[0]

    def several(self, count: int) -> tuple[tuple[Any, ...], int]:
        if not 0 <= count <= len(self.data) - self.at:
            raise Implausible("a length beyond the end")
        values, total = [], 1
        for _ in range(count):
            value, size = self.read()
            total += size
            if total > LARGEST:
                raise Implausible("too many objects")
            values.append(value)
        return tuple(values), total

    def reference(self) -> tuple[Any, int]:
        place = self.number()
        if not 0 <= place < len(self.references) or self.references[place][0] is _Unfinished:
            raise Implausible("a reference to nothing")
        return self.references[place]

    def earlier(self) -> tuple[bytes, int]:
        place = self.number()
        if not 0 <= place < len(self.interned):
            raise Implausible("a reference to nothing")
        return self.interned[place], 1

    def interning(self) -> tuple[bytes, int]:
        self.interned.append(self.take(self.number()))
        return self.interned[-1], 1

    def long(self) -> tuple[int, int]:
        count = self.number()
        if abs(count) > LONGEST_NUMBER:
            raise Implausible("a number of too many digits")
        digits = struct.unpack(f"<{abs(count)}H", self.take(2 * abs(count)))
        if any(digit >> 15 for digit in digits):
            raise Implausible("a digit beyond its base")
        value = sum(digit << 15 * k for k, digit in enumerate(digits))
        return (value if count >= 0 else -value), 1

    def text(self, count: int, encoding: str = "utf-8") -> tuple[str, int]:
        try:
            return self.take(count).decode(encoding), 1
        except UnicodeDecodeError as error:
            raise Implausible("text that is none") from error

    def slice(self) -> tuple[slice, int]:
        if self.version < (3, 14):
            raise Implausible("a constant slice before Python 3.14")
        parts, size = self.several(3)
        return slice(*parts), size

    def code(self) -> tuple[Code, int]:
        # Sizes of what is inside do not add up: a function is written once, where it is used.
        return (self._new() if self.version >= (3, 11) else self._old()), 1

    def _counts(self) -> Mapping[str, int]:
        names = ["arguments", "positional", "keyword", "variables", "stack", "flags"]
        if self.version < (3, 8):
            names.remove("positional")
        if self.version < (3, 0):
            names.remove("keyword")
        if self.version >= (3, 11):
            names.remove("variables")
        counts = {name: self.number() for name in names}
        if any(not 0 <= count < LONGEST for name, count in counts.items() if name != "flags"):
            raise Implausible("a count that cannot be")
        return counts

    def _old(self) -> Code:
        counts = self._counts()
        bytecode, constants = self._raw(), self._tuple()
        names, variables, free, cells = (self._words() for _ in range(4))
        if len(variables) != counts["variables"]:
            raise Implausible("another number of variables than it says")
        self._word()  # the file it was written in
        name = self._word()
        self.number()  # its first line
        return self._made(counts, name, (bytecode, constants, names, variables, cells, free, ()))

    def _new(self) -> Code:
        counts = self._counts()
        bytecode, constants = self._raw(), self._tuple()
        names, places, kinds = self._words(), self._words(), self._raw()
        if len(places) != len(kinds):
            raise Implausible("places without a kind")
        pairs: list[tuple[str, int]] = list(zip(places, kinds, strict=True))
        variables = tuple(name for name, kind in pairs if kind & LOCAL)
        cells = tuple(name for name, kind in pairs if kind & CELL)
        free = tuple(name for name, kind in pairs if kind & FREE)
        self._word()
        name = self._word()
        self._word()  # the qualified name
        self.number()
        parts = (bytecode, constants, names, variables, cells, free, places)
        code = self._made(counts, name, parts)
        self._raw()  # where exceptions are caught
        return code

    def _made(self, counts: Mapping[str, int], name: str, parts: _Parts) -> Code:
        bytecode, constants, names, variables, cells, free, places = parts
        return Code(
            name, counts["arguments"], counts.get("positional", 0), counts.get("keyword", 0),
            counts["flags"], counts["stack"], bytecode, constants, names, variables, cells, free,
            self._raw(), places,
        )  # fmt: skip

    def _raw(self) -> bytes:
        value = self.value()
        if not isinstance(value, bytes):
            raise Implausible("no bytes where code has them")
        return value

    def _tuple(self) -> tuple[Any, ...]:
        value = self.value()
        if not isinstance(value, tuple):
            raise Implausible("no tuple where code has one")
        return value

    def _word(self, value: Any = ...) -> str:
        word = self.value() if value is ... else value
        if isinstance(word, bytes) and self.version < (3, 0):
            word = word.decode("utf-8", "replace")
        if not isinstance(word, str):
            raise Implausible("no name where code has one")
        return word

    def _words(self) -> tuple[str, ...]:
        return tuple(self._word(value) for value in self._tuple())


def _float(reader: _Reader) -> tuple[float, int]:
    return struct.unpack("<d", reader.take(8))[0], 1


def _complex(reader: _Reader) -> tuple[complex, int]:
    return complex(*struct.unpack("<dd", reader.take(16))), 1


def _frozen(reader: _Reader) -> tuple[Any, int]:
    values, size = reader.several(reader.number())
    if not all(isinstance(v, str | int | float | bytes | None) for v in values):
        raise Implausible("a set of what is no constant")
    return frozenset(values), size


_COMMON: Mapping[str, Callable[[_Reader], tuple[Any, int]]] = {
    "N": lambda _: (None, 1), "F": lambda _: (False, 1), "T": lambda _: (True, 1),
    ".": lambda _: (..., 1), "i": lambda r: (r.number(), 1), "l": _Reader.long,
    "g": _float, "y": _complex, "s": lambda r: (r.take(r.number()), 1),
    "u": lambda r: r.text(r.number()), "(": lambda r: r.several(r.number()),
    ">": _frozen, "c": _Reader.code,
}  # fmt: skip
_KINDS_2 = {
    **_COMMON, "I": lambda r: (struct.unpack("<q", r.take(8))[0], 1), "t": _Reader.interning,
    "R": _Reader.earlier,
}  # fmt: skip
_KINDS_3 = {
    **_COMMON, "t": lambda r: r.text(r.number()), "a": lambda r: r.text(r.number(), "ascii"),
    "A": lambda r: r.text(r.number(), "ascii"), "z": lambda r: r.text(r.byte(), "ascii"),
    "Z": lambda r: r.text(r.byte(), "ascii"), ")": lambda r: r.several(r.byte()),
    "r": _Reader.reference, ":": _Reader.slice,
}  # fmt: skip
