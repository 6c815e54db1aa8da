"""Models of a function or a module, made of tensors: each becomes a class and its construction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.along import along, in_order
from torchtwin.translate.functional.classes import Design, layer_class
from torchtwin.translate.functional.extract import check_loops, located
from torchtwin.translate.functional.inputs import Arguments, arguments, call_of
from torchtwin.translate.functional.making import Shared
from torchtwin.translate.functional.naming import class_name
from torchtwin.translate.functional.outputs import output_names
from torchtwin.translate.functional.places import Owned, Place, Region, through
from torchtwin.translate.functional.program import Program, Refusal
from torchtwin.translate.functional.rewrite import (
    Statement,
    body,
    line,
    statements_of,
)
from torchtwin.translate.functional.slices import Found, Stretch, changing, slice_of, stretch
from torchtwin.translate.functional.values import LAYER, TENSOR, Env
from torchtwin.translate.search import findall


def region(program: Program, statements: list[Statement], env: Env, place: Place) -> Region:
    """Turn the models among statements into classes."""
    return _Work(stretch(program, statements, env), place, Region([])).done()


@dataclass
class _Work:
    area: Stretch
    place: Place
    result: Region
    gone: set[int] = field(default_factory=set)  # statements that are in classes now
    sources: set[int] = field(default_factory=set)  # statements that made inputs
    plain: dict[int, tuple[Statement, Statement]] = field(default_factory=dict)
    shared: dict[int, Shared] = field(default_factory=dict)  # statements that have a class already

    def done(self) -> Region:
        """Return the statements with a class and its construction for each model."""
        made: dict[int, tuple[list[Statement], Statement]] = {}
        for found in self.area.models:
            try:
                located(self.area, found)
                asked = arguments(self.area, found)
                slice_of(self.area, found, set(asked.names))
                found.members = sorted({*found.members, *changing(self.area, found)})
                check_loops(found, [self.area.statements[i] for i in found.members])
                made[found.index] = self._made(found, asked)
            except Refusal as refusal:
                self.result.refused.append(refusal)
                continue
            self.sources |= {*found.sources.values()}
            self.gone |= {*found.members, *found.sources.values()}
        self._place(made)
        return self.result

    def _place(self, made: dict[int, tuple[list[Statement], Statement]]) -> None:
        """Put classes and constructions where the models were made, with the inputs' comments."""
        statements = self.result.statements
        lines: list[cst.EmptyLine] = []
        for index, statement in enumerate(self.area.statements):
            own = list(getattr(statement, "leading_lines", []))
            if index in made:
                classes, construction = made[index]
                if self.place.outside:
                    self.result.classes += [c for c in classes if isinstance(c, cst.ClassDef)]
                    statements.append(_led(construction, [*lines, *own], 0))
                else:
                    statements += [_led(classes[0], lines, 2), *classes[1:]]
                    statements.append(_led(construction, own, 2))
                lines = []
            elif index in self.gone:
                lines = own if index in self.sources and not lines else lines
            else:
                self._report(index, statement)
                statements += self._inner(index, statement)

    def _inner(self, index: int, statement: Statement) -> list[Statement]:
        """Turn the models made below an `if` or `with` into classes before it."""
        program = self.area.program
        if not isinstance(statement, cst.If | cst.With | cst.Try) or not program.has_model(
            statement
        ):
            return [statement]
        classes: list[cst.ClassDef] = []

        def changed(block: cst.BaseSuite) -> cst.BaseSuite:
            env = self.area.envs[index]
            done = region(program, statements_of(block), env, replace(self.place, inner=True))
            classes.extend(done.classes)
            self.result.refused += done.refused
            self.result.inputs |= done.inputs
            return body(done.statements) if done.classes else block

        def each(node: Statement | cst.Else) -> Any:
            node = node.with_changes(body=changed(node.body))  # type: ignore[union-attr]
            orelse = getattr(node, "orelse", None)
            return node.with_changes(orelse=each(orelse)) if orelse is not None else node

        done: Statement = each(statement)
        if not classes or self.place.outside:
            self.result.classes += classes
            return [done]
        own = list(getattr(statement, "leading_lines", []))
        return [*(_led(c, [], 2) for c in classes), _led(done, own, 2)]

    def _report(self, index: int, statement: Statement) -> None:
        """Report what uses a tensor that is now a variable inside a class."""
        if isinstance(statement, cst.FunctionDef | cst.ClassDef):
            return
        env = self.area.envs[index]
        for name in dict.fromkeys(flow.reads(statement)):
            if name not in env or env[name].kind != TENSOR:
                continue
            last = [i for i in range(index) if name in flow.bound(self.area.statements[i])]
            if last and last[-1] in self.gone:
                reason = f"{name} is a tensor inside the model, and is used outside of it"
                self.result.refused.append(Refusal(statement, reason))
                return

    def _made(self, found: Found, asked: Arguments) -> tuple[list[Statement], Statement]:
        program, area = self.area.program, self.area
        members = [area.statements[i] for i in found.members]
        statements = [*asked.unpack, *members, line(cst.Return(_unpacked(found.outputs)))]
        if asked.through:
            statements = [through(s, asked.through) for s in statements]
            found.layers += [model for model in asked.through if model not in found.layers]
            if any(id(s) in self.shared for s in members):
                raise Refusal(found.statement, "a model within a model shares its layers")
        if self.place.owner:
            statements = [self._without_owner(s) for s in statements]
            members = [self._without_owner(s) for s in members]
            found.layers += self._called(found, statements)
        static = self._static(found, statements, asked)
        env = area.envs[found.index]
        owners = {self.shared[id(m)].owner for m in members if id(m) in self.shared}
        static += [o for o in sorted(owners) if o not in static]
        name = program.fresh_class(_name(found, self.place.function))
        program.spliced[name] = set(asked.through)
        design = Design(
            name=name,
            base=found.call.func,
            static=[cst.Param(cst.Name(n)) for n in static],
            tensors=[cst.Param(cst.Name(asked.name))],
            body=statements,
            layers={n for n in static if n in found.layers or (n in env and env[n].kind == LAYER)},
            origins=asked.origins,
            shared=self.shared,
            extra=output_names(area, found),
            super_args=[a.with_changes(comma=cst.MaybeSentinel.DEFAULT) for a in found.rest],
        )
        known = along(program, area.statements[: found.index], asked.name)
        design.along = {asked.name: known} if known is not None else {}
        if asked.name in env and env[asked.name].mapping:
            design.mappings = frozenset({asked.name})
            design.body = [*in_order(asked.name, known, statements), *statements]
        classes = self._classes(found, design, {id(m) for m in members})
        self.result.inputs[name] = [call_of(program, area, found, n) for n in asked.names]
        args = [cst.Arg(self._given(n)) for n in static]
        return classes, _replaced(found, cst.Call(cst.Name(name), args))

    def _classes(self, found: Found, design: Design, lasting: set[int]) -> list[Statement]:
        """Return a model's class behind those of its blocks; its layers may be shared then.

        Only ids of statements that stay count: any other may soon be another statement's.
        """
        program = self.area.program
        program.pending.clear()
        made = layer_class(program, design)
        if found.variable is not None:
            for key, record in design.record.items():
                if key in lasting and key not in self.shared:
                    self.shared[key] = replace(record, owner=found.variable)
        blocks = [_led(c, [], 2) for c in program.pending]
        program.pending.clear()
        return [*blocks, _led(made, [], 2)]

    def _given(self, name: str) -> cst.BaseExpression:
        """Return what a class is given for a parameter: `self.units` for an attribute."""
        for attribute, known in self.place.own.items():
            if known == name and name not in self.place.local:
                return cst.Attribute(cst.Name(self.place.owner), cst.Name(attribute))
        return cst.Name(name)

    def _without_owner(self, node: Statement) -> Statement:
        """Return a statement with the attributes of the method's object as plain names."""
        if id(node) not in self.plain:
            changed: Any = node.visit(Owned(self.place))
            assert isinstance(changed, cst.BaseStatement)
            self.plain[id(node)] = (node, changed)
        return self.plain[id(node)][1]

    def _called(self, found: Found, statements: list[Statement]) -> list[str]:
        """Return the attributes of the method's object that are applied to tensors: layers."""
        calls = [c for s in statements for c in findall(s, m.Call(func=m.Name()))]
        called = {
            c.func.value for c in calls if isinstance(c, cst.Call) and isinstance(c.func, cst.Name)
        }
        names = called & set(self.place.own.values())
        if methods := sorted(names & self.place.methods):
            raise Refusal(found.statement, f"a model is made with the method {methods[0]}")
        return sorted(names)

    def _static(self, found: Found, statements: list[Statement], asked: Arguments) -> list[str]:
        """Return the plain values and layers that the class is given."""
        env = self.area.envs[found.index]
        changing = {n for s in statements for n in flow.bound(s)}
        names: list[str] = []
        for name in flow.at_entry(statements):
            if name in {asked.name, *asked.names} or name in names:
                continue
            if name in env and env[name].kind == TENSOR:
                reason = f"the tensor {name} is not made from the model's inputs"
                raise Refusal(found.statement, reason)
            for statement in self.area.statements[: found.index]:
                function = isinstance(statement, cst.FunctionDef) and name in flow.bound(statement)
                if self.place.function and function and self.area.program.makes_layers(statement):
                    raise Refusal(statement, "a function inside a function makes layers")
            if name == self.place.owner:
                raise Refusal(found.statement, f"a model is made with methods of {name}")
            if (
                name in self.place.own.values()
                or name in self.place.local
                or name in changing
                or name in found.layers
            ):
                names.append(name)
        place = {name: index for index, name in enumerate(self._written())}
        return sorted(names, key=lambda name: place.get(name, len(place)))

    def _written(self) -> list[str]:
        """Return the variables around in the order in which the program has them."""
        first = list(self.place.local_order)
        return first + [n for s in self.area.statements for n in sorted(flow.bound(s))]


def _led(statement: Statement, lines: list[cst.EmptyLine], blank: int) -> Statement:
    """Return a statement with these comments before it, and blank lines before them."""
    if blank:
        while lines and lines[0].comment is None:
            lines = lines[1:]
    empty = [cst.EmptyLine(indent=False)] * blank
    return statement.with_changes(leading_lines=[*empty, *lines])


def _unpacked(outputs: cst.BaseExpression) -> cst.BaseExpression:
    """A Functional model gives the tensor itself for a list of one output."""
    if isinstance(outputs, cst.List | cst.Tuple) and len(outputs.elements) == 1:
        return outputs.elements[0].value
    return outputs


def _name(found: Found, function: str) -> str:
    for arg in found.rest:
        if (arg.keyword is None or arg.keyword.value == "name") and isinstance(
            arg.value, cst.SimpleString
        ):
            value = arg.value.evaluated_value
            if isinstance(value, str) and any(c.isalpha() for c in value):
                return class_name(value)
    if found.variable and found.variable not in {"model", "net", "network"}:
        return class_name(found.variable)
    return class_name(function) if function not in {"", "main"} else "Model"


def _replaced(found: Found, call: cst.Call) -> Statement:
    small = found.statement.body[0]
    changed = small.with_changes(value=call)
    return found.statement.with_changes(body=[changed], leading_lines=[])
