"""From the bytes of marshalled code to the function that they are, whichever Python wrote them.

The bytes carry no version. Each is tried; a version is out when a length, an instruction, a jump,
the table of lines or the depth of the stack does not fit it. Those that are left must all give
the same source.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torchtwin.bytecode import branches, loads, operations, stores
from torchtwin.bytecode.calls import arguments_of, simplified
from torchtwin.bytecode.code import Code, Implausible, NotUnderstood, Version
from torchtwin.bytecode.instructions import instructions, tables
from torchtwin.bytecode.listing import listing
from torchtwin.bytecode.machine import Machine, identifier
from torchtwin.bytecode.marshalled import unmarshal
from torchtwin.errors import UnreadableModel, UntranslatedCode

INSTRUCTIONS = (branches, loads, operations, stores)
"""The modules whose import tells the machine what each instruction does."""


@dataclass(frozen=True)
class Decompiled:
    """A function as source: its parameters and its statements. `name` is "<lambda>" for one.

    `free` are names of the function around it; `old_division` tells that `/` is Python 2's.
    """

    name: str
    arguments: ast.arguments
    body: tuple[ast.stmt, ...]
    free: tuple[str, ...]
    listing: str
    old_division: bool = False

    @property
    def source(self) -> str:
        """The text of the lambda or of the `def`."""
        match self.body:
            case [ast.Return(value=ast.expr() as value)] if self.name == "<lambda>":
                return ast.unparse(ast.Lambda(self.arguments, value))
        name = "function" if self.name == "<lambda>" else self.name
        node = ast.FunctionDef(name, self.arguments, list(self.body), [], lineno=0)
        return ast.unparse(ast.fix_missing_locations(node))


def decompile(data: bytes) -> Decompiled:
    """Return the function that marshalled code is.

    Raises UnreadableModel when it is no code of any Python from 2.7 to 3.14, UntranslatedCode,
    with the instructions, when what it does is not understood.
    """
    try:
        return _agreed(list(_read(data)))
    except RecursionError as error:
        raise UnreadableModel("code that is nested too deep") from error


Reading = tuple[Code, Version, "Decompiled | NotUnderstood"]


def _read(data: bytes) -> Iterator[Reading]:
    for version in tables():
        try:
            code = unmarshal(data, version)
            for inner in _inside(code):
                instructions(inner, version)
            yield code, version, _understood(code, version)
        except Implausible:
            continue


def _inside(code: Code) -> Iterator[Code]:
    yield code
    for constant in code.constants:
        if isinstance(constant, Code):
            yield from _inside(constant)


def _understood(code: Code, version: Version) -> Decompiled | NotUnderstood:
    try:
        arguments = arguments_of(code, ())
        body = simplified(Machine(code, version).run())
        _check_slices(body)
        name = code.name if code.name == "<lambda>" else identifier(code.name)
        old = version < (3, 0) and any(
            i.name in ("BINARY_DIVIDE", "INPLACE_DIVIDE") for i in instructions(code, version)
        )
        shown = listing(code, version)
        return Decompiled(name, arguments, tuple(body), code.free, shown, old)
    except NotUnderstood as reason:
        return reason


def _check_slices(body: Sequence[ast.stmt]) -> None:
    """Refuse a slice that stands elsewhere than in a subscript: source has no words for it."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    fine = {
        id(part)
        for node in nodes
        if isinstance(node, ast.Subscript)
        for part in (node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice])
    }
    if any(isinstance(node, ast.Slice) and id(node) not in fine for node in nodes):
        raise NotUnderstood("a slice outside a subscript")


def _agreed(readings: Sequence[Reading]) -> Decompiled:
    if not readings:
        raise UnreadableModel("its code is of no Python from 2.7 to 3.14")
    code, version, _ = readings[-1]
    functions: dict[str, Decompiled] = {}
    for _, _, reading in readings:
        if isinstance(reading, NotUnderstood):
            problem = f"its code does what is not translated: {reading}"
            raise UntranslatedCode(problem, code=listing(code, version))
        functions[f"{reading.name} {reading.free} {reading.source}"] = reading
    if len(functions) > 1:
        words = " and ".join(f"{v[0]}.{v[1]}" for _, v, _ in readings)
        problem = f"its code means different things in Python {words}"
        raise UntranslatedCode(problem, code=listing(code, version))
    return functions.popitem()[1]
