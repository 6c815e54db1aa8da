"""Finds the kinds of all expressions in a program, by running through its statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from torchtwin.translate.infer_expressions import arithmetic, kind_of
from torchtwin.translate.inventory import Inventory, is_layer
from torchtwin.translate.kinds import NONE, NUMBER, SHAPE, TENSOR, UNKNOWN, Kind, joined
from torchtwin.translate.names import Names

ROUNDS = 3
"""How often all functions are run through: what one returns another uses."""

Env = dict[str, Kind]
SHAPE_NAMES = ("input_shape", "input_shapes", "inputs_shape", "shape")
TENSOR_NAMES = ("y_true", "y_pred", "labels", "logits")


@dataclass
class Kinds:
    """The kind of every expression: `of(node)`."""

    names: Names
    inventory: Inventory
    known: dict[cst.CSTNode, Kind] = field(default_factory=dict)
    attributes: dict[tuple[str, str], Kind] = field(default_factory=dict)
    parameters: dict[tuple[cst.FunctionDef, str], Kind] = field(default_factory=dict)
    results: dict[cst.FunctionDef, Kind] = field(default_factory=dict)
    before: tuple[dict[Any, Kind], dict[Any, Kind]] = ({}, {})
    devices: dict[cst.FunctionDef, Any] = field(default_factory=dict)  # see device_of

    def of(self, node: cst.CSTNode | None) -> Kind:
        return self.known.get(node, UNKNOWN) if node is not None else UNKNOWN

    def run(self, module: cst.Module) -> Kinds:
        for _ in range(ROUNDS):
            self.before = (self.parameters, self.attributes)
            self.parameters, self.attributes = {}, {}
            Body(self, {}, "", None).block(module.body)
        return self

    def note(self, node: cst.CSTNode, kind: Kind) -> Kind:
        self.known[node] = kind
        return kind

    def attribute(self, cls: str, name: str) -> Kind:
        for owner in self.inventory.bases(cls):
            for known in (self.attributes, self.before[1]):
                if (owner, name) in known:
                    return known[owner, name]
        return UNKNOWN


@dataclass
class Body:
    """Runs through one function, class or module."""

    kinds: Kinds
    env: Env
    cls: str
    function: cst.FunctionDef | None
    outer: Mapping[str, Kind] = field(default_factory=dict)

    # Statements.

    def block(self, statements: object) -> None:
        for statement in statements if isinstance(statements, list | tuple) else ():
            self.statement(statement)

    def suite(self, body: cst.BaseSuite) -> None:
        self.block(body.body)

    def statement(self, node: cst.CSTNode) -> None:
        match node:
            case cst.SimpleStatementLine(body=parts):
                self.block(parts)
            case cst.Assign(targets=targets, value=value):
                kind = self.expr(value)
                for target in targets:
                    self.assign(target.target, kind)
            case cst.AnnAssign(target=target, value=value) if value is not None:
                self.assign(target, self.expr(value))
            case cst.AugAssign(target=target, value=value):
                self.assign(target, arithmetic(self.expr(target), self.expr(value)))
            case cst.Return(value=value):
                self._returned(self.expr(value) if value is not None else NONE)
            case cst.FunctionDef():
                self._define(node)
            case cst.ClassDef():
                Body(self.kinds, {}, node.name.value, None, self._visible()).suite(node.body)
            case cst.For():
                self._loop(node)
            case cst.If() | cst.While():
                self._branch(node)
            case _:
                for child in node.children:
                    if isinstance(child, cst.BaseExpression):
                        self.expr(child)
                    else:
                        self.statement(child)

    def _branch(self, node: cst.If | cst.While) -> None:
        self.expr(node.test)
        before = dict(self.env)
        self.suite(node.body)
        after, self.env = self.env, before
        if node.orelse is not None:
            orelse = node.orelse
            self.statement(orelse) if isinstance(orelse, cst.If) else self.suite(orelse.body)
        for name in {*after, *self.env}:
            if name in after and name in self.env:
                self.env[name] = joined(after[name], self.env[name])
            else:
                self.env[name] = after.get(name) or self.env[name]

    def _loop(self, node: cst.For) -> None:
        for _ in range(2):
            self.assign(node.target, self.iterated(node.iter))
            self.suite(node.body)

    def _returned(self, kind: Kind) -> None:
        if self.function is not None:
            known = self.kinds.results.get(self.function)
            self.kinds.results[self.function] = joined(known, kind) if known else kind

    def assign(self, target: cst.CSTNode, kind: Kind) -> None:
        match target:
            case cst.Name(value=name):
                self.kinds.note(target, kind)
                self.env[name] = kind
            case cst.Attribute(value=cst.Name(value="self"), attr=attr) if self.cls:
                self.kinds.note(target, kind)
                key = (self.cls, attr.value)
                old = self.kinds.attributes.get(key)
                self.kinds.attributes[key] = joined(old, kind) if old else kind
            case cst.Attribute(value=owner):
                self.expr(owner)
            case cst.Tuple(elements=parts) | cst.List(elements=parts):
                items = kind.items if len(kind.items) == len(parts) else ()
                for k, part in enumerate(parts):
                    starred = isinstance(part, cst.StarredElement)
                    inner = items[k] if items else kind.element
                    self.assign(part.value, Kind("list", item=inner) if starred else inner)
            case cst.Subscript(value=value, slice=(cst.SubscriptElement(slice=cst.Index(key)),)):
                inner = self.expr(value)
                if inner.what == "dict":
                    grown = Kind("dict", of=self.expr(key).what, item=kind)
                    self.assign(value, joined(inner, grown))
            case cst.Subscript(value=value):
                self.expr(value)

    # Functions.

    def _visible(self) -> Mapping[str, Kind]:
        return {**self.outer, **self.env}

    def _define(self, node: cst.FunctionDef) -> None:
        self.kinds.results.pop(node, None)
        env = {}
        params = [*node.params.posonly_params, *node.params.params, *node.params.kwonly_params]
        for param in params:
            if param.default is not None:
                self.expr(param.default)
            env[param.name.value] = self._parameter(node, param)
        if isinstance(node.params.star_arg, cst.Param):
            name = node.params.star_arg.name.value
            item = TENSOR if node.name.value == "call" else UNKNOWN
            env[name] = Kind("list", item=item)
        inner = self.function is None and self.cls
        outer = self.outer if inner else self._visible()
        Body(self.kinds, env, self.cls, node, outer).suite(node.body)
        if self.function is not None:
            self.env.setdefault(node.name.value, UNKNOWN)

    def _parameter(self, function: cst.FunctionDef, param: cst.Param) -> Kind:
        name, method = param.name.value, function.name.value
        if self.cls and name == "self":
            return Kind("module", of=self.cls)
        if name == "training":
            return NUMBER
        known = self.kinds.before[0].get((function, name))
        if method in ("build", "compute_output_shape") or name in SHAPE_NAMES:
            return SHAPE if name != "self" else UNKNOWN
        if self.cls and is_layer(self.kinds.inventory, self.cls) and method == "call":
            return _given(name, param.default)
        if known is not None:
            return known
        if name in TENSOR_NAMES:
            return TENSOR
        if isinstance(param.default, cst.Integer | cst.Float):
            return NUMBER
        return UNKNOWN

    def call_of(self, function: cst.FunctionDef, node: cst.Call, skip: int) -> Kind:
        """Note what a function of the program is given, and return what it gives."""
        params = [*function.params.posonly_params, *function.params.params][skip:]
        by_name = {p.name.value for p in [*params, *function.params.kwonly_params]}
        for k, arg in enumerate(node.args):
            name = (
                arg.keyword.value
                if arg.keyword
                else params[k].name.value
                if k < len(params)
                else ""
            )
            if name in by_name and not arg.star:
                kind = self.kinds.of(arg.value)
                key = (function, name)
                old = self.kinds.parameters.get(key)
                self.kinds.parameters[key] = joined(old, kind) if old else kind
        return self.kinds.results.get(function, UNKNOWN)

    # Expressions.

    def iterated(self, node: cst.BaseExpression) -> Kind:
        """Return what a loop over an expression gives each time."""
        kind = self.expr(node)
        if kind.what == "dict":
            return Kind(kind.of)
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Name):
            kinds = [self.kinds.of(a.value) for a in node.args]
            match node.func.value:
                case "range":
                    return NUMBER
                case "enumerate" if kinds:
                    return Kind("list", items=(NUMBER, kinds[0].element))
                case "zip" if kinds:
                    return Kind("list", items=tuple(k.element for k in kinds))
                case "reversed" | "list" | "tuple" | "sorted" if kinds:
                    return Kind(kinds[0].of) if kinds[0].what == "dict" else kinds[0].element
        return kind.element

    def expr(self, node: cst.BaseExpression) -> Kind:
        return self.kinds.note(node, kind_of(self, node))


def _given(name: str, default: cst.BaseExpression | None) -> Kind:
    """Return what an argument of `call` is: a tensor, where its default does not speak against."""
    if isinstance(default, cst.Name) and default.value in ("True", "False"):
        return NUMBER
    if "mask" in name and default is not None:
        return UNKNOWN
    return UNKNOWN if isinstance(default, cst.Integer | cst.Float | cst.SimpleString) else TENSOR
