"""Cuts bytecode into instructions, for each Python version in its own way."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torchtwin.bytecode.code import Code, Implausible, Version

MOST = 4000
"""Instructions at most; no function that can be one expression has so many."""
NEEDS_ARGUMENT = 90
"""Before Python 3.6 instructions under this number are one byte, the others three."""

COUNTERS: Mapping[Version, Mapping[str, int]] = {
    (3, 11): {"BINARY_SUBSCR": 4, "STORE_SUBSCR": 1, "UNPACK_SEQUENCE": 1, "STORE_ATTR": 4,
              "LOAD_ATTR": 4, "COMPARE_OP": 2, "LOAD_GLOBAL": 5, "BINARY_OP": 1, "LOAD_METHOD": 10,
              "PRECALL": 1, "CALL": 4},
    (3, 12): {"BINARY_SUBSCR": 1, "STORE_SUBSCR": 1, "UNPACK_SEQUENCE": 1, "FOR_ITER": 1,
              "STORE_ATTR": 4, "LOAD_ATTR": 9, "COMPARE_OP": 1, "LOAD_GLOBAL": 4, "BINARY_OP": 1,
              "SEND": 1, "LOAD_SUPER_ATTR": 1, "CALL": 3},
    (3, 13): {"LOAD_GLOBAL": 4, "BINARY_OP": 1, "UNPACK_SEQUENCE": 1, "COMPARE_OP": 1,
              "CONTAINS_OP": 1, "BINARY_SUBSCR": 1, "FOR_ITER": 1, "LOAD_SUPER_ATTR": 1,
              "LOAD_ATTR": 9, "STORE_ATTR": 4, "CALL": 3, "STORE_SUBSCR": 1, "SEND": 1,
              "JUMP_BACKWARD": 1, "TO_BOOL": 3, "POP_JUMP_IF_TRUE": 1, "POP_JUMP_IF_FALSE": 1,
              "POP_JUMP_IF_NONE": 1, "POP_JUMP_IF_NOT_NONE": 1},
    (3, 14): {"LOAD_GLOBAL": 4, "BINARY_OP": 5, "UNPACK_SEQUENCE": 1, "COMPARE_OP": 1,
              "CONTAINS_OP": 1, "FOR_ITER": 1, "LOAD_SUPER_ATTR": 1, "LOAD_ATTR": 9,
              "STORE_ATTR": 4, "CALL": 3, "CALL_KW": 3, "STORE_SUBSCR": 1, "SEND": 1,
              "JUMP_BACKWARD": 1, "TO_BOOL": 3, "POP_JUMP_IF_TRUE": 1, "POP_JUMP_IF_FALSE": 1,
              "POP_JUMP_IF_NONE": 1, "POP_JUMP_IF_NOT_NONE": 1},
}  # fmt: skip
"""How many empty units follow an instruction, in which the interpreter keeps what it learnt."""

ABSOLUTE = frozenset([
    "JUMP_IF_FALSE_OR_POP", "JUMP_IF_TRUE_OR_POP", "JUMP_ABSOLUTE", "POP_JUMP_IF_FALSE",
    "POP_JUMP_IF_TRUE", "CONTINUE_LOOP", "JUMP_IF_NOT_EXC_MATCH",
])  # fmt: skip
"""Jumps whose argument is the place itself, before Python 3.11."""
RELATIVE = frozenset([
    "FOR_ITER", "JUMP_FORWARD", "SETUP_LOOP", "SETUP_EXCEPT", "SETUP_FINALLY", "SETUP_WITH",
    "SETUP_ASYNC_WITH", "CALL_FINALLY", "SEND",
])  # fmt: skip


@dataclass(frozen=True)
class Instruction:
    """One instruction; `target` is where it jumps to, `start` where its prefixes begin."""

    start: int
    end: int
    name: str
    argument: int
    target: int | None = None


@functools.cache
def tables() -> Mapping[Version, Mapping[int, str]]:
    """Return the name of each number, by version; scripts/make_opcodes writes them."""
    text = (Path(__file__).parent / "opcodes.json").read_text(encoding="utf-8")
    return {
        (int(major), int(minor)): {number: name for name, number in names.items()}
        for version, names in json.loads(text).items()
        for major, minor in [version.split(".")]
    }


def instructions(code: Code, version: Version) -> list[Instruction]:
    """Return the instructions of a code object; raise Implausible where there are none such."""
    result: list[Instruction] = []
    at, start, prefix = 0, 0, 0
    raw = code.bytecode
    while at < len(raw):
        if len(result) >= MOST:
            raise Implausible("too many instructions")
        name = tables()[version].get(raw[at])
        if name is None or name == "CACHE":
            raise Implausible(f"no instruction {raw[at]}")
        at, argument = _argument(raw, at, version)
        argument |= prefix
        if name == "EXTENDED_ARG":
            prefix = argument << (16 if version < (3, 6) else 8)
            if prefix >> 31:
                raise Implausible("an argument that is too large")
            continue
        for _ in range(COUNTERS.get(version, {}).get(name, 0)):
            if raw[at : at + 2] != b"\0\0":
                raise Implausible("something where nothing stands")
            at += 2
        result.append(Instruction(start, at, name, argument, _target(name, argument, at, version)))
        start, prefix = at, 0
    _check(code, version, result, prefix)
    return result


def _argument(raw: bytes, at: int, version: Version) -> tuple[int, int]:
    if version >= (3, 6):
        if at + 1 >= len(raw):
            raise Implausible("half an instruction")
        return at + 2, raw[at + 1]
    if raw[at] < NEEDS_ARGUMENT:
        return at + 1, 0
    if at + 2 >= len(raw):
        raise Implausible("half an instruction")
    return at + 3, raw[at + 1] | raw[at + 2] << 8


def _target(name: str, argument: int, end: int, version: Version) -> int | None:
    unit = 2 if version >= (3, 10) else 1
    if version < (3, 11) and name in ABSOLUTE:
        return argument * unit
    if name in RELATIVE or (version >= (3, 11) and "JUMP" in name):
        return end + argument * unit * (-1 if "BACKWARD" in name else 1)
    return None


def _check(code: Code, version: Version, found: Sequence[Instruction], prefix: int) -> None:
    places = {i.start for i in found}
    if prefix or not found:
        raise Implausible("no end")
    if any(i.target is not None and i.target not in places for i in found):
        raise Implausible("a jump to no instruction")
    if version >= (3, 11) and not any(i.name == "RESUME" for i in found):
        raise Implausible("no RESUME")
    if not _lines_fit(code, version):
        raise Implausible("the table of lines is of another Python")


def _lines_fit(code: Code, version: Version) -> bool:
    """Tell whether the table of lines covers the code as this version's does.

    Before 3.10 it gives where lines begin, in 3.10 how long they are, then each entry's units.
    """
    lines, length = code.lines, len(code.bytecode)
    if version < (3, 11):
        covered = sum(lines[::2])
        return len(lines) % 2 == 0 and (
            covered == length if version == (3, 10) else covered < length
        )
    if lines and not lines[0] & 0x80:
        return False
    return sum((byte & 7) + 1 for byte in lines if byte & 0x80) * 2 == length
