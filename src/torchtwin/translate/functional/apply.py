"""Layers that are made where they are applied: made beforehand, and applied by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.program import Program, Refusal
from torchtwin.translate.functional.rewrite import Node, own, renamed
from torchtwin.translate.functional.values import LAYER, SHAPE, STATIC, TENSOR, Value

if TYPE_CHECKING:
    from torchtwin.translate.functional.values import Env

Comprehension = cst.ListComp | cst.GeneratorExp


@dataclass
class Made:
    """A layer that an expression made: what makes it, and the condition under which it does."""

    creation: cst.BaseExpression
    name: str | None  # the variable that takes the result, where it is the last one applied
    over: cst.CompFor | None = None  # the comprehension in which it is made


class Applied(cst.CSTTransformer):
    """Replaces each layer that is made and called at once by the name that `keep` gives it."""

    def __init__(
        self,
        program: Program,
        env: Env,
        keep: Callable[[Made], cst.BaseExpression],
        variable: str | None,
        whole: cst.BaseExpression,
    ) -> None:
        super().__init__()
        self.program, self.env, self.keep = program, dict(env), keep
        self.variable, self.whole = variable, whole
        self.conditions: list[cst.BaseExpression] = []

    def visit_Lambda(self, node: cst.Lambda) -> bool:
        if self.program.makes_layers(node.body):
            inner = {**self.env, **{p.name.value: Value(TENSOR) for p in node.params.params}}
            if self.program.kinds.of(node.body, inner) == TENSOR and _applies(self.program, node):
                raise Refusal(node, "a function without a name makes layers and applies them")
        return True

    def visit_IfExp_body(self, node: cst.IfExp) -> None:
        self.conditions.append(node.test)

    def leave_IfExp_body(self, node: cst.IfExp) -> None:
        self.conditions.pop()

    def visit_IfExp_orelse(self, node: cst.IfExp) -> None:
        self.conditions.append(cst.UnaryOperation(cst.Not(), grouped(node.test)))

    def leave_IfExp_orelse(self, node: cst.IfExp) -> None:
        self.conditions.pop()

    def visit_ListComp(self, node: cst.ListComp) -> bool:
        return not self._has_slots(node)

    def leave_ListComp(
        self, original_node: cst.ListComp, updated_node: cst.ListComp
    ) -> cst.BaseExpression:
        if not self._has_slots(original_node):
            return updated_node
        return self._comprehension(original_node)

    def visit_GeneratorExp(self, node: cst.GeneratorExp) -> bool:
        if self._has_slots(node):
            raise Refusal(node, "layers are made and applied in a generator expression")
        return True

    def visit_DictComp(self, node: cst.DictComp) -> bool:
        if self._has_slots(node):
            raise Refusal(node, "layers are made and applied in a dict comprehension")
        return True

    def _has_slots(self, node: cst.ListComp | cst.GeneratorExp | cst.DictComp) -> bool:
        kind = self.program.kinds.of(node, self.env)
        return kind == TENSOR and self.program.makes_layers(node)

    def _comprehension(self, node: cst.ListComp) -> cst.BaseExpression:
        """`[Dense(u)(x) for u in units]` as `[dense(x) for dense in self.denses]`."""
        clause, env = node.for_in, dict(self.env)
        self.program.kinds.comprehension(clause, env)
        if clause.ifs or clause.inner_for_in:
            raise Refusal(node, "layers are made in a comprehension of several clauses")
        made: list[Made] = []

        def local(each: Made) -> cst.BaseExpression:
            made.append(each)
            return cst.Name("layer")

        element = node.elt.visit(Applied(self.program, env, local, None, node.elt))
        if (
            len(made) != 1
            or made[0].over is not None
            or not isinstance(element, cst.BaseExpression)
        ):
            raise Refusal(node, "several layers are made in a comprehension")
        creation = made[0].creation
        container = self.keep(Made(creation, self.variable, clause))
        name = cst.Name("layer")
        needed = set(flow.reads(element))
        if not flow.targets(clause.target) & needed:
            return node.with_changes(
                elt=element, for_in=clause.with_changes(target=name, iter=container)
            )
        pair = cst.Tuple([cst.Element(name), cst.Element(clause.target)], lpar=[], rpar=[])
        over = cst.Call(cst.Name("zip"), [cst.Arg(container), cst.Arg(clause.iter)])
        return node.with_changes(elt=element, for_in=clause.with_changes(target=pair, iter=over))

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        kinds, func = self.program.kinds, original_node.func
        if not isinstance(func, cst.Call) or kinds.of(func, self.env) != LAYER:
            return updated_node
        if kinds.arguments(original_node, self.env) != TENSOR:
            raise Refusal(original_node, "a layer is called with something that is not a tensor")
        if kinds.arguments(func, self.env) == TENSOR:
            raise Refusal(original_node, "a layer is made from a tensor")
        creation = updated_node.func
        for condition in reversed(self.conditions):
            if kinds.of(condition, self.env) not in {STATIC, SHAPE}:
                raise Refusal(original_node, "a layer is made depending on a tensor")
            creation = cst.IfExp(condition, creation, cst.Name("None"))
        variable = self.variable if original_node is self.whole else None
        return updated_node.with_changes(func=self.keep(Made(creation, variable)))


def _applies(program: Program, node: cst.Lambda) -> bool:
    calls = list(program.creations(node.body))
    return any(isinstance(node.body, cst.Call) and node.body.func is call for call in calls)


def grouped(node: cst.BaseExpression) -> cst.BaseExpression:
    """Return an expression in parentheses, if it needs them."""
    if node.lpar or isinstance(node, cst.Name | cst.Attribute | cst.Call | cst.Subscript):
        return node
    return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def with_attributes(node: Node, env: Env) -> Node:
    """Return a tree with the layers it names read from `self`."""

    def change(name: str) -> cst.BaseExpression | None:
        attribute = env[name].attribute if name in env else None
        return own(attribute) if attribute else None

    return renamed(node, change)
