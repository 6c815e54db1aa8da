"""Models of a function or a module, made of tensors: each becomes a class and its construction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import libcst as cst

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.classes import Design, layer_class
from torchtwin.translate.functional.inputs import Arguments, arguments, call_of
from torchtwin.translate.functional.making import Shared
from torchtwin.translate.functional.naming import class_name
from torchtwin.translate.functional.program import Program, Refusal
from torchtwin.translate.functional.rewrite import Statement, line
from torchtwin.translate.functional.slices import Found, Stretch, changing, slice_of, stretch
from torchtwin.translate.functional.values import LAYER, TENSOR, Env


@dataclass
class Region:
    """What becomes of the statements of a function or a module."""

    statements: list[Statement]
    classes: list[cst.ClassDef] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    inputs: dict[str, list[cst.Call | None]] = field(default_factory=dict)


def region(
    program: Program, statements: list[Statement], env: Env, function: str, local: set[str]
) -> Region:
    """Turn the models among statements into classes; `local` are names of the function alone."""
    area = stretch(program, statements, env)
    if not area.models:
        return Region(list(statements))
    return _Work(area, function, local, Region([])).done()


@dataclass
class _Work:
    area: Stretch
    function: str
    local: set[str]
    result: Region
    gone: set[int] = field(default_factory=set)  # statements that are in classes now
    sources: set[int] = field(default_factory=set)  # statements that made inputs
    shared: dict[int, Shared] = field(default_factory=dict)  # statements that have a class already

    def done(self) -> Region:
        """Return the statements with a class and its construction for each model."""
        made: dict[int, tuple[list[Statement], Statement]] = {}
        for found in self.area.models:
            try:
                asked = arguments(self.area, found)
                slice_of(self.area, found, set(asked.names))
                found.members = sorted({*found.members, *changing(self.area, found)})
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
                if self.function:
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
                statements.append(statement)

    def _report(self, index: int, statement: Statement) -> None:
        """Report what uses a tensor that is now a variable inside a class."""
        if isinstance(statement, cst.FunctionDef | cst.ClassDef):
            return
        env = self.area.envs[index]
        for name in dict.fromkeys(flow.reads(statement)):
            last = [i for i in range(index) if name in flow.bound(self.area.statements[i])]
            tensor = name in env and env[name].kind == TENSOR
            if tensor and last and last[-1] in self.gone:
                reason = f"{name} is a tensor inside the model, and is used outside of it"
                self.result.refused.append(Refusal(statement, reason))
                return

    def _made(self, found: Found, asked: Arguments) -> tuple[list[Statement], Statement]:
        program, area = self.area.program, self.area
        members = [area.statements[i] for i in found.members]
        statements = [*asked.unpack, *members, line(cst.Return(_unpacked(found.outputs)))]
        if asked.through is not None:
            statements = [_through(s, asked.through) for s in statements]
            found.layers += [asked.through] if asked.through not in found.layers else []
        static = self._static(found, statements, asked)
        env = area.envs[found.index]
        owners = {self.shared[id(m)].owner for m in members if id(m) in self.shared}
        static += [o for o in sorted(owners) if o not in static]
        name = program.fresh_class(_name(found, self.function))
        design = Design(
            name=name,
            base=found.call.func,
            static=[cst.Param(cst.Name(n)) for n in static],
            tensors=[cst.Param(cst.Name(asked.name))],
            body=statements,
            layers={n for n in static if n in found.layers or (n in env and env[n].kind == LAYER)},
            origins=asked.origins,
            shared=self.shared,
            super_args=[a.with_changes(comma=cst.MaybeSentinel.DEFAULT) for a in found.rest],
        )
        program.pending.clear()
        made = layer_class(program, design)
        if found.variable is not None:
            for key, record in design.record.items():
                if key not in self.shared:
                    self.shared[key] = replace(record, owner=found.variable)
        blocks = [_led(c, [], 2) for c in program.pending]
        program.pending.clear()
        self.result.inputs[name] = [call_of(program, area, found, n) for n in asked.names]
        args = [cst.Arg(cst.Name(n)) for n in static]
        return [*blocks, _led(made, [], 2)], _replaced(found, cst.Call(cst.Name(name), args))

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
            if name in self.local or name in changing or name in found.layers:
                names.append(name)
        return names


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


class _Through(cst.CSTTransformer):
    def __init__(self, model: str) -> None:
        super().__init__()
        self.model = model

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        root = original_node.value
        if isinstance(root, cst.Name) and root.value == self.model:
            if original_node.attr.value == "output":
                return cst.Call(cst.Name(self.model), [cst.Arg(cst.Name("inputs"))])
            if original_node.attr.value == "input":
                return cst.Name("inputs")
        return updated_node


def _through(statement: Statement, model: str) -> Statement:
    """Return a statement with `base.output` as what the base makes of the inputs."""
    changed: Any = statement.visit(_Through(model))
    assert isinstance(changed, cst.BaseStatement)
    return changed


def _replaced(found: Found, call: cst.Call) -> Statement:
    small = found.statement.body[0]
    changed = small.with_changes(value=call)
    return found.statement.with_changes(body=[changed], leading_lines=[])
