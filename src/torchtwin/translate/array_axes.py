"""How many axes the arrays have that a program gives its models, as far as its text tells.

The program's statements are followed in their order, functions of its own where they are called.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import libcst as cst

from torchtwin.translate.array_calls import ENDED, called
from torchtwin.translate.values import text_of

Axes = Any
"""An int, 0 for a number; a tuple for a tuple, list or dict of values; None where unknown."""
TRAINED = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch",
           "fit_generator", "evaluate_generator", "predict_generator")  # fmt: skip
MOST_RUNS = 300
"""Functions are run through at every call, so their number is bounded."""


@lru_cache(maxsize=2)
def given_axes(module: cst.Module) -> frozenset[int | None]:
    """Return how many axes the arrays have that models of a program are applied to.

    None is among them where that is unknown of an array that a model is trained or asked with.
    """
    run = Run(module)
    run.block(module.body, run.env)
    for function in list(run.functions.values()):
        if function not in run.seen:
            run.function(function, {}, run.env)
    return frozenset(run.given)


def leaves(value: Axes) -> Iterator[int | None]:
    """Yield the parts of a structure."""
    if isinstance(value, tuple):
        for part in value:
            yield from leaves(part)
    else:
        yield value


def joined(first: Axes, second: Axes) -> Axes:
    """Return what is known of a value that is one of two."""
    if isinstance(first, tuple) and isinstance(second, tuple) and len(first) == len(second):
        return tuple(joined(a, b) for a, b in zip(first, second, strict=True))
    return first if first == second else None


@dataclass
class Run:
    """Runs through a program; `given` are the axes of what its models are given."""

    module: cst.Module
    env: dict[str, Axes] = field(default_factory=dict)
    functions: dict[str, cst.FunctionDef] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    seen: set[cst.FunctionDef] = field(default_factory=set)
    running: list[tuple[cst.FunctionDef, list[Axes]]] = field(default_factory=list)
    given: list[int | None] = field(default_factory=list)
    runs: int = 0

    # Statements.

    def block(self, statements: Sequence[cst.CSTNode], env: dict[str, Axes]) -> None:
        for statement in statements:
            self.statement(statement, env)

    def statement(self, node: Any, env: dict[str, Axes]) -> None:
        match node:
            case cst.Assign(targets=targets, value=value):
                found = self.expr(value, env)
                for target in targets:
                    self.assign(target.target, found, env)
            case cst.AnnAssign(target=target, value=value) if value is not None:
                self.assign(target, self.expr(value, env), env)
            case cst.AugAssign(target=target, value=value):
                inner, old = self.expr(value, env), self.expr(target, env)
                if not old:  # an array is changed in place, and keeps its axes
                    self.assign(target, old if inner == 0 else None, env)
            case cst.Return(value=value):
                found = self.expr(value, env) if value is not None else None
                if self.running:
                    self.running[-1][1].append(found)
            case cst.Import(names=names) | cst.ImportFrom(names=names):
                self._imports(names)
            case cst.FunctionDef(name=name):
                self.functions[name.value] = node
            case cst.ClassDef(body=body):
                for method in body.body:
                    if isinstance(method, cst.FunctionDef):
                        self.function(method, {}, env)
            case cst.If(test=test, body=body, orelse=orelse):
                self.expr(test, env)
                self._either(body, orelse, env)
            case cst.For(target=target, iter=source, body=body):
                split = isinstance(source, cst.Call) and text_of(source.func).endswith(".split")
                found = self.expr(source, env)
                self.assign(target, (1, 1) if split else _element(found), env)
                self._either(body, None, env)
            case cst.While(test=test, body=body):
                self.expr(test, env)
                self._either(body, None, env)
            case cst.BaseExpression():
                self.expr(node, env)
            case _:
                self.block(node.children, env)

    def _imports(self, names: Any) -> None:
        for alias in names if isinstance(names, Sequence) else ():
            name = alias.asname.name if alias.asname else alias.name
            self.imported.add(text_of(name).partition(".")[0])

    def _either(self, body: cst.BaseSuite, orelse: Any, env: dict[str, Axes]) -> None:
        """Run through statements that may be left out, or stand for others."""
        other = dict(env)
        self.block(body.body, env)
        if orelse is not None:
            self.statement(orelse, other)
        for name in {*env} & {*other}:
            env[name] = joined(env[name], other[name])
        env.update({name: other[name] for name in {*other} - {*env}})

    def assign(self, target: cst.BaseExpression, found: Axes, env: dict[str, Axes]) -> None:
        match target:
            case cst.Name() | cst.Attribute():
                name = text_of(target)
                place = self.env if name.startswith("self.") else env
                again = place is self.env and place is not env and name in place
                place[name] = joined(place[name], found) if again else found
            case cst.Tuple(elements=parts) | cst.List(elements=parts):
                several = isinstance(found, tuple) and len(found) == len(parts)
                for k, part in enumerate(parts):
                    self.assign(part.value, found[k] if several else None, env)

    # Functions.

    def function(self, node: cst.FunctionDef, given: dict[str, Axes], env: dict[str, Axes]) -> Axes:
        """Run through a function of the program; return what it returns."""
        self.seen.add(node)
        self.runs += 1
        if self.runs > MOST_RUNS or any(node is each for each, _ in self.running):
            self.given.append(None)  # who knows what it does
            return None
        params = [*node.params.posonly_params, *node.params.params, *node.params.kwonly_params]
        inner = {**env, **{p.name.value: given.get(p.name.value) for p in params}}
        returned: list[Axes] = []
        self.running.append((node, returned))
        self.block(node.body.body, inner)
        self.running.pop()
        result = returned[0] if returned else None
        for other in returned[1:]:
            result = joined(result, other)
        return result

    # Expressions.

    def expr(self, node: cst.BaseExpression, env: dict[str, Axes]) -> Axes:
        match node:
            case cst.Integer() | cst.Float():
                return 0
            case cst.Name(value=name):
                return env.get(name)
            case cst.Attribute(value=owner, attr=attr):
                inner = self.expr(owner, env)
                if attr.value == "shape" and isinstance(inner, int):
                    return (0,) * inner if inner >= 0 else None
                known = env.get(text_of(node), self.env.get(text_of(node)))
                return inner if attr.value == "T" else known
            case cst.Tuple(elements=parts) | cst.List(elements=parts):
                return self._display(parts, env)
            case cst.Dict(elements=parts):
                return tuple(self.expr(part.value, env) for part in parts)
            case cst.UnaryOperation(expression=inner):
                return self.expr(inner, env)
            case cst.IfExp(body=body, orelse=orelse):
                return joined(self.expr(body, env), self.expr(orelse, env))
            case cst.BinaryOperation(left=left, right=right):
                return _broadcast(self.expr(left, env), self.expr(right, env), node)
            case cst.Subscript(value=value, slice=parts):
                return self._subscript(self.expr(value, env), parts, env)
            case cst.Call():
                return self._call(node, env)
        self.block(node.children, env)
        return None

    def _display(self, parts: Sequence[Any], env: dict[str, Axes]) -> Axes:
        found: list[Axes] = []
        for part in parts:
            inner = self.expr(part.value, env)
            if not isinstance(part, cst.StarredElement):
                found.append(inner)
            elif isinstance(inner, tuple):
                found += inner
            else:
                return None
        return tuple(found)

    def _subscript(self, inner: Axes, parts: Sequence[Any], env: dict[str, Axes]) -> Axes:
        indices = [part.slice for part in parts]
        words = [text_of(index).strip() for index in indices]
        if isinstance(inner, tuple):
            return _part(inner, words[0])
        new = sum(word == "None" or word.endswith("newaxis") for word in words)
        if inner is None or inner == ENDED:
            added = words[-1] == "None" or words[-1].endswith("newaxis")
            kept = all(isinstance(index, cst.Slice) or word == "..."
                       for index, word in zip(indices, words, strict=True))  # fmt: skip
            return ENDED if added or (kept and inner == ENDED) else None
        for index, word in zip(indices, words, strict=True):
            if isinstance(index, cst.Slice) or word == "..." or word.endswith("newaxis"):
                continue
            found = self.expr(index.value, env) if word != "None" else 1
            if not isinstance(found, int) or found < 0:
                return None
            inner += found - 1 if word != "None" else 0
        return inner + new

    def _call(self, node: cst.Call, env: dict[str, Axes]) -> Axes:
        places = [self.expr(a.value, env) for a in node.args if not a.keyword]
        keys = {a.keyword.value: self.expr(a.value, env) for a in node.args if a.keyword}
        func = node.func
        own = self.functions.get(func.value) if isinstance(func, cst.Name) else None
        starred = any(arg.star for arg in node.args)
        if own is not None:
            params = [*own.params.posonly_params, *own.params.params]
            named = dict(zip([p.name.value for p in params], places, strict=False))
            return self.function(own, {} if starred else {**named, **keys}, env)
        name = func.attr.value if isinstance(func, cst.Attribute) else text_of(func)
        subject = self.expr(func.value, env) if isinstance(func, cst.Attribute) else None
        root = text_of(func).partition(".")[0]
        if isinstance(func, cst.Attribute) and name in TRAINED:
            self._trained([None] if starred else places, keys)
            return None
        if starred:
            return None
        imported = root in self.imported
        if isinstance(func, cst.Name) and not imported and not hasattr(builtins, root):
            applied = [axes for value in places[:1] for axes in leaves(value)]
            self.given += [axes for axes in applied if axes not in (None, 0)]
        method = isinstance(func, cst.Attribute) and not imported
        return called(node, name, [subject, *places] if method else places, places, keys)

    def _trained(self, places: list[Axes], keys: dict[str, Axes]) -> None:
        """Note what a model is trained with, or asked for."""
        data = [*places[:1], *(keys[key] for key in ("x", "generator") if key in keys)]
        if "validation_data" in keys:
            given = keys["validation_data"]
            data.append(given[0] if isinstance(given, tuple) and given else given)
        self.given += [axes for value in data for axes in leaves(value)]


def _element(found: Axes) -> Axes:
    if isinstance(found, tuple) and found:
        result = found[0]
        for other in found[1:]:
            result = joined(result, other)
        return result
    return found - 1 if isinstance(found, int) and found > 0 else None


def _broadcast(left: Axes, right: Axes, node: cst.BinaryOperation) -> Axes:
    if isinstance(left, tuple) or isinstance(right, tuple):
        both = isinstance(left, tuple) and isinstance(right, tuple)
        if both and isinstance(node.operator, cst.Add):
            return (*left, *right)
        one = text_of(node.right).replace(" ", "") in ("(1,)", "[1]")
        return (ENDED,) if one and left is None else None
    if left is None or right is None or isinstance(node.operator, cst.MatrixMultiply):
        return None
    if ENDED in (left, right):
        return ENDED if {left, right} <= {ENDED, 0} else None
    return max(left, right)


def _part(inner: tuple[Axes, ...], word: str) -> Axes:
    """Return an element of a tuple, or a slice of it."""
    numbers = [part.strip() for part in word.split(":")]
    if any(number and not number.lstrip("-").isdigit() for number in numbers):
        return None
    if len(numbers) > 1:
        return inner[slice(*(int(number) if number else None for number in numbers))]
    at = int(numbers[0])
    return inner[at] if -len(inner) <= at < len(inner) else None
