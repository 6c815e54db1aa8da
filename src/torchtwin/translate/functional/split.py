"""Splits statements that make and apply layers into those that make and those that apply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import libcst as cst

from torchtwin.translate.functional import flow, loops
from torchtwin.translate.functional.apply import grouped, with_attributes
from torchtwin.translate.functional.making import Halves, Maker, Slot
from torchtwin.translate.functional.program import Refusal
from torchtwin.translate.functional.rewrite import Statement, assign, body, line, own, statements_of
from torchtwin.translate.functional.shapes import last_axis, without_tensors
from torchtwin.translate.functional.values import (
    LAYER,
    SHAPE,
    STATIC,
    TENSOR,
    Kind,
    Value,
    empty,
)


@dataclass
class Splitter(Maker):
    """Splits the body of one class; `env` is carried through its statements."""

    def block(self, statements: Sequence[Statement], after: set[str]) -> Halves:
        """Split statements; `after` are the names read behind them."""
        halves, outer, later = Halves(), self.sink, self.later
        makes = [self.program.makes_layers(s) for s in statements]
        reads = list(accumulate(map(flow.reads, statements[:0:-1]), set.union, initial=after))
        for index, statement in enumerate(statements):
            self.later = later or any(makes[index + 1 :])
            self.sink = []
            if id(statement) in self.shared:
                halves += self.taken_over(statement, self.shared[id(statement)])
                continue
            part = self.statement(statement, reads[~index])
            made = Halves(self.sink + part.init, part.call)
            if not self.depth and self.slots is None:
                self.remember(statement, made)
            halves += made
        self.sink, self.later = outer, later
        return halves

    def statement(self, node: Statement, after: set[str]) -> Halves:
        """Split one statement."""
        if isinstance(node, cst.SimpleStatementLine):
            return self._line(node)
        if isinstance(node, cst.If):
            return self._if(node, after)
        if isinstance(node, cst.For):
            return loops.split(self, node, after)
        if isinstance(node, cst.With):
            halves = self.nested(statements_of(node.body), after)
            call = [node.with_changes(body=body(halves.call))] if halves.call else []
            return Halves(halves.init, list(call))
        if self.program.makes_layers(node):
            raise Refusal(node, f"layers are made in a {type(node).__name__} statement")
        self.program.kinds.step(node, self.env)
        tensors = any(self.kind_of_name(name) >= LAYER for name in flow.reads(node))
        if tensors or isinstance(node, cst.FunctionDef):
            return Halves(call=[self.attributed(node)])
        return Halves(init=[node])

    def nested(self, statements: Sequence[Statement], after: set[str]) -> Halves:
        """Split a block inside another statement."""
        self.depth += 1
        halves = self.block(statements, after)
        self.depth -= 1
        return halves

    def _line(self, node: cst.SimpleStatementLine) -> Halves:
        if len(node.body) != 1:
            halves = Halves()
            for index, part in enumerate(node.body):
                small = part.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
                single = node.with_changes(body=[small])
                halves += self._line(
                    single if index == 0 else single.with_changes(leading_lines=[])
                )
            return halves
        small = node.body[0]
        if isinstance(small, cst.Assign | cst.AnnAssign | cst.AugAssign):
            return self._assignment(node, small)
        if isinstance(small, cst.Expr):
            return self._expression(node, small)
        if isinstance(small, cst.Return):
            value = self.applied(small.value, None) if small.value else None
            stop: list[Statement] = [line(cst.Return())] if self.depth and self.later else []
            return Halves(stop, [node.with_changes(body=[small.with_changes(value=value)])])
        if isinstance(small, cst.Break | cst.Continue):
            return Halves([node], [node])
        if isinstance(small, cst.Pass):
            return Halves()
        if any(self.kind_of_name(name) >= LAYER for name in flow.reads(small)):
            return Halves(call=[self.attributed(node)])
        return Halves(init=[node])

    def _kind(self, small: cst.Assign | cst.AnnAssign | cst.AugAssign) -> Kind:
        """Return the kind of what is assigned, an empty container's by what will be in it."""
        targets = (
            [t.target for t in small.targets] if isinstance(small, cst.Assign) else [small.target]
        )
        kind = self.program.kinds.of(small.value, self.env) if small.value else STATIC
        for target in targets:
            name = flow.root(target)
            if isinstance(small, cst.AugAssign) or not isinstance(target, cst.Name | cst.Tuple):
                kind = max(kind, self.kind_of_name(name or ""))
            elif name is not None and kind == STATIC and empty(small.value):
                eventual = self.eventual.get(name, STATIC)
                kind = eventual if eventual in {LAYER, TENSOR} else kind
        return kind

    def _assignment(
        self, node: cst.SimpleStatementLine, small: cst.Assign | cst.AnnAssign | cst.AugAssign
    ) -> Halves:
        kind = self._kind(small)
        target = small.targets[0].target if isinstance(small, cst.Assign) else small.target
        if kind == TENSOR and small.value is not None:
            variable = target.value if isinstance(target, cst.Name) else None
            last = last_axis(self.program, small.value, self.env)
            value = self.applied(small.value, variable)
            self.program.kinds.step(small, self.env)
            if variable and empty(small.value):
                mapping = self.program.kinds.is_mapping(small.value)
                self.env[variable] = Value(TENSOR, mapping=mapping)
            if variable and last is not None:
                before = self.env[variable]
                self.env[variable] = Value(before.kind, before.attribute, before.origin, last)
            return Halves(call=[node.with_changes(body=[small.with_changes(value=value)])])
        if kind == LAYER and small.value is not None:
            return self._layer(node, small, target)
        if kind == SHAPE and small.value is not None:
            return self._shape(node, small)
        self.program.kinds.step(small, self.env)
        if (
            flow.bound(small)
            and flow.bound(small) <= self.once
            and not self.depth
            and self.slots is None
        ):
            self.kept |= flow.bound(small)
            return Halves(init=[node])
        copy = node.with_changes(leading_lines=[])
        self.copies.add(id(copy))
        return Halves([node], [copy])

    def _shape(
        self, node: cst.SimpleStatementLine, small: cst.Assign | cst.AnnAssign | cst.AugAssign
    ) -> Halves:
        """A plain value read from a tensor's shape: known to the layers only if the input's is."""
        assert small.value is not None
        halves = Halves(call=[self.attributed(node)])
        value = without_tensors(self, small.value)
        self.program.kinds.step(small, self.env)
        if value is not None:
            halves.init = [
                node.with_changes(body=[small.with_changes(value=value)], leading_lines=[])
            ]
            for name in flow.bound(small):
                self.env[name] = Value(STATIC)
        return halves

    def _layer(
        self,
        node: cst.SimpleStatementLine,
        small: cst.Assign | cst.AnnAssign | cst.AugAssign,
        target: cst.BaseExpression,
    ) -> Halves:
        assert small.value is not None
        value = self.for_init(small.value)
        self.program.kinds.step(small, self.env)
        if not isinstance(target, cst.Name):
            if isinstance(target, cst.Tuple) or self.slots is not None:
                raise Refusal(node, "several layers are assigned at once")
            place = with_attributes(target, self.env)
            assert isinstance(place, cst.BaseAssignTargetExpression)
            changed = cst.Assign([cst.AssignTarget(place)], value)
            return Halves(init=[node.with_changes(body=[changed])])
        name = target.value
        if isinstance(small, cst.AugAssign):
            attribute = self.env[name].attribute or name
            return Halves(
                init=[
                    node.with_changes(body=[cst.AugAssign(own(attribute), small.operator, value)])
                ]
            )
        if self.slots is not None:
            self.slots.append(Slot(name, name, self.guarded(value), self.depth > 0))
            self.env[name] = Value(LAYER)
            return Halves()
        attribute = self.attributes.variable(name, again=self.env[name].attribute is not None)
        self.env[name] = Value(LAYER, attribute)
        comments = [each for each in node.leading_lines if each.comment]
        made = assign(f"self.{attribute}", value).with_changes(
            leading_lines=comments, trailing_whitespace=node.trailing_whitespace
        )
        return Halves(init=[made])

    def _expression(self, node: cst.SimpleStatementLine, small: cst.Expr) -> Halves:
        kind = self.program.kinds.of(small.value, self.env)
        reads = [self.kind_of_name(name) for name in flow.reads(small)]
        if kind == TENSOR or TENSOR in reads:
            value = self.applied(small.value, None)
            self.program.kinds.step(small, self.env)
            return Halves(call=[node.with_changes(body=[small.with_changes(value=value)])])
        self.program.kinds.step(small, self.env)
        if LAYER in reads and self.slots is not None and self.program.makes_layers(small):
            raise Refusal(node, "a container of layers is filled in a loop that applies layers")
        return Halves(init=[self.attributed(node)])

    def _if(self, node: cst.If, after: set[str]) -> Halves:
        made = self.program.makes_layers(node)
        test = self.program.kinds.of(node.test, self.env)
        before = list(self.conditions)
        known = without_tensors(self, node.test) if test == SHAPE else node.test
        if made and (test == TENSOR or known is None):
            raise Refusal(node, "layers are made depending on a tensor")
        call_test = with_attributes(node.test, self.env)
        other = dict(self.env)
        self.conditions.append(node.test)
        then = self.nested(statements_of(node.body), after)
        self.conditions[-1] = cst.UnaryOperation(cst.Not(), grouped(node.test))
        self.env, env = other, self.env
        orelse = Halves()
        chained = isinstance(node.orelse, cst.If)
        if isinstance(node.orelse, cst.If):
            orelse = self._if(node.orelse, after)
        elif node.orelse is not None:
            orelse = self.nested(statements_of(node.orelse.body), after)
        other = self.env
        self.env, self.conditions = env, before
        self.program.kinds.merge(self.env, other)
        shape = known if known is not None else node.test
        return Halves(
            _branches(
                node.with_changes(leading_lines=[]),
                with_attributes(shape, self.env),
                then.init,
                orelse.init,
                chained,
            ),
            _branches(node, call_test, then.call, orelse.call, chained),
        )


def _branches(
    node: cst.If,
    test: cst.BaseExpression,
    then: list[Statement],
    orelse: list[Statement],
    chained: bool,
) -> list[Statement]:
    """Return an `if` with these branches, or nothing where both are empty."""
    if not then and not orelse:
        return []
    if not then:
        if chained and isinstance(orelse[0], cst.If) and len(orelse) == 1:
            then = [line(cst.Pass())]
        else:
            test = cst.UnaryOperation(
                cst.Not(), test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
            )
            return [node.with_changes(test=test, body=body(orelse), orelse=None)]
    other: cst.If | cst.Else | None = None
    if orelse:
        alone = orelse[0] if len(orelse) == 1 else None
        other = alone if chained and isinstance(alone, cst.If) else cst.Else(body(orelse))
    return [node.with_changes(test=test, body=body(then), orelse=other)]
