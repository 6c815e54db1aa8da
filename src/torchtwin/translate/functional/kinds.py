"""What expressions are while a model is being built, carried through its statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import libcst as cst

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.values import (
    INPUTS,
    LAYER,
    LAYER_METHODS,
    LOADERS,
    MODELS,
    SEQUENTIALS,
    SHAPE,
    SHAPE_ATTRIBUTES,
    SHAPES,
    STATIC,
    TENSOR,
    TENSOR_ATTRIBUTES,
    Env,
    Kind,
    Value,
    gives_dict,
    placed,
    returns,
)

if TYPE_CHECKING:
    from torchtwin.translate.functional.program import Program


@dataclass
class Kinds:
    """Infers kinds; `flow` carries them through statements."""

    program: Program
    busy: set[str] = field(default_factory=set)

    def of(self, node: cst.BaseExpression, env: Mapping[str, Value]) -> Kind:
        """Return the kind of an expression."""
        if isinstance(node, cst.Name):
            return env[node.value].kind if node.value in env else STATIC
        if isinstance(node, cst.Call):
            return self.call(node, env)
        if isinstance(node, cst.Attribute):
            return self._attribute(node, env)
        if isinstance(node, cst.Subscript):
            return self.of(node.value, env)
        if isinstance(node, cst.Lambda):
            own = {p.name.value for p in node.params.params}
            kind = self.of(node.body, {k: v for k, v in env.items() if k not in own})
            return LAYER if kind in {LAYER, TENSOR} else STATIC
        if isinstance(node, cst.Comparison):
            identity = all(isinstance(c.operator, cst.Is | cst.IsNot) for c in node.comparisons)
            kind = self.joined(node.children, env)
            return SHAPE if identity and kind == TENSOR else kind
        if isinstance(node, cst.ListComp | cst.SetComp | cst.GeneratorExp | cst.DictComp):
            inner = dict(env)
            self.comprehension(node.for_in, inner)
            parts = [node.key, node.value] if isinstance(node, cst.DictComp) else [node.elt]
            return max(self.of(part, inner) for part in parts)
        return self.joined(node.children, env)

    def joined(self, nodes: Iterable[cst.CSTNode], env: Mapping[str, Value]) -> Kind:
        """Return the largest kind of the expressions among `nodes` and below them."""
        kinds = [
            self.of(node, env)
            if isinstance(node, cst.BaseExpression)
            else self.joined(node.children, env)
            for node in nodes
        ]
        return max(kinds, default=STATIC)

    def _attribute(self, node: cst.Attribute, env: Mapping[str, Value]) -> Kind:
        kind = self.of(node.value, env)
        if kind == TENSOR:
            return SHAPE if node.attr.value in SHAPE_ATTRIBUTES else TENSOR
        if kind == LAYER:
            if node.attr.value in TENSOR_ATTRIBUTES:
                return TENSOR
            return LAYER if node.attr.value in LAYER_METHODS else STATIC
        return kind

    def arguments(self, node: cst.Call, env: Mapping[str, Value]) -> Kind:
        """Return the largest kind of a call's arguments."""
        return max((self.of(arg.value, env) for arg in node.args), default=STATIC)

    def makes_layer(self, func: cst.BaseExpression) -> bool:
        """Whether a call of `func` makes a layer or a model."""
        if isinstance(func, cst.Name) and func.value in self.program.layer_classes:
            return True
        name = self.program.names.qualified(func) or ""
        head, _, last = name.rpartition(".")
        if name in MODELS | SEQUENTIALS or head.startswith("keras.applications"):
            return last[:1].isupper()
        if name.startswith("keras.") and last in LOADERS:
            return not head.endswith("preprocessing")
        return name.startswith("keras.layers.") and last[:1].isupper() and name not in INPUTS

    def makes_part(self, func: cst.BaseExpression) -> bool:
        """Whether a call of `func` makes a layer that is not a model by itself."""
        if isinstance(func, cst.Name) and func.value in self.program.layer_classes:
            return func.value not in self.program.model_classes
        return (self.program.names.qualified(func) or "").startswith("keras.layers.")

    def call(self, node: cst.Call, env: Mapping[str, Value]) -> Kind:
        """Return the kind of what a call gives."""
        name = self.program.names.qualified(node.func) or ""
        given = self.arguments(node, env)
        if name in INPUTS:
            return TENSOR
        if self.makes_layer(node.func):
            return LAYER
        if name in SHAPES or (isinstance(node.func, cst.Name) and node.func.value in SHAPES):
            return SHAPE if given == TENSOR else given
        if isinstance(node.func, cst.Name) and node.func.value not in env:
            function = self.program.functions.get(node.func.value)
            if function is not None:
                return self.result(function, node, env)
            return STATIC if node.func.value in {"isinstance", "print", "type"} else given
        func = self.of(node.func, env)
        if func == LAYER and isinstance(node.func, cst.Attribute) and given != TENSOR:
            return LAYER if node.func.attr.value in LAYER_METHODS | {"pop"} else STATIC
        return TENSOR if TENSOR in {func, given} else max(func, given)

    def result(self, function: cst.FunctionDef, node: cst.Call, env: Mapping[str, Value]) -> Kind:
        """Return the kind of what a function of the program gives."""
        kinds = {key: self.of(arg.value, env) for key, arg in placed(function, node).items()}
        self.program.note(function, kinds)
        name = function.name.value
        if name in self.busy:
            return max(kinds.values(), default=STATIC)
        self.busy.add(name)
        dicts = {
            key
            for key, arg in placed(function, node).items()
            if self.is_mapping(arg.value) or self._keys(arg.value, env)
        }
        self.program.mappings.setdefault(name, set()).update(dicts)
        inner: Env = dict(self.program.globals)
        inner |= {k: Value(v, mapping=k in dicts) for k, v in kinds.items()}
        self.flow(function.body.body, inner)
        returned = [self.of(value, inner) for value in returns(function)]
        self.busy.discard(name)
        return max(returned, default=STATIC)

    def comprehension(self, clause: cst.CompFor, env: Env) -> None:
        """Bind what a comprehension's clauses bind."""
        self.bind_iteration(clause.target, clause.iter, env)
        if clause.inner_for_in:
            self.comprehension(clause.inner_for_in, env)

    def bind_iteration(
        self, target: cst.BaseExpression, over: cst.BaseExpression, env: Env
    ) -> None:
        """Bind a loop's target to the elements of what it goes over."""
        name = (
            over.func.value
            if isinstance(over, cst.Call) and isinstance(over.func, cst.Name)
            else ""
        )
        if isinstance(target, cst.Tuple) and isinstance(over, cst.Call):
            inner = [element.value for element in target.elements]
            if name == "zip" and len(inner) == len(over.args):
                for part, arg in zip(inner, over.args, strict=True):
                    self.bind_iteration(part, arg.value, env)
                return
            if name == "enumerate" and len(inner) == 2:
                self.assign(inner[0], STATIC, env)
                self.bind_iteration(inner[1], over.args[0].value, env)
                return
            if isinstance(over.func, cst.Attribute) and over.func.attr.value == "items":
                kind = self.of(over.func.value, env)
                self.assign(inner[0], STATIC, env)
                self.assign(inner[1], kind, env)
                return
        if self._keys(over, env):
            self.assign(target, STATIC, env)
            return
        if (
            name in {"reversed", "list", "tuple", "sorted"}
            and isinstance(over, cst.Call)
            and over.args
        ):
            self.bind_iteration(target, over.args[0].value, env)
            return
        self.assign(target, self.of(over, env), env)

    def _keys(self, over: cst.BaseExpression, env: Mapping[str, Value]) -> bool:
        """Whether a loop goes over the keys of a dict."""
        if isinstance(over, cst.Call) and isinstance(over.func, cst.Attribute):
            return over.func.attr.value == "keys"
        return isinstance(over, cst.Name) and over.value in env and env[over.value].mapping

    def assign(self, target: cst.BaseExpression, kind: Kind, env: Env) -> None:
        """Bind a target to a value of a kind."""
        if isinstance(target, cst.Name):
            env[target.value] = Value(kind)
        elif isinstance(target, cst.Tuple | cst.List):
            for element in target.elements:
                self.assign(element.value, kind, env)
        elif (name := flow.root(target)) is not None and name != "self":
            self.widen(name, kind, env)

    def widen(self, name: str, kind: Kind, env: Env) -> None:
        """Note that a container holds values of a kind too."""
        before = env.get(name, Value(STATIC))
        if kind > before.kind:
            env[name] = Value(kind, before.attribute, mapping=before.mapping)

    def flow(
        self, statements: Sequence[cst.BaseStatement | cst.BaseSmallStatement], env: Env
    ) -> None:
        """Carry kinds through statements."""
        for statement in statements:
            self.step(statement, env)

    def step(self, statement: cst.CSTNode, env: Env) -> None:
        """Carry kinds through one statement; a loop's body twice, since it may feed itself."""
        if isinstance(statement, cst.SimpleStatementLine):
            self.flow(statement.body, env)
        elif isinstance(statement, cst.Assign):
            for target in statement.targets:
                self.pair(target.target, statement.value, env)
        elif isinstance(statement, cst.AnnAssign) and statement.value is not None:
            self.pair(statement.target, statement.value, env)
        elif isinstance(statement, cst.AugAssign):
            kind = self.of(statement.value, env)
            if (name := flow.root(statement.target)) is not None:
                env[name] = Value(max(kind, env[name].kind if name in env else STATIC))
        elif isinstance(statement, cst.Expr):
            self._change(statement.value, env)
        elif isinstance(statement, cst.If):
            self._branches(statement, env)
        elif isinstance(statement, cst.For):
            for _ in range(2):
                self.bind_iteration(statement.target, statement.iter, env)
                self.flow(statement.body.body, env)
        elif isinstance(statement, cst.While | cst.With | cst.Try):
            self.flow(statement.body.body, env)
        elif isinstance(statement, cst.FunctionDef):
            env.pop(statement.name.value, None)

    def _branches(self, statement: cst.If, env: Env) -> None:
        other = dict(env)
        self.flow(statement.body.body, env)
        if isinstance(statement.orelse, cst.If):
            self._branches(statement.orelse, other)
        elif statement.orelse is not None:
            self.flow(statement.orelse.body.body, other)
        self.merge(env, other)

    def merge(self, env: Env, other: Env) -> None:
        """Add to `env` what a variable may be after the other branch."""
        for name, value in other.items():
            if name not in env or env[name].kind < value.kind:
                env[name] = value
            elif env[name] != value:
                env[name] = Value(env[name].kind, env[name].attribute or value.attribute)

    def _change(self, node: cst.BaseExpression, env: Env) -> None:
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            name = flow.root(node.func.value)
            if name and name != "self" and node.func.attr.value in flow.CHANGES:
                self.widen(name, self.arguments(node, env), env)

    def pair(self, target: cst.BaseExpression, value: cst.BaseExpression, env: Env) -> None:
        """Bind a target to an expression, part by part where both are written in parts."""
        if (
            isinstance(target, cst.Tuple | cst.List)
            and isinstance(value, cst.Tuple | cst.List)
            and len(target.elements) == len(value.elements)
        ):
            kinds = [self.of(element.value, env) for element in value.elements]
            for element, kind in zip(target.elements, kinds, strict=True):
                self.assign(element.value, kind, env)
            return
        if isinstance(target, cst.Name) and isinstance(value, cst.Name) and value.value in env:
            env[target.value] = env[value.value]
            return
        self.assign(target, self.of(value, env), env)
        if isinstance(target, cst.Name) and self.is_mapping(value):
            env[target.value] = replace(env[target.value], mapping=True)

    def is_mapping(self, node: cst.BaseExpression) -> bool:
        """Whether an expression is written as a dict, or calls a function that returns one."""
        if isinstance(node, cst.Dict | cst.DictComp):
            return True
        if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Name):
            return False
        function = self.program.functions.get(node.func.value)
        return node.func.value == "dict" or (function is not None and gives_dict(function))
