"""Instructions that store: variables, what is unpacked, what is imported, inner functions."""

from __future__ import annotations

import ast
import functools
from collections.abc import Sequence
from typing import Any

from torchtwin.bytecode.code import Implausible, NotUnderstood
from torchtwin.bytecode.instructions import Instruction
from torchtwin.bytecode.machine import Machine, handles
from torchtwin.bytecode.terms import Function, Module, Saved, State, Target, Term, as_term, name


@handles("STORE_FAST", "STORE_DEREF", "STORE_NAME")
def store_fast(machine: Machine, state: State, i: Instruction) -> int | None:
    cells = i.name == "STORE_DEREF"
    word = machine.cell(i.argument) if cells else machine.variable(i.argument)
    entry = state.pop()
    if isinstance(entry, Term) and state.reads(word):
        return _store_several(machine, state, i, entry)
    store(machine, state, word, entry)
    return None


def _store_several(machine: Machine, state: State, first: Instruction, entry: Term) -> int:
    """Store what is computed before any of it is stored: `a, b = b, a`."""
    words, values, at = [machine.variable(first.argument)], [entry], first.end
    while machine.at(at).name == "STORE_FAST" and state.stack and state.reads(words[-1]):
        following = machine.at(at)
        words.append(machine.variable(following.argument))
        values.append(state.term())
        at = following.end
    if any(map(state.reads, words)) or len(set(words)) < max(2, len(words)):
        raise NotUnderstood("a variable that changes while its value is still needed")
    state.statements.append(_together(words, values))
    return at


def _together(words: Sequence[str], values: Sequence[Term]) -> ast.stmt:
    pairs = sorted(zip(words, values, strict=True), key=lambda pair: pair[0])
    targets = ast.Tuple([ast.Name(word, ast.Store()) for word, _ in pairs], ast.Store())
    return _assign(targets, ast.Tuple([value.node for _, value in pairs], ast.Load()))


@handles("STORE_FAST_STORE_FAST")
def store_two(machine: Machine, state: State, i: Instruction) -> None:
    first, second = machine.variable(i.argument >> 4), machine.variable(i.argument & 15)
    entry = state.pop()
    if isinstance(entry, Term) and state.reads(first):
        values = [entry, state.term()]
        if state.reads(first) or state.reads(second):
            raise NotUnderstood("a variable that changes while its value is still needed")
        state.statements.append(_together([first, second], values))
        return
    store(machine, state, first, entry)
    store(machine, state, second, state.pop())


@handles("STORE_FAST_LOAD_FAST")
def store_and_load(machine: Machine, state: State, i: Instruction) -> None:
    store(machine, state, machine.variable(i.argument >> 4), state.pop())
    state.push(name(machine.variable(i.argument & 15)))


def store(machine: Machine, state: State, word: str, entry: object) -> None:
    """Emit the statement that gives a variable its value."""
    target = ast.Name(word, ast.Store())
    match entry:
        case Saved():
            return
        case Target():
            entry.put(target)
            machine.unfilled -= 1
        case Module():
            state.statements.append(imported(entry, word))
        case Function() if not entry.name.startswith("<"):
            state.statements.append(defined(entry, word))
        case Term() | Function():
            if state.reads(word):
                raise NotUnderstood("a variable that changes while its value is still needed")
            state.statements.append(_assign(target, as_term(entry).node))
        case _:
            raise NotUnderstood("something stored that is no value")


def _assign(target: ast.expr, value: ast.expr) -> ast.Assign:
    return ast.Assign([target], value, lineno=0)


def defined(function: Function, word: str) -> ast.stmt:
    if function.name != word:
        raise NotUnderstood("a function stored under another name")
    return ast.FunctionDef(word, function.arguments, function.body, [], lineno=0)


def imported(module: Module, word: str) -> ast.stmt:
    if module.names:
        if not module.taken:
            raise NotUnderstood("a module that is stored, but from which names are imported")
        alias = ast.alias(module.taken, None if module.taken == word else word)
        return ast.ImportFrom(module.path, [alias], module.level)
    root = module.path.partition(".")[0]
    if not module.taken and "." in module.path:
        if word != root:
            raise NotUnderstood("an import under an unexpected name")
        return ast.Import([ast.alias(module.path)])
    return ast.Import([ast.alias(module.path, None if module.path == word else word)])


@handles("IMPORT_NAME")
def import_name(machine: Machine, state: State, i: Instruction) -> None:
    place = i.argument
    if place >= len(machine.code.names):
        raise Implausible("a name beyond the last")
    path = machine.code.names[place]
    if not all(part.isidentifier() and part.isascii() for part in path.split(".")):
        raise Implausible("a module that is none")
    names, level = state.term().node, state.term().node
    taken = None
    if isinstance(names, ast.Tuple):
        taken = tuple(str(_literal(part)) for part in names.elts)
    levels = _literal(level)
    levels = levels if isinstance(levels, int) else 0  # each is a dot in the source
    if levels > 100:
        raise Implausible("a module of a package that is nowhere")
    state.push(Module(path, taken, level=max(levels, 0)))


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise Implausible("an import of what is computed") from None


@handles("IMPORT_FROM")
def import_from(machine: Machine, state: State, i: Instruction) -> None:
    module = state.peek()
    if not isinstance(module, Module):
        raise Implausible("an import from no module")
    state.push(Module(module.path, module.names, machine.name(i.argument), module.level))


@handles("UNPACK_SEQUENCE")
def unpack(machine: Machine, state: State, i: Instruction) -> None:
    """The statement is written at once; its targets are filled by the stores that follow."""
    if i.argument > 100:
        raise NotUnderstood("more parts than anyone unpacks")
    parts: list[ast.expr] = [ast.Constant(None)] * i.argument
    targets = ast.Tuple(parts, ast.Store())
    entry = state.pop()
    if isinstance(entry, Target):
        entry.put(targets)
        machine.unfilled -= 1
    else:
        state.statements.append(_assign(targets, as_term(entry).node))
    machine.unfilled += i.argument
    for k in reversed(range(i.argument)):
        state.push(Target(functools.partial(parts.__setitem__, k)))
