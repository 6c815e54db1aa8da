"""Instructions that branch: `and`, `or`, conditional expressions, `if`, `for`, comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from torchtwin.bytecode.calls import conditional
from torchtwin.bytecode.code import NotUnderstood
from torchtwin.bytecode.instructions import Instruction
from torchtwin.bytecode.machine import Machine, handles
from torchtwin.bytecode.terms import (
    Entry,
    Gathered,
    Iterator,
    State,
    Target,
    Term,
    as_term,
    made,
)

_FORMS = ("", "FORWARD_", "BACKWARD_")
_TESTS = ("IF_FALSE", "IF_TRUE", "IF_NONE", "IF_NOT_NONE")


@handles("JUMP_IF_FALSE_OR_POP", "JUMP_IF_TRUE_OR_POP")
def jump_or_pop(machine: Machine, state: State, i: Instruction) -> int:
    """`a and b`, `a or b`; in a chain of comparisons the sides do not meet."""
    kind: ast.boolop = ast.And() if "FALSE" in i.name else ast.Or()
    joined = _either(machine, state, i, i.end, kind)
    if joined is not None:
        return joined
    left = state.term()
    side = state.fork()
    test = left if isinstance(kind, ast.And) else _not(left)
    if machine.follow(side, i.end, None) != "return":
        raise NotUnderstood("a condition inside a loop")
    state.statements.append(ast.If(test.node, side.statements, []))
    state.push(left)
    return _target(i)


def _target(i: Instruction) -> int:
    if i.target is None or i.target <= i.start:
        raise NotUnderstood("a jump back")
    return i.target


def _either(
    machine: Machine, state: State, i: Instruction, start: int, kind: ast.boolop
) -> int | None:
    """Read the right side of `and` or `or` up to where both meet; None where they do not."""
    target = _target(i)
    right = state.fork()
    left = as_term(right.pop())
    count = len(right.stack)
    came = machine.follow(right, start, target)
    if came != "stop" or right.statements or len(right.stack) != count + 1:
        return None
    if right.stack[:-1] != state.stack[:-1]:
        return None
    other = right.term()
    values = [left.node, other.node]
    if isinstance(left.node, ast.BoolOp) and type(left.node.op) is type(kind):
        values = [*left.node.values, other.node]
    state.pop()
    state.push(made(ast.BoolOp(kind, values), [left, other]))
    return target


def _not(term: Term) -> Term:
    node = term.node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return Term(node.operand, term.size, term.depth)
    return made(ast.UnaryOp(ast.Not(), node), [term])


@handles(*(f"POP_JUMP_{form}{test}" for form in _FORMS for test in _TESTS))
def pop_jump(machine: Machine, state: State, i: Instruction) -> int:
    target = _target(i)
    if (start := _after_copy(machine, state, i)) is not None:
        kind: ast.boolop = ast.And() if "FALSE" in i.name else ast.Or()
        copied = state.pop()
        if (joined := _either(machine, state, i, start, kind)) is not None:
            return joined
        state.push(copied)
    test = _condition(i, state.term())
    meeting = _meeting(machine, i, target)
    yes, no = state.fork(), state.fork()
    came = machine.follow(yes, i.end, meeting)
    if came == "return":
        state.statements.append(ast.If(test.node, yes.statements, []))
        return target
    if came != "stop":
        raise NotUnderstood("a condition inside a loop")
    if meeting == target:
        return _without_else(state, test, yes, target)
    came = machine.follow(no, target, meeting)
    if came != "stop":
        raise NotUnderstood("an if of which one side returns")
    return _with_else(state, test, yes, no, meeting)


def _condition(i: Instruction, test: Term) -> Term:
    """Return what must hold for the code behind the jump to run."""
    if i.name.endswith("NONE"):
        operator = ast.Is() if i.name.endswith("NOT_NONE") else ast.IsNot()
        return made(ast.Compare(test.node, [operator], [ast.Constant(None)]), [test])
    return test if i.name.endswith("FALSE") else _not(test)


def _after_copy(machine: Machine, state: State, i: Instruction) -> int | None:
    """Return where the right side of `and` or `or` begins, which Python 3.12 and later copy for."""
    if len(state.stack) < 2 or state.stack[-1] is not state.stack[-2] or "NONE" in i.name:
        return None
    following = machine.at(i.end)
    while following.name == "NOT_TAKEN":
        following = machine.at(following.end)
    return following.end if following.name == "POP_TOP" else None


def _meeting(machine: Machine, i: Instruction, target: int) -> int:
    """Return where the two sides of a branch meet, as the compiler lays them out."""
    last = machine.before(target)
    forward = last.name in ("JUMP_FORWARD", "JUMP_ABSOLUTE") and last.start >= i.end
    if forward and last.target is not None and last.target > target:
        return last.target
    return target


def _without_else(state: State, test: Term, yes: State, target: int) -> int:
    if yes.stack != state.stack:
        raise NotUnderstood("a branch that leaves something behind")
    state.statements.append(ast.If(test.node, yes.statements or [ast.Pass()], []))
    return target


def _with_else(state: State, test: Term, yes: State, no: State, meeting: int) -> int:
    if yes.stack == no.stack == state.stack:
        node = ast.If(test.node, yes.statements or [ast.Pass()], no.statements)
        state.statements.append(node)
        return meeting
    same = yes.stack[:-1] == no.stack[:-1] == state.stack
    if not same or yes.statements or no.statements:
        raise NotUnderstood("a branch that leaves something behind")
    first, second = yes.term(), no.term()
    state.push(made(conditional(test.node, first.node, second.node), [test, first, second]))
    return meeting


@handles("FOR_ITER")
def for_iter(machine: Machine, state: State, i: Instruction) -> int:
    """A `for`, or a comprehension where its body appends to a literal below the iterator."""
    entry = state.peek()
    over = entry.over if isinstance(entry, Iterator) else as_term(entry)
    target: list[ast.expr] = []
    body = state.fork()
    body.push(Target(target.append))
    machine.unfilled += 1
    came = machine.follow(body, i.end, None)
    if came != f"loop {i.start}" or body.stack != state.stack or len(target) != 1:
        raise NotUnderstood("a loop that is left in its middle")
    state.pop()
    if body.gathered is not None:
        if body.statements:
            raise NotUnderstood("a comprehension with statements")
        _gather(state, body.gathered, ast.comprehension(target[0], over.node, [], 0), over)
    else:
        state.statements.append(_for(target[0], over.node, body.statements))
    return _behind_loop(machine, _target(i))


def _behind_loop(machine: Machine, at: int) -> int:
    """Skip what takes the iterator off the stack, from Python 3.12 on."""
    if machine.at(at).name == "END_FOR":
        at = machine.at(at).end
        if machine.version >= (3, 13) and machine.at(at).name in ("POP_TOP", "POP_ITER"):
            at = machine.at(at).end
    return at


def _gather(state: State, gathered: Gathered, loop: ast.comprehension, over: Term) -> None:
    """Write the comprehension where its list lies, once its outermost loop has ended."""
    gathered.node.generators.insert(0, loop)
    if state.stack and state.stack[-1] is gathered.entry:
        node = gathered.node
        state.stack[-1] = made(node, [over, Term(node, sum(1 for _ in ast.walk(node)))])
    else:
        state.gathered = gathered


@handles("LIST_APPEND", "SET_ADD", "MAP_ADD")
def append(machine: Machine, state: State, i: Instruction) -> None:
    if i.argument == 1 and i.name == "LIST_APPEND":  # [*a, b]
        subject, more = state.terms(2)
        if not isinstance(subject.node, ast.List):
            raise NotUnderstood("something extended that is no literal")
        node = ast.List([*subject.node.elts, more.node], ast.Load())
        state.push(made(node, [subject, more]))
        return
    parts = state.terms(2 if i.name == "MAP_ADD" else 1)
    entry = state.peek(i.argument)
    if state.gathered is not None or not _is_empty(entry):
        raise NotUnderstood("a list that grows outside a comprehension")
    nodes = [part.node for part in parts]
    state.gathered = Gathered(entry, _comprehension(i.name, nodes, machine.version >= (3, 8)))


def _comprehension(
    name: str, nodes: Sequence[ast.expr], key_first: bool
) -> ast.ListComp | ast.SetComp | ast.DictComp:
    if name == "MAP_ADD":  # before Python 3.8 the value lies below the key
        key, value = nodes if key_first else nodes[::-1]
        return ast.DictComp(key, value, [])
    return ast.SetComp(nodes[0], []) if name == "SET_ADD" else ast.ListComp(nodes[0], [])


def _is_empty(entry: Entry) -> bool:
    match entry:
        case Term(node=ast.List(elts=[]) | ast.Set(elts=[]) | ast.Dict(values=[])):
            return True
    return False


def _for(target: ast.expr, over: ast.expr, body: list[ast.stmt]) -> ast.For:
    return ast.For(target, over, body or [ast.Pass()], [], lineno=0)
