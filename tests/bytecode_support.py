"""Assembles functions as Pythons before 3.11 marshalled them."""

from __future__ import annotations

import marshal
from typing import Any

from torchtwin.bytecode.instructions import tables

Instructions = list[Any]


def assembled(version: str, instructions: Instructions, **parts: Any) -> bytes:
    """Return the marshalled code of a function, as that Python writes it.

    An instruction is a name, or a pair of name and argument; jumps are given as the compiler does.
    """
    major, minor = map(int, version.split("."))
    numbers = {name: k for k, name in tables()[major, minor].items()}
    raw = b""
    for each in instructions:
        name, argument = (each, 0) if isinstance(each, str) else each
        if (major, minor) >= (3, 6):
            raw += bytes([numbers[name], argument])
        elif numbers[name] >= 90:
            raw += bytes([numbers[name], argument & 255, argument >> 8])
        else:
            raw += bytes([numbers[name]])
    return _code(major, minor, raw, **parts)


def number(value: int) -> bytes:
    return value.to_bytes(4, "little", signed=True)


def _value(value: Any, old: bool) -> bytes:
    match value:
        case None:
            return b"N"
        case bool():
            return b"T" if value else b"F"
        case int():
            return b"i" + number(value)
        case float():
            return b"g" + marshal.dumps(value, 2)[1:]
        case bytes():
            return b"s" + number(len(value)) + value
        case str() if old:
            return b"t" + number(len(value)) + value.encode()
        case str():
            return b"u" + number(len(value)) + value.encode()
        case tuple():
            return b"(" + number(len(value)) + b"".join(_value(v, old) for v in value)
    raise TypeError(value)


def _code(
    major: int, minor: int, raw: bytes, *, arguments: int = 1, consts: tuple[Any, ...] = (None,),
    names: tuple[str, ...] = (), variables: tuple[str, ...] = ("x",), name: str = "<lambda>",
    free: tuple[str, ...] = (), stack: int = 9,
) -> bytes:  # fmt: skip
    old = major == 2
    counts = [arguments, *([0] if (major, minor) >= (3, 8) else []), *([] if old else [0])]
    counts += [len(variables), stack, 0x43]
    lines = bytes([len(raw), 0]) if (major, minor) == (3, 10) else b""
    parts = [raw, consts, names, variables, free, (), "lambda.py", name]
    body = b"".join(_value(part, old) for part in parts)
    return b"c" + b"".join(map(number, counts)) + body + number(1) + _value(lines, old)
