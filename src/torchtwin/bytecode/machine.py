"""Runs bytecode over expressions instead of values, which gives back the source.

Straight-line code becomes statements, a branch whose sides meet again becomes a conditional
expression or an `if`. Where they do not meet each side is followed to its own end.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Callable, Sequence

from torchtwin.bytecode.code import Code, Implausible, NotUnderstood, Version
from torchtwin.bytecode.instructions import Instruction, instructions
from torchtwin.bytecode.terms import State

MOST_STEPS = 6000
"""Instructions that are followed in all, those of several branches counted each time."""

Handler = Callable[["Machine", State, Instruction], "int | None"]
HANDLERS: dict[str, Handler] = {}


def handles(*names: str) -> Callable[[Handler], Handler]:
    """Register what an instruction does to the state; it may return where to go on."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(names, handler))
        return handler

    return register


class Budget:
    """Counts the steps of a function and of those inside it together."""

    def __init__(self) -> None:
        self.left = MOST_STEPS
        self.depth = 0

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise NotUnderstood("code that is too long, or that branches too often")


class Machine:
    """Reads one code object; `budget` is shared with the functions inside it."""

    def __init__(self, code: Code, version: Version, budget: Budget | None = None) -> None:
        self.code, self.version = code, version
        self.budget = budget or Budget()
        self.instructions = instructions(code, version)
        self.places = {i.start: k for k, i in enumerate(self.instructions)}
        self.unfilled = 0

    def run(self) -> list[ast.stmt]:
        """Return the body of the function as statements."""
        state = State()
        if any(i.name == "PUSH_EXC_INFO" for i in self.instructions):
            raise NotUnderstood("try")  # from Python 3.11 on nothing else in the code tells
        if self.follow(state, 0, None) != "return" or self.unfilled:
            raise NotUnderstood("a function that does not end with return")
        return state.statements

    def follow(self, state: State, at: int, stop: int | None) -> str:
        """Run from `at` to `stop`, to a return, or back to a loop; tell which it was."""
        while at != stop:
            self.budget.step()
            instruction = self.at(at)
            if len(state.stack) > self.code.stack:
                raise Implausible("more on the stack than the code says")
            at = instruction.end
            match instruction.name:
                case "RETURN_VALUE" | "RETURN_CONST":
                    if instruction.name == "RETURN_CONST":
                        HANDLERS["LOAD_CONST"](self, state, instruction)
                    state.statements.append(ast.Return(state.term().node))
                    return "return"
                case "JUMP_FORWARD" | "JUMP_ABSOLUTE" | "JUMP_BACKWARD":
                    assert instruction.target is not None
                    at = instruction.target
                    if at <= instruction.start:
                        return f"loop {at}"
                case known:
                    handler = HANDLERS.get(known)
                    if handler is None:
                        raise NotUnderstood(f"{known} at {instruction.start}")
                    moved = handler(self, state, instruction)
                    at = at if moved is None else moved
        return "stop"

    def at(self, place: int) -> Instruction:
        if place not in self.places:
            raise Implausible("beyond the end")
        return self.instructions[self.places[place]]

    def before(self, place: int) -> Instruction:
        return self.instructions[self.places[place] - 1]

    def next_name(self, instruction: Instruction) -> str:
        """Return the next instruction's name; those that do nothing are passed over."""
        following = self.at(instruction.end)
        while following.name in ("TO_BOOL", "NOT_TAKEN", "NOP"):
            following = self.at(following.end)
        return following.name

    def constant(self, k: int) -> object:
        if k >= len(self.code.constants):
            raise Implausible("a constant beyond the last")
        return self.code.constants[k]

    def name(self, k: int) -> str:
        return _word(self.code.names, k)

    def variable(self, k: int) -> str:
        return _word(self.code.places or self.code.variables, k)

    def cell(self, k: int) -> str:
        return _word(self.code.places or (*self.code.cells, *self.code.free), k)


def _word(names: Sequence[str], k: int) -> str:
    if k >= len(names):
        raise Implausible("a name beyond the last")
    return identifier(names[k])


def identifier(name: str) -> str:
    """Return a name as source can have it; `.0` is what Python calls an argument without one."""
    if name[:1] == "." and name[1:].isdecimal():
        return f"argument_{int(name[1:])}"
    if not name.isidentifier() or keyword.iskeyword(name) or not name.isascii():
        raise Implausible("a name that is none")
    return name
