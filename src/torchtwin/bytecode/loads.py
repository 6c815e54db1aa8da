"""Instructions that load, store, copy and build."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from torchtwin.bytecode.code import Code, Implausible, NotUnderstood
from torchtwin.bytecode.instructions import Instruction
from torchtwin.bytecode.machine import Machine, handles
from torchtwin.bytecode.terms import (
    NULL,
    Inner,
    Iterator,
    Module,
    Saved,
    State,
    Term,
    as_term,
    constant,
    is_simple,
    made,
    name,
)

COMMON: Mapping[int, str] = {
    0: "AssertionError", 1: "NotImplementedError", 2: "tuple", 3: "all", 4: "any",
}  # fmt: skip
"""By the argument of LOAD_COMMON_CONSTANT (Lib/opcode.py of Python 3.14)."""


@handles("NOP", "RESUME", "MAKE_CELL", "COPY_FREE_VARS", "PRECALL", "TO_BOOL", "NOT_TAKEN",
         "SETUP_LOOP", "POP_BLOCK", "END_FOR")  # fmt: skip
def nothing(_machine: Machine, _state: State, _instruction: Instruction) -> None:
    """Bookkeeping of the interpreter's."""


@handles("LOAD_CONST")
def load_const(machine: Machine, state: State, i: Instruction) -> None:
    value = machine.constant(i.argument)
    if isinstance(value, Code):
        state.push(Inner(value))
        return
    if machine.version < (3, 0) and isinstance(value, bytes):
        value = _text(value)
    state.push(constant(value))


def _text(value: bytes) -> str:
    try:
        return value.decode("ascii")
    except UnicodeDecodeError as error:
        raise NotUnderstood("bytes that are no text") from error


@handles("LOAD_SMALL_INT")
def load_small_int(_machine: Machine, state: State, i: Instruction) -> None:
    state.push(constant(i.argument))


@handles("LOAD_COMMON_CONSTANT")
def load_common_constant(_machine: Machine, state: State, i: Instruction) -> None:
    if i.argument not in COMMON:
        raise Implausible("no such constant")
    state.push(name(COMMON[i.argument]))


@handles("LOAD_FAST", "LOAD_FAST_BORROW", "LOAD_FAST_CHECK")
def load_fast(machine: Machine, state: State, i: Instruction) -> None:
    state.push(name(machine.variable(i.argument)))


@handles("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW")
def load_two(machine: Machine, state: State, i: Instruction) -> None:
    state.push(name(machine.variable(i.argument >> 4)))
    state.push(name(machine.variable(i.argument & 15)))


@handles("LOAD_FAST_AND_CLEAR")
def load_and_clear(_machine: Machine, state: State, _i: Instruction) -> None:
    state.push(Saved())


@handles("LOAD_DEREF", "LOAD_CLOSURE", "LOAD_CLASSDEREF")
def load_deref(machine: Machine, state: State, i: Instruction) -> None:
    state.push(name(machine.cell(i.argument)))


@handles("LOAD_GLOBAL", "LOAD_NAME")
def load_global(machine: Machine, state: State, i: Instruction) -> None:
    """From Python 3.11 on the lowest bit asks for an empty place beside a function."""
    if machine.version < (3, 0) and i.argument < len(machine.code.names):
        given = machine.code.names[i.argument]
        if given in ("True", "False"):  # names like others, in Python 2
            state.push(constant(given == "True"))
            return
    marked = i.name == "LOAD_GLOBAL" and machine.version >= (3, 11)
    word = name(machine.name(i.argument >> 1 if marked else i.argument))
    with_null = marked and i.argument & 1
    if with_null and machine.version < (3, 13):
        state.push(NULL)
    state.push(word)
    if with_null and machine.version >= (3, 13):
        state.push(NULL)


@handles("LOAD_ATTR")
def load_attr(machine: Machine, state: State, i: Instruction) -> None:
    marked = machine.version >= (3, 12)
    _attribute(machine, state, i.argument >> 1 if marked else i.argument, marked and i.argument & 1)


@handles("LOAD_METHOD")
def load_method(machine: Machine, state: State, i: Instruction) -> None:
    _attribute(machine, state, i.argument, True)


def _attribute(machine: Machine, state: State, place: int, method: object) -> None:
    word = machine.name(place)
    subject = state.pop()
    if isinstance(subject, Module):  # import a.b as c, before Python 3.7
        state.push(Module(subject.path, subject.names, word, subject.level))
    else:
        term = as_term(subject)
        state.push(made(ast.Attribute(term.node, word, ast.Load()), [term]))
    if method:
        state.push(NULL)


@handles("PUSH_NULL")
def push_null(_machine: Machine, state: State, _i: Instruction) -> None:
    state.push(NULL)


@handles("POP_TOP", "POP_ITER")
def pop_top(_machine: Machine, state: State, _i: Instruction) -> None:
    entry = state.pop()
    if isinstance(entry, Term) and any(isinstance(n, ast.Call) for n in ast.walk(entry.node)):
        state.statements.append(ast.Expr(entry.node))


@handles("DUP_TOP", "COPY")
def copy(machine: Machine, state: State, i: Instruction) -> int | None:
    """Only what may stand twice is copied, or what the next instruction takes up at once."""
    entry = state.peek(1 if i.name == "DUP_TOP" else i.argument)
    following = machine.at(i.end)
    if following.name == "STORE_FAST" and isinstance(entry, Term) and not is_simple(entry):
        # a = b = value: the value goes to the first name, which stands for it afterwards
        word = machine.variable(following.argument)
        if entry is not state.pop() or state.reads(word):
            raise NotUnderstood("a value that is computed once and used twice")
        state.statements.append(ast.Assign([ast.Name(word, ast.Store())], entry.node, lineno=0))
        state.push(name(word))
        return following.end
    if not is_simple(entry) and "JUMP" not in machine.next_name(i):
        raise NotUnderstood("a value that is computed once and used twice")
    state.push(entry)
    return None


@handles("DUP_TOP_TWO")
def copy_two(_machine: Machine, state: State, _i: Instruction) -> None:
    entries = [state.peek(2), state.peek(1)]
    if not all(map(is_simple, entries)):
        raise NotUnderstood("a value that is computed once and used twice")
    state.stack += entries


@handles("SWAP", "ROT_TWO")
def swap(_machine: Machine, state: State, i: Instruction) -> None:
    depth = 2 if i.name == "ROT_TWO" else i.argument
    state.peek(depth)
    state.stack[-1], state.stack[-depth] = state.stack[-depth], state.stack[-1]


@handles("ROT_THREE", "ROT_FOUR", "ROT_N")
def rotate(_machine: Machine, state: State, i: Instruction) -> None:
    depth = {"ROT_THREE": 3, "ROT_FOUR": 4}.get(i.name, i.argument)
    state.peek(depth)
    top = state.pop()
    state.stack.insert(len(state.stack) - depth + 1, top)


@handles("GET_ITER")
def get_iter(_machine: Machine, state: State, _i: Instruction) -> None:
    if not isinstance(state.peek(), Iterator):  # Python 3.13 asks twice
        state.push(Iterator(state.term()))
