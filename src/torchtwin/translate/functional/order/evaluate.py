"""Follows a program's expressions: plain values are computed, tensors are traced."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable
from typing import Any

from torchtwin.arithmetic import MOST_ITEMS, check, few, rounded
from torchtwin.translate.functional.order.symbols import (
    UNKNOWN,
    Leaf,
    Made,
    Node,
    Tensor,
    Unknown,
    tensors,
)

Env = dict[str, Any]
LIMIT = 100_000

BINARY: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
    ast.Pow: ("**", operator.pow),
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
BUILTINS: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (abs, all, any, bool, dict, enumerate, float, int, len, list, max, min)
}
BUILTINS |= {f.__name__: f for f in (range, reversed, sorted, str, sum, tuple, zip)}
BUILTINS["round"] = rounded
METHODS = {"append", "extend", "insert", "pop", "items", "keys", "values", "get", "update"}
METHODS |= {"reverse", "index", "copy", "setdefault"}


class TooLong(Exception):
    """The program does too much to be followed."""


class Evaluator:
    """Evaluates expressions; calls of the program's own functions are left to a subclass."""

    def __init__(self) -> None:
        self.steps = 0

    def value(self, node: ast.expr | None, env: Env) -> Any:
        """Return the value of an expression, UNKNOWN where it cannot be told."""
        self.steps += 1
        if self.steps > LIMIT:
            raise TooLong
        if node is None:
            return None
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            return self._other(node, env)
        try:
            return method(node, env)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError):
            return self._other(node, env)

    def operation(self, given: Any) -> Any:
        """Return what an operation gives: a tensor if it is given any."""
        found = list(tensors(given))
        return Tensor(Node(object(), found)) if found else UNKNOWN

    def _other(self, node: ast.expr, env: Env) -> Any:
        parts = [c for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr)]
        return self.operation([self.value(part, env) for part in parts])

    def _constant(self, node: ast.Constant, env: Env) -> Any:
        return node.value

    def _name(self, node: ast.Name, env: Env) -> Any:
        return env.get(node.id, UNKNOWN)

    def _list(self, node: ast.List, env: Env) -> Any:
        return list(self._elements(node.elts, env))

    def _tuple(self, node: ast.Tuple, env: Env) -> Any:
        return tuple(self._elements(node.elts, env))

    def _elements(self, nodes: list[ast.expr], env: Env) -> list[Any]:
        found: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                found += self.iterated(self.value(node.value, env))
            else:
                found.append(self.value(node, env))
        return found

    def _dict(self, node: ast.Dict, env: Env) -> Any:
        pairs = zip(node.keys, node.values, strict=True)
        return {self.value(k, env): self.value(v, env) for k, v in pairs if k is not None}

    def _joinedstr(self, node: ast.JoinedStr, env: Env) -> Any:
        return UNKNOWN

    def _binop(self, node: ast.BinOp, env: Env) -> Any:
        left, right = self.value(node.left, env), self.value(node.right, env)
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            return self.operation([left, right])
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            return UNKNOWN
        symbol, operation = BINARY[type(node.op)]
        check(symbol, left, right)
        return operation(left, right)

    def _unaryop(self, node: ast.UnaryOp, env: Env) -> Any:
        value = self.value(node.operand, env)
        if isinstance(value, Tensor | Unknown):
            return self.operation(value)
        if isinstance(node.op, ast.Not):
            return not value
        return -value if isinstance(node.op, ast.USub) else value

    def _boolop(self, node: ast.BoolOp, env: Env) -> Any:
        stops = isinstance(node.op, ast.Or)
        value: Any = UNKNOWN
        for part in node.values:
            value = self.value(part, env)
            if isinstance(value, Unknown) or bool(value) == stops:
                return value
        return value

    def _compare(self, node: ast.Compare, env: Env) -> Any:
        left = self.value(node.left, env)
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.value(comparator, env)
            if isinstance(left, Unknown) or isinstance(right, Unknown):
                return UNKNOWN
            if isinstance(left, Tensor) and not isinstance(op, ast.Is | ast.IsNot):
                return self.operation([left, right])
            if not COMPARE[type(op)](left, right):
                return False
            left = right
        return True

    def _ifexp(self, node: ast.IfExp, env: Env) -> Any:
        test = self.value(node.test, env)
        chosen = node.body if isinstance(test, Unknown | Tensor) or test else node.orelse
        return self.value(chosen, env)

    def _lambda(self, node: ast.Lambda, env: Env) -> Any:
        return (node, env)

    def _subscript(self, node: ast.Subscript, env: Env) -> Any:
        value = self.value(node.value, env)
        if isinstance(node.slice, ast.Slice):
            if isinstance(value, Tensor):
                return self.operation(value)
            bounds = [
                self.value(b, env) for b in (node.slice.lower, node.slice.upper, node.slice.step)
            ]
            return value[slice(*bounds)]
        key = self.value(node.slice, env)
        if isinstance(value, Tensor):
            return value.part(key) if isinstance(key, int | str) else self.operation(value)
        return value[key]

    def _attribute(self, node: ast.Attribute, env: Env) -> Any:
        value = self.value(node.value, env)
        if isinstance(value, Made):
            return value.attributes.get(node.attr, UNKNOWN)
        if isinstance(value, Tensor):
            return UNKNOWN if node.attr in {"shape", "dtype", "ndim", "name"} else value
        if isinstance(value, list | dict) and node.attr in METHODS:
            return getattr(value, node.attr)
        return UNKNOWN

    def _listcomp(self, node: ast.ListComp, env: Env) -> Any:
        return [self.value(node.elt, inner) for inner in self._turns(node.generators, env)]

    def _generatorexp(self, node: ast.GeneratorExp, env: Env) -> Any:
        return [self.value(node.elt, inner) for inner in self._turns(node.generators, env)]

    def _dictcomp(self, node: ast.DictComp, env: Env) -> Any:
        turns = self._turns(node.generators, env)
        return {self.value(node.key, t): self.value(node.value, t) for t in turns}

    def _turns(self, clauses: list[ast.comprehension], env: Env) -> list[Env]:
        envs = [dict(env)]
        for clause in clauses:
            following: list[Env] = []
            for outer in envs:
                for element in self.iterated(self.value(clause.iter, outer)):
                    inner = dict(outer)
                    self.bind(clause.target, element, inner)
                    if all(self.value(test, inner) is not False for test in clause.ifs):
                        following.append(inner)
                    if len(following) > MOST_ITEMS:
                        raise TooLong
            envs = following
        return envs

    def iterated(self, value: Any) -> list[Any]:
        """Return the elements of a value; of one that is not known, two of which nothing is."""
        if isinstance(value, Unknown | Tensor):
            return [value, value]
        found = []
        for element in value:
            found.append(element)
            if len(found) > 1000:
                raise TooLong
        return found

    def bind(self, target: ast.expr, value: Any, env: Env) -> None:
        """Assign a value to a target."""
        if isinstance(target, ast.Name):
            env[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            if isinstance(value, Tensor):
                parts = [value.part(i) for i in range(len(target.elts))]
            elif isinstance(value, Iterable) and not isinstance(value, Unknown):
                parts = self.iterated(value)
            else:
                parts = [UNKNOWN] * len(target.elts)  # type: ignore[list-item]
            for element, part in zip(target.elts, parts, strict=False):
                self.bind(element, part, env)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value, env)
            if isinstance(owner, Made):
                owner.attributes[target.attr] = value
        elif isinstance(target, ast.Subscript):
            owner = self.value(target.value, env)
            if isinstance(owner, list | dict):
                owner[self.value(target.slice, env)] = value

    def _call(self, node: ast.Call, env: Env) -> Any:
        func = self.value(node.func, env)
        args = self._elements(node.args, env)
        kwargs = {k.arg: self.value(k.value, env) for k in node.keywords if k.arg}
        if isinstance(func, Leaf) or (isinstance(func, Made) and func.one):
            found = list(tensors([args, kwargs]))
            return Tensor(Node(func, found)) if found else UNKNOWN
        if (
            isinstance(node.func, ast.Name)
            and node.func.id in BUILTINS
            and isinstance(func, Unknown)
        ):
            return self._builtin(node.func.id, args)
        if callable(func):
            few(getattr(func, "__self__", None))  # a list, of which it is a method
            return func(*map(few, args))
        return self.called(node, func, args, kwargs)

    def _builtin(self, name: str, args: list[Any]) -> Any:
        if any(isinstance(arg, Tensor) for arg in args) and name not in {"zip", "enumerate"}:
            return self.operation(args)
        if name == "zip":
            args = [few(a) for a in args]
            known = [len(list(a)) for a in args if not isinstance(a, Unknown | Tensor)]
            length = min(known, default=2)
            args = [[a] * length if isinstance(a, Unknown | Tensor) else list(a) for a in args]
        if any(isinstance(arg, Unknown) for arg in args):
            return UNKNOWN
        result = BUILTINS[name](*(args if name in {"range", "len"} else map(few, args)))
        return list(result) if name in {"zip", "enumerate", "reversed"} else result

    def called(self, node: ast.Call, func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Return what a call of anything else gives."""
        raise NotImplementedError
