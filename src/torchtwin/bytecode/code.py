"""What a code object holds, as plain data, and the ways in which reading one fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Version = tuple[int, int]

VARARGS, VARKEYWORDS = 0x04, 0x08
GENERATORS = 0x20 | 0x80 | 0x100 | 0x200
"""Flags of a code object: `*args`, `**kwargs`, and generators and coroutines of all kinds."""


class Implausible(Exception):
    """The bytes are not code of the version they were taken for."""


class NotUnderstood(Exception):
    """This is code, and it does what is not translated into an expression."""


@dataclass(frozen=True, eq=False)
class Code:
    """A code object. `names` of cells are those that inner functions share, then the outer's.

    `places` gives, from Python 3.11 on, the name of each place that an instruction can mean.
    """

    name: str
    arguments: int
    positional_only: int
    keyword_only: int
    flags: int
    stack: int
    bytecode: bytes
    constants: tuple[Any, ...]
    names: tuple[str, ...]
    variables: tuple[str, ...]
    cells: tuple[str, ...]
    free: tuple[str, ...]
    lines: bytes
    places: tuple[str, ...] = ()

    @property
    def parameters(self) -> Sequence[str]:
        """The names of the arguments, `*args` and `**kwargs` last."""
        count = self.arguments + self.keyword_only
        more = bool(self.flags & VARARGS) + bool(self.flags & VARKEYWORDS)
        if count + more > len(self.variables):
            raise Implausible("more arguments than variables")
        return self.variables[: count + more]
