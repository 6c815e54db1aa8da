"""Instructions that call, and that make inner functions."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from torchtwin.bytecode.code import GENERATORS, VARARGS, VARKEYWORDS, Implausible, NotUnderstood
from torchtwin.bytecode.instructions import Instruction
from torchtwin.bytecode.machine import Machine, handles, identifier
from torchtwin.bytecode.operations import spread
from torchtwin.bytecode.terms import (
    Entry,
    Function,
    Inner,
    Iterator,
    Null,
    State,
    Term,
    as_term,
    made,
)

if TYPE_CHECKING:
    from torchtwin.bytecode.code import Code

DEEPEST = 5
"""How deep functions are written inside one another."""


@handles("KW_NAMES")
def kw_names(machine: Machine, state: State, i: Instruction) -> None:
    state.keywords = _words(machine.constant(i.argument))


def _words(names: object) -> tuple[str, ...]:
    if not isinstance(names, tuple) or not all(isinstance(n, str) for n in names):
        raise Implausible("keywords that are none")
    return tuple(identifier(n) for n in names)


@handles("CALL", "CALL_METHOD", "CALL_KW")
def call(_machine: Machine, state: State, i: Instruction) -> None:
    """The function lies below its arguments, with an empty place or a first argument beside it."""
    keywords = state.keywords
    if i.name == "CALL_KW":
        keywords = _literal_words(state.term())
    state.keywords = ()
    arguments = _taken(state, i.argument)
    above, below = state.pop(), state.pop()
    if isinstance(below, Null):
        function = above
    elif isinstance(above, Null):
        function = below
    else:
        function, arguments = below, [above, *arguments]
    state.push(_called(function, arguments, keywords))


@handles("CALL_FUNCTION")
def call_function(machine: Machine, state: State, i: Instruction) -> None:
    """Before Python 3.6 keywords lie as pairs of name and value, counted by the upper byte."""
    if machine.version >= (3, 6):
        arguments = _taken(state, i.argument)
        state.push(_called(state.pop(), arguments, ()))
        return
    pairs = state.terms(2 * (i.argument >> 8))
    arguments = _taken(state, i.argument & 255)
    words = tuple(_literal_word(term) for term in pairs[::2])
    state.push(_called(state.pop(), [*arguments, *pairs[1::2]], words))


@handles("CALL_FUNCTION_KW")
def call_function_kw(machine: Machine, state: State, i: Instruction) -> None:
    if machine.version < (3, 6):
        raise NotUnderstood("CALL_FUNCTION_KW")
    keywords = _literal_words(state.term())
    arguments = _taken(state, i.argument)
    state.push(_called(state.pop(), arguments, keywords))


@handles("CALL_FUNCTION_EX")
def call_function_ex(machine: Machine, state: State, i: Instruction) -> None:
    """`f(*args, **kwargs)`."""
    last = state.pop() if i.argument & 1 or machine.version >= (3, 14) else Null()
    given = state.term()
    function = state.pop()
    if machine.version >= (3, 11):
        beside = state.pop()
        function = beside if isinstance(function, Null) else function
    keywords: list[ast.keyword] = []
    parts = [as_term(function), given]
    if isinstance(last, Term):
        parts.append(last)
        keywords = _keywords(last.node)
    node = ast.Call(parts[0].node, spread(given.node), keywords)
    state.push(made(node, parts))


def _keywords(node: ast.expr) -> list[ast.keyword]:
    if not isinstance(node, ast.Dict):
        return [ast.keyword(None, node)]
    result = []
    for key, value in zip(node.keys, node.values, strict=True):
        word = None if key is None else _literal_word(Term(key))
        result.append(ast.keyword(word, value))
    return result


@handles("CALL_FUNCTION_VAR")
def call_function_var(machine: Machine, state: State, i: Instruction) -> None:
    """`f(a, *args)` before Python 3.6."""
    if machine.version >= (3, 6) or i.argument >> 8:
        raise NotUnderstood("CALL_FUNCTION_VAR")
    rest = state.term()
    first = state.terms(i.argument)
    function = state.term()
    nodes = [*(term.node for term in first), *spread(rest.node)]
    state.push(made(ast.Call(function.node, nodes, []), [function, rest, *first]))


def _taken(state: State, count: int) -> list[Entry]:
    if count > len(state.stack):
        raise Implausible("more taken from the stack than lies there")
    return [state.pop() for _ in range(count)][::-1]


def _literal_words(term: Term) -> tuple[str, ...]:
    if not isinstance(term.node, ast.Tuple):
        raise Implausible("keywords that are none")
    return tuple(_literal_word(Term(node)) for node in term.node.elts)


def _literal_word(term: Term) -> str:
    if not isinstance(term.node, ast.Constant) or not isinstance(term.node.value, str):
        raise Implausible("keywords that are none")
    return identifier(term.node.value)


def _called(function: Entry, entries: Sequence[Entry], keywords: Sequence[str]) -> Term:
    if len(keywords) > len(entries) or len(set(keywords)) < len(keywords):
        raise Implausible("more keywords than arguments, or one of them twice")
    if isinstance(function, Function) and function.name.endswith("comp>"):
        return _comprehension(function, entries)
    terms = [as_term(entry) for entry in entries]
    callee = as_term(function)
    split = len(terms) - len(keywords)
    named = [ast.keyword(w, t.node) for w, t in zip(keywords, terms[split:], strict=True)]
    return made(ast.Call(callee.node, [t.node for t in terms[:split]], named), [callee, *terms])


def _comprehension(function: Function, entries: Sequence[Entry]) -> Term:
    """Put what it runs over into a comprehension that is a function of its own."""
    match function.body, entries:
        case [ast.Return(value=node)], [Iterator() as iterator] if isinstance(
            node, ast.ListComp | ast.SetComp | ast.DictComp
        ):
            node.generators[0].iter = iterator.over.node
            return made(node, [iterator.over, Term(node, sum(1 for _ in ast.walk(node)))])
    raise NotUnderstood("a comprehension that is none")


@handles("MAKE_FUNCTION", "MAKE_CLOSURE")
def make_function(machine: Machine, state: State, i: Instruction) -> None:
    """The qualified name lies on top from Python 3.3 to 3.10; flags say what lies below."""
    version = machine.version
    if (3, 3) <= version < (3, 11):
        state.pop()
    inner = state.pop()
    if not isinstance(inner, Inner):
        raise Implausible("a function made of no code")
    defaults: list[ast.expr] = []
    if version < (3, 6):
        if i.argument >> 8:
            raise NotUnderstood("annotations or defaults of keywords")
        if i.name == "MAKE_CLOSURE":
            state.term()
        defaults = [term.node for term in state.terms(i.argument & 255)]
    elif version < (3, 13):
        if i.argument & 8:
            state.term()
        if i.argument & ~9:
            raise NotUnderstood("annotations or defaults of keywords")
        if i.argument & 1:
            defaults = _parts(state.term())
    state.push(function_of(machine, inner.code, defaults))


@handles("SET_FUNCTION_ATTRIBUTE")
def set_function_attribute(_machine: Machine, state: State, i: Instruction) -> None:
    function, value = state.pop(), state.term()
    if not isinstance(function, Function) or i.argument not in (1, 8):
        raise NotUnderstood("annotations or defaults of keywords")
    if i.argument == 1:
        function.arguments.defaults = _parts(value)
    state.push(function)


def _parts(term: Term) -> list[ast.expr]:
    if not isinstance(term.node, ast.Tuple):
        raise NotUnderstood("defaults that are computed")
    return list(term.node.elts)


def function_of(machine: Machine, code: Code, defaults: Sequence[ast.expr]) -> Function:
    """Return an inner function, read by a machine of its own."""
    machine.budget.depth += 1
    if machine.budget.depth > DEEPEST:
        raise NotUnderstood("functions inside functions inside functions")
    body = type(machine)(code, machine.version, machine.budget).run()
    machine.budget.depth -= 1
    return Function(code.name, arguments_of(code, defaults), simplified(body))


def arguments_of(code: Code, defaults: Sequence[ast.expr]) -> ast.arguments:
    """Return the parameters of a function as source has them."""
    if code.flags & GENERATORS:
        raise NotUnderstood("a generator or a coroutine")
    names = [ast.arg(identifier(name)) for name in code.parameters]
    if len({arg.arg for arg in names}) < len(names) or len(defaults) > code.arguments:
        raise Implausible("two arguments of one name, or more defaults than arguments")
    rest = names[code.arguments + code.keyword_only :]
    return ast.arguments(
        posonlyargs=names[: code.positional_only],
        args=names[code.positional_only : code.arguments],
        vararg=rest.pop(0) if code.flags & VARARGS else None,
        kwonlyargs=names[code.arguments : code.arguments + code.keyword_only],
        kw_defaults=[None] * code.keyword_only,
        kwarg=rest.pop(0) if code.flags & VARKEYWORDS else None,
        defaults=list(defaults),
    )


def simplified(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return `if a: return b` and `return c` as `return b if a else c`, from the end."""
    match body:
        case [*before, ast.If(body=[ast.If(orelse=[]) as inner], orelse=[]) as outer, last]:
            test = ast.BoolOp(ast.And(), [outer.test, inner.test])
            return simplified([*before, ast.If(test, inner.body, []), last])
        case [*before, ast.If(test=test, body=yes, orelse=[]), ast.Return() as last]:
            match simplified(yes):
                case [ast.Return(value=ast.expr() as value)] if last.value is not None:
                    node = ast.Return(conditional(test, value, last.value))
                    return simplified([*before, node])
    return body


def conditional(test: ast.expr, yes: ast.expr, no: ast.expr) -> ast.expr:
    """Return `yes if test else no`, or what a person wrote for it with `and` or `or`."""
    if ast.dump(test) == ast.dump(no):
        return ast.BoolOp(ast.And(), [test, yes])
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        if ast.dump(test.operand) == ast.dump(no):
            return ast.BoolOp(ast.Or(), [no, yes])
        return conditional(test.operand, no, yes)
    if isinstance(yes, ast.IfExp) and ast.dump(yes.orelse) == ast.dump(no):
        return ast.IfExp(ast.BoolOp(ast.And(), [test, yes.test]), yes.body, no)
    return ast.IfExp(test, yes, no)
