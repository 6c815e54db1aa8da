"""Evaluates the statements of a function over tensors, one after another."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torchtwin.bytecode.code import NotUnderstood
from torchtwin.errors import UnsupportedError
from torchtwin.lambdas.names import canonical, global_name
from torchtwin.lambdas.operators import attribute, binary, compare, subscript, truth, unary
from torchtwin.lambdas.values import Name, Value, named, unpacked
from torchtwin.names import identifiers

MOST_STEPS = 2000
"""Expressions that are evaluated, those of a loop counted each time."""


Function = Callable[[str, Sequence[Any], Mapping[str, Any]], Any]
Method = Callable[[Any, str, Sequence[Any], Mapping[str, Any]], Any]


class Closure:
    """An inner function, with the names that it sees."""

    def __init__(self, arguments: ast.arguments, body: Sequence[ast.stmt], scope: Scope) -> None:
        self.arguments, self.body, self.scope = arguments, body, scope


class _Return(Exception):
    """Ends a function with a value."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Scope:
    """The names of one call of a function; `context` is what all calls share."""

    def __init__(self, context: Context, names: Mapping[str, Any], outer: Scope | None) -> None:
        self.context, self.names, self.outer = context, dict(names), outer

    def lookup(self, word: str) -> Any:
        scope: Scope | None = self
        while scope is not None:
            if word in scope.names:
                return scope.names[word]
            scope = scope.outer
        return Name(global_name(word))

    def run(self, body: Sequence[ast.stmt]) -> Any:
        """Return what the statements return, None where they do not."""
        try:
            for statement in body:
                self.statement(statement)
        except _Return as result:
            return result.value
        return None

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Return(value=value):
                raise _Return(None if value is None else self.value(value))
            case ast.Assign(targets=[target], value=value):
                self.assign(target, self.value(value))
            case ast.Expr(value=ast.Call() as call):
                self.value(call)
            case ast.If(test=test, body=body, orelse=orelse):
                for inner in body if truth(self.value(test)) else orelse:
                    self.statement(inner)
            case ast.For(target=target, iter=over, body=body):
                for part in items(self.value(over)):
                    self.assign(target, part)
                    for inner in body:
                        self.statement(inner)
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.FunctionDef(name=name, args=arguments, body=body):
                self.names[name] = Closure(arguments, body, self)
            case ast.Pass():
                pass
            case _:
                raise NotUnderstood(f"it has a statement that is not translated: {words(node)}")

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                self.names[alias.asname or alias.name] = Name(
                    canonical(f"{node.module}.{alias.name}")
                )
            elif alias.asname:
                self.names[alias.asname] = Name(canonical(alias.name))
            else:
                root = alias.name.partition(".")[0]
                self.names[root] = Name(canonical(root))

    def assign(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name(id=word):
                self.names[word] = named(value, local_name(word))
            case ast.Tuple(elts=targets):
                parts = items(value)
                if len(parts) != len(targets):
                    raise UnsupportedError(f"{len(parts)} values for {len(targets)} names")
                if all(isinstance(each, ast.Name) for each in targets):
                    parts = unpacked(parts, [local_name(words(each)) for each in targets])
                for each, part in zip(targets, parts, strict=True):
                    self.assign(each, part)
            case _:
                raise NotUnderstood(f"it assigns to {words(target)}")

    def value(self, node: ast.expr) -> Any:
        """Return the value of an expression."""
        self.context.step()
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=word):
                return self.lookup(word)
            case ast.Attribute(value=inner, attr=word):
                return attribute(self.value(inner), word)
            case ast.Call():
                return self._call(node)
            case ast.BinOp(left=left, op=op, right=right):
                old = self.context.old_division and isinstance(op, ast.Div)
                return binary(op, self.value(left), self.value(right), old_division=old)
            case ast.UnaryOp(op=op, operand=operand):
                return unary(op, self.value(operand))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return compare(op, self.value(left), self.value(right))
            case ast.Subscript(value=inner, slice=index):
                return subscript(self.value(inner), self.value(index))
            case ast.Slice(lower=lower, upper=upper, step=step):
                return slice(*(None if k is None else self.value(k) for k in (lower, upper, step)))
        return self._structure(node)

    def _structure(self, node: ast.expr) -> Any:
        match node:
            case ast.IfExp(test=test, body=yes, orelse=no):
                return self.value(yes if truth(self.value(test)) else no)
            case ast.BoolOp(op=op, values=values):
                return self._either(isinstance(op, ast.And), values)
            case ast.Tuple(elts=parts):
                return tuple(self._parts(parts))
            case ast.List(elts=parts):
                return self._parts(parts)
            case ast.Dict(keys=keys, values=values) if None not in keys:
                given = [None if key is None else self.value(key) for key in keys]
                return dict(zip(given, map(self.value, values), strict=True))
            case ast.ListComp(elt=element, generators=generators):
                return self._comprehension(element, generators)
            case ast.Lambda(args=arguments, body=body):
                return Closure(arguments, [ast.Return(body)], self)
        raise NotUnderstood(f"it has an expression that is not translated: {words(node)}")

    def _parts(self, nodes: Sequence[ast.expr]) -> list[Any]:
        result: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                result += items(self.value(node.value))
            else:
                result.append(self.value(node))
        return result

    def _either(self, both: bool, values: Sequence[ast.expr]) -> Any:
        result = None
        for node in values:
            result = self.value(node)
            if truth(result) is not both and node is not values[-1]:
                return result
        return result

    def _comprehension(self, element: ast.expr, loops: Sequence[ast.comprehension]) -> list[Any]:
        inner = Scope(self.context, {}, self)
        result: list[Any] = []

        def walk(k: int) -> None:
            if k == len(loops):
                result.append(inner.value(element))
                return
            for part in items(inner.value(loops[k].iter)):
                inner.names |= _bound(loops[k].target, part)
                walk(k + 1)

        walk(0)
        return result

    def _call(self, node: ast.Call) -> Any:
        args = self._parts(node.args)
        kwargs: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self.value(keyword.value)
            kwargs |= {keyword.arg: value} if keyword.arg else dict(value)
        if isinstance(node.func, ast.Attribute):
            subject = self.value(node.func.value)
            if not isinstance(subject, Name):
                return self.context.method(subject, node.func.attr, args, kwargs)
        callee = self.value(node.func)
        if isinstance(callee, Closure):
            return self.context.call(callee, args, kwargs)
        if not isinstance(callee, Name):
            raise NotUnderstood(f"it calls {words(node.func)}")
        return self.context.function(canonical(callee.path), args, kwargs)


def _bound(target: ast.expr, value: Any) -> dict[str, Any]:
    """Return the names of a comprehension's target; they get no line of their own."""
    if isinstance(target, ast.Name):
        return {target.id: value}
    if isinstance(target, ast.Tuple):
        parts = items(value)
        if len(parts) == len(target.elts):
            pairs = zip(target.elts, parts, strict=True)
            return {k: v for each, part in pairs for k, v in _bound(each, part).items()}
    raise NotUnderstood("a comprehension over something else than it takes apart")


def items(value: Any) -> list[Any]:
    """Return what a loop runs over; a tensor is not taken apart."""
    if isinstance(value, dict):
        return list(value)
    if isinstance(value, list | tuple | range):
        return list(value)
    raise UnsupportedError(
        "a tensor that is taken apart" if isinstance(value, Value) else "a loop over no list"
    )


def local_name(word: str) -> str:
    """Return the name of a variable in the emitted code, where `x` is what flows."""
    return identifiers(["y" if word == "x" else word])["y" if word == "x" else word]


def words(node: ast.AST) -> str:
    return ast.unparse(node)[:80]


class Context:
    """What all calls of a function share: the functions they can call, and a count of steps."""

    def __init__(self, function: Function, method: Method, *, old_division: bool) -> None:
        self.function, self.method, self.old_division = function, method, old_division
        self.steps = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise NotUnderstood("it takes too many steps")

    def call(self, closure: Closure, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return what an inner function returns."""
        self.step()
        given = arguments(closure.arguments, args, kwargs, closure.scope)
        names = {word: named(value, local_name(word)) for word, value in given.items()}
        return Scope(self, names, closure.scope).run(closure.body)


def arguments(
    node: ast.arguments, args: Sequence[Any], kwargs: Mapping[str, Any], scope: Scope
) -> dict[str, Any]:
    """Return the values of a function's parameters in one call."""
    words = [arg.arg for arg in (*node.posonlyargs, *node.args)]
    if node.vararg or node.kwarg or node.kwonlyargs or len(args) > len(words):
        raise UnsupportedError("a call whose arguments do not fit the function")
    given = dict(zip(words, args, strict=False))
    if set(kwargs) - set(words) or set(kwargs) & set(given):
        raise UnsupportedError("a call whose arguments do not fit the function")
    given |= kwargs
    for word, default in zip(reversed(words), reversed(node.defaults), strict=False):
        if word not in given:
            given[word] = scope.value(default)
    if missing := [word for word in words if word not in given]:
        raise UnsupportedError(f"its argument {missing[0]} has no value in the file")
    return given
