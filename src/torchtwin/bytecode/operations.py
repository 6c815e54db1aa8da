"""Instructions that compute: operators, comparisons, subscripts, literals of several parts."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from torchtwin.bytecode.code import Implausible, NotUnderstood
from torchtwin.bytecode.instructions import Instruction
from torchtwin.bytecode.machine import Machine, handles
from torchtwin.bytecode.terms import State, Term, made

OPERATORS: Mapping[str, type[ast.operator]] = {
    "ADD": ast.Add, "AND": ast.BitAnd, "FLOOR_DIVIDE": ast.FloorDiv, "LSHIFT": ast.LShift,
    "MATRIX_MULTIPLY": ast.MatMult, "MULTIPLY": ast.Mult, "MODULO": ast.Mod, "OR": ast.BitOr,
    "POWER": ast.Pow, "RSHIFT": ast.RShift, "SUBTRACT": ast.Sub, "TRUE_DIVIDE": ast.Div,
    "XOR": ast.BitXor, "DIVIDE": ast.Div,
}  # fmt: skip
"""By the name of an instruction before Python 3.11; DIVIDE is Python 2's."""

NUMBERED: Sequence[type[ast.operator]] = [
    ast.Add, ast.BitAnd, ast.FloorDiv, ast.LShift, ast.MatMult, ast.Mult, ast.Mod, ast.BitOr,
    ast.Pow, ast.RShift, ast.Sub, ast.Div, ast.BitXor,
]  # fmt: skip
"""By the argument of BINARY_OP; thirteen more, in place, follow (Lib/opcode.py)."""
SUBSCRIPT = 26

COMPARISONS: Sequence[type[ast.cmpop]] = [ast.Lt, ast.LtE, ast.Eq, ast.NotEq, ast.Gt, ast.GtE]
CONTAINS: Sequence[type[ast.cmpop]] = [ast.In, ast.NotIn, ast.Is, ast.IsNot]
"""Comparisons by number; before Python 3.9 these four follow the others."""

UNARY: Mapping[str, type[ast.unaryop]] = {
    "UNARY_NEGATIVE": ast.USub, "UNARY_POSITIVE": ast.UAdd, "UNARY_NOT": ast.Not,
    "UNARY_INVERT": ast.Invert,
}  # fmt: skip


@handles(*(f"{kind}_{name}" for kind in ("BINARY", "INPLACE") for name in OPERATORS))
def binary(_machine: Machine, state: State, i: Instruction) -> None:
    _binary(state, OPERATORS[i.name.partition("_")[2]])


@handles("BINARY_OP")
def binary_op(machine: Machine, state: State, i: Instruction) -> None:
    if i.argument == SUBSCRIPT and machine.version >= (3, 14):
        subscript(machine, state, i)
    elif i.argument < 2 * len(NUMBERED):
        _binary(state, NUMBERED[i.argument % len(NUMBERED)])
    else:
        raise Implausible("no such operator")


def _binary(state: State, operator: type[ast.operator]) -> None:
    left, right = state.terms(2)
    state.push(made(ast.BinOp(left.node, operator(), right.node), [left, right]))


@handles(*UNARY)
def unary(_machine: Machine, state: State, i: Instruction) -> None:
    operand = state.term()
    state.push(made(ast.UnaryOp(UNARY[i.name](), operand.node), [operand]))


@handles("CALL_INTRINSIC_1")
def intrinsic(machine: Machine, state: State, i: Instruction) -> None:
    if i.argument == 6:
        list_to_tuple(machine, state, i)
    elif i.argument == 5:
        operand = state.term()
        state.push(made(ast.UnaryOp(ast.UAdd(), operand.node), [operand]))
    else:
        raise NotUnderstood(f"CALL_INTRINSIC_1 {i.argument}")


@handles("COMPARE_OP")
def compare(machine: Machine, state: State, i: Instruction) -> None:
    """Python 3.12 keeps the comparison above four bits, later ones above five."""
    version = machine.version
    place = i.argument >> (5 if version >= (3, 13) else 4 if version >= (3, 12) else 0)
    known = [*COMPARISONS, *(CONTAINS if version < (3, 9) else [])]
    if place >= len(known):
        raise Implausible("no such comparison")
    _compare(state, known[place])


@handles("IS_OP")
def is_op(_machine: Machine, state: State, i: Instruction) -> None:
    _compare(state, ast.IsNot if i.argument else ast.Is)


@handles("CONTAINS_OP")
def contains_op(_machine: Machine, state: State, i: Instruction) -> None:
    _compare(state, ast.NotIn if i.argument else ast.In)


def _compare(state: State, operator: type[ast.cmpop]) -> None:
    left, right = state.terms(2)
    state.push(made(ast.Compare(left.node, [operator()], [right.node]), [left, right]))


@handles("BINARY_SUBSCR")
def subscript(_machine: Machine, state: State, _i: Instruction) -> None:
    subject, index = state.terms(2)
    state.push(made(ast.Subscript(subject.node, index.node, ast.Load()), [subject, index]))


@handles("BUILD_SLICE")
def build_slice(_machine: Machine, state: State, i: Instruction) -> None:
    if i.argument not in (2, 3):
        raise Implausible("no such slice")
    state.push(_slice(state.terms(i.argument)))


def _slice(ends: Sequence[Term]) -> Term:
    nodes = [None if _is_none(end) else end.node for end in ends]
    return made(ast.Slice(*nodes), ends)


def _is_none(term: Term) -> bool:
    return isinstance(term.node, ast.Constant) and term.node.value is None


@handles("BINARY_SLICE")
def binary_slice(_machine: Machine, state: State, _i: Instruction) -> None:
    subject, start, stop = state.terms(3)
    _sliced(state, subject, [start, stop])


@handles("SLICE+0", "SLICE+1", "SLICE+2", "SLICE+3")
def old_slice(_machine: Machine, state: State, i: Instruction) -> None:
    """Python 2's x[:], x[a:], x[:b] and x[a:b]."""
    kind = int(i.name[-1])
    given = state.terms(kind.bit_count())
    nothing = Term(ast.Constant(None))
    start = given[0] if kind & 1 else nothing
    _sliced(state, state.term(), [start, given[-1] if kind & 2 else nothing])


def _sliced(state: State, subject: Term, ends: Sequence[Term]) -> None:
    index = _slice(ends)
    state.push(made(ast.Subscript(subject.node, index.node, ast.Load()), [subject, index]))


@handles("STORE_SUBSCR")
def store_subscript(_machine: Machine, state: State, _i: Instruction) -> None:
    value, subject, index = state.terms(3)
    target = ast.Subscript(subject.node, index.node, ast.Store())
    state.statements.append(ast.Assign([target], value.node, lineno=0))


@handles("BUILD_TUPLE", "BUILD_LIST", "BUILD_SET")
def build(_machine: Machine, state: State, i: Instruction) -> None:
    parts = state.terms(i.argument)
    state.push(made(_literal(i.name, [part.node for part in parts]), parts))


def _literal(name: str, nodes: list[ast.expr]) -> ast.expr:
    if "TUPLE" in name:
        return ast.Tuple(nodes, ast.Load())
    return ast.Set(nodes) if "SET" in name else ast.List(nodes, ast.Load())


@handles("BUILD_TUPLE_UNPACK", "BUILD_LIST_UNPACK", "BUILD_SET_UNPACK",
         "BUILD_TUPLE_UNPACK_WITH_CALL")  # fmt: skip
def build_unpacked(_machine: Machine, state: State, i: Instruction) -> None:
    parts = state.terms(i.argument)
    nodes = [node for part in parts for node in spread(part.node)]
    state.push(made(_literal(i.name, nodes), parts))


def spread(node: ast.expr) -> list[ast.expr]:
    """Return the parts of a literal, or `*node`."""
    if isinstance(node, ast.Tuple | ast.List):
        return list(node.elts)
    return [ast.Starred(node, ast.Load())]


@handles("LIST_EXTEND", "SET_UPDATE")
def extend(_machine: Machine, state: State, i: Instruction) -> None:
    more = state.term()
    if i.argument != 1:
        raise NotUnderstood("a list that is extended further down")
    subject = state.term()
    if not isinstance(subject.node, ast.List | ast.Set):
        raise NotUnderstood("something extended that is no literal")
    added = list(more.node.elts) if isinstance(more.node, ast.Set) else spread(more.node)
    nodes = [*subject.node.elts, *added]
    state.push(made(_literal("SET" if i.name == "SET_UPDATE" else "LIST", nodes), [subject, more]))


@handles("LIST_TO_TUPLE")
def list_to_tuple(_machine: Machine, state: State, _i: Instruction) -> None:
    term = state.term()
    if not isinstance(term.node, ast.List):
        raise NotUnderstood("a list that becomes a tuple")
    state.push(made(ast.Tuple(term.node.elts, ast.Load()), [term]))


@handles("BUILD_MAP")
def build_map(machine: Machine, state: State, i: Instruction) -> None:
    """Before Python 3.5 the argument is a hint of the size."""
    terms = state.terms(2 * i.argument if machine.version >= (3, 5) else 0)
    keys: list[ast.expr | None] = [term.node for term in terms[::2]]
    state.push(made(ast.Dict(keys, [term.node for term in terms[1::2]]), terms))


@handles("STORE_MAP")
def store_map(_machine: Machine, state: State, _i: Instruction) -> None:
    subject, value, key = state.terms(3)
    if not isinstance(subject.node, ast.Dict):
        raise Implausible("an entry of no dict")
    node = ast.Dict([*subject.node.keys, key.node], [*subject.node.values, value.node])
    state.push(made(node, [subject, key, value]))


@handles("BUILD_CONST_KEY_MAP")
def build_const_map(_machine: Machine, state: State, i: Instruction) -> None:
    keys = state.term()
    values = state.terms(i.argument)
    if not isinstance(keys.node, ast.Tuple) or len(keys.node.elts) != i.argument:
        raise Implausible("keys that are none")
    node = ast.Dict(list(keys.node.elts), [value.node for value in values])
    state.push(made(node, [keys, *values]))


@handles("DICT_UPDATE", "DICT_MERGE")
def merge(_machine: Machine, state: State, i: Instruction) -> None:
    more = state.term()
    subject = state.term()
    if i.argument != 1 or not isinstance(subject.node, ast.Dict):
        raise NotUnderstood("a dict that is extended further down")
    if isinstance(more.node, ast.Dict):
        keys, values = more.node.keys, more.node.values
    else:
        keys, values = [None], [more.node]
    node = ast.Dict([*subject.node.keys, *keys], [*subject.node.values, *values])
    state.push(made(node, [subject, more]))
