"""Prints bytecode for people: what is refused is shown."""

from __future__ import annotations

from torchtwin.bytecode.code import Code, Implausible, Version
from torchtwin.bytecode.instructions import Instruction, instructions
from torchtwin.errors import shortened

MOST_LINES = 60


def listing(code: Code, version: Version) -> str:
    """Return the instructions of a function and of those inside it, a line each, bounded."""
    lines: list[str] = []
    pending = [code]
    while pending and len(lines) <= MOST_LINES:
        current = pending.pop(0)
        pending += [c for c in current.constants if isinstance(c, Code)]
        try:
            parameters = ", ".join(current.parameters)
            lines.append(f"{shortened(current.name)}({shortened(parameters)}):")
            lines += [_line(i, current, version) for i in instructions(current, version)]
        except Implausible as reason:
            lines.append(f"  ({reason})")
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"  … {len(lines) - MOST_LINES} more"]
    return "\n".join(lines)


def _line(instruction: Instruction, code: Code, version: Version) -> str:
    words = f"{instruction.start:6}  {instruction.name:<24}"
    meaning = _meaning(instruction, code, version)
    return f"{words} {instruction.argument:<4} {meaning}".rstrip()


def _meaning(instruction: Instruction, code: Code, version: Version) -> str:
    name, argument = instruction.name, instruction.argument
    if instruction.target is not None:
        return f"to {instruction.target}"
    if name == "LOAD_GLOBAL" and version >= (3, 11):
        argument >>= 1
    if name == "LOAD_ATTR" and version >= (3, 12):
        argument >>= 1
    table: tuple[object, ...] = ()
    if name in ("LOAD_CONST", "RETURN_CONST", "KW_NAMES"):
        table = code.constants
    elif name.endswith(("_GLOBAL", "_NAME", "_ATTR", "_METHOD", "IMPORT_FROM")):
        return _at(code.names, argument)
    elif name.endswith(("_FAST", "_BORROW", "_CHECK", "_CLEAR")) and name.count("LOAD_FAST") < 2:
        return _at(code.places or code.variables, argument)
    elif name.endswith(("_DEREF", "_CLOSURE")):
        return _at(code.places or (*code.cells, *code.free), argument)
    if table and argument < len(table):
        value = table[argument]
        return "code" if isinstance(value, Code) else shortened(repr(value), 60)
    return ""


def _at(names: tuple[str, ...], k: int) -> str:
    return shortened(names[k], 60) if k < len(names) else ""
