"""Follows a desugared program: which layers it makes, and how they are applied."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Sequence
from typing import Any

from torchtwin.translate.functional.order.evaluate import Env, Evaluator, TooLong
from torchtwin.translate.functional.order.symbols import UNKNOWN, Leaf, Made, Tensor, Unknown

Function = ast.FunctionDef
MISSING = object()


class Follower(Evaluator):
    """Follows statements, functions and the classes that desugaring made."""

    def __init__(
        self,
        tree: ast.Module,
        layer: Callable[[ast.expr], str | None],
        models: Collection[str],
        parts: Collection[str],
    ) -> None:
        super().__init__()
        self.layer, self.models, self.parts = layer, models, parts
        self.classes = {n.name: n for n in tree.body if isinstance(n, ast.ClassDef)}
        self.made: list[Made] = []
        self.spliced: dict[str, set[str]] = {}
        self.depth = 0
        self.globals: Env = {"__name__": "__main__"}
        for statement in tree.body:
            self.steps = 0
            try:
                self.statement(statement, self.globals)
            except TooLong:
                continue

    def method(self, name: str, method: str) -> Function | None:
        """Return a method of a class."""
        for node in self.classes[name].body:
            if isinstance(node, Function) and node.name == method:
                return node
        return None

    def construct(self, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Made:
        """Return an object of a class that desugaring made."""
        made = Made(name, name in self.models)
        self.made.append(made)
        for method in ("__init__", "build"):
            if (function := self.method(name, method)) is not None:
                given = args if method == "__init__" else [UNKNOWN] * len(function.args.args[1:])
                self.run(function, [made, *given], kwargs if method == "__init__" else {})
        return made

    def applied(self, made: Made, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Return what the `call` of an object gives."""
        function = self.method(made.name, "call")
        return self.run(function, [made, *args], kwargs) if function else UNKNOWN

    def run(self, function: Function, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Return what a function gives."""
        if self.depth > 20:
            raise TooLong
        env = dict(self.globals)
        names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        defaults = function.args.defaults
        env |= dict.fromkeys((*names, *(a.arg for a in function.args.kwonlyargs)), UNKNOWN)
        for name, default in zip(names[len(names) - len(defaults) :], defaults, strict=True):
            env[name] = self.value(default, self.globals)
        for only, value in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
            env[only.arg] = self.value(value, self.globals)
        env |= dict(zip(names, args, strict=False)) | kwargs
        self.depth += 1
        try:
            result = self.block(function.body, env)
        finally:
            self.depth -= 1
        return None if result is MISSING else result

    def called(self, node: ast.Call, func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Return what a call of a function, a class or a layer gives."""
        if isinstance(func, Made):
            return self.applied(func, args, kwargs)
        if isinstance(func, Function):
            return self.run(func, args, kwargs)
        if isinstance(func, tuple) and len(func) == 2 and isinstance(func[0], ast.Lambda):
            names = [a.arg for a in func[0].args.args]
            return self.value(func[0].body, {**func[1], **dict(zip(names, args, strict=False))})
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in self.models or name in self.parts:
            return self.construct(name, args, kwargs)
        if (layer := self.layer(node.func)) is not None:
            return Leaf(layer)
        if isinstance(func, Unknown | Tensor):
            return self.operation([func, args, kwargs])
        return UNKNOWN

    def block(self, statements: Sequence[ast.stmt], env: Env) -> Any:
        """Follow statements; return what they return, MISSING where they do not."""
        for statement in statements:
            result = self.statement(statement, env)
            if result is not MISSING:
                return result
        return MISSING

    def statement(self, node: ast.stmt, env: Env) -> Any:
        """Follow one statement."""
        if isinstance(node, ast.Return):
            return self.value(node.value, env)
        if isinstance(node, ast.Assign):
            value = self.value(node.value, env)
            for target in node.targets:
                self.bind(target, value, env)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self.bind(node.target, self.value(node.value, env), env)
        elif isinstance(node, ast.AugAssign):
            place = ast.parse(ast.unparse(node.target), mode="eval").body
            both = ast.BinOp(place, node.op, node.value)
            self.bind(node.target, self.value(both, env), env)
        elif isinstance(node, ast.Expr):
            self.value(node.value, env)
        elif isinstance(node, Function):
            env[node.name] = node
        else:
            return self._compound(node, env)
        return MISSING

    def _compound(self, node: ast.stmt, env: Env) -> Any:
        if isinstance(node, ast.If):
            test = self.value(node.test, env)
            taken = isinstance(test, Unknown | Tensor) or bool(test)
            return self.block(node.body if taken else node.orelse, env)
        if isinstance(node, ast.For):
            for element in self.iterated(self.value(node.iter, env)):
                self.bind(node.target, element, env)
                result = self.block(node.body, env)
                if result is not MISSING:
                    return result
        elif isinstance(node, ast.With | ast.Try):
            return self.block(node.body, env)
        return MISSING
