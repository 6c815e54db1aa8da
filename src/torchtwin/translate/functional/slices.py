"""Which statements belong to a model: those on the way from its inputs to its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import libcst as cst

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.program import Program, Refusal
from torchtwin.translate.functional.rewrite import Statement
from torchtwin.translate.functional.values import (
    LAYER,
    MODELS,
    STATIC,
    TENSOR,
    Env,
    Kind,
    Recorder,
    empty,
)


@dataclass
class Found:
    """A model made of tensors: `model = keras.Model(inputs, outputs)`."""

    index: int  # of its statement
    statement: cst.SimpleStatementLine
    call: cst.Call
    variable: str | None  # None where it is returned
    inputs: cst.BaseExpression
    outputs: cst.BaseExpression
    rest: list[cst.Arg]
    members: list[int] = field(default_factory=list)  # the statements that become its class
    sources: dict[str, int] = field(default_factory=dict)  # where its inputs are made
    layers: list[str] = field(default_factory=list)  # the layers it takes from outside
    end: int = -1  # behind the statements that it may have


@dataclass
class Stretch:
    """The statements of a function or a module, with what is known behind each of them."""

    program: Program
    statements: list[Statement]
    envs: list[Env]  # what is known before each statement
    models: list[Found]
    largest: dict[str, Kind]  # the largest kind that each variable ever has

    def kind(self, index: int, name: str) -> Kind:
        """Return the kind of a variable behind a statement, an empty container's by its use."""
        env = self.envs[index + 1]
        kind = env[name].kind if name in env else STATIC
        if kind == STATIC and starts_empty(self.statements[index], name):
            return self.largest.get(name, STATIC)
        return kind


def stretch(program: Program, statements: Sequence[Statement], env: Env) -> Stretch:
    """Follow the kinds of variables through statements, and find the models they make."""
    envs, models, largest = [dict(env)], [], Recorder(env)
    program.kinds.flow(statements, largest)
    for index, statement in enumerate(statements):
        env = dict(envs[-1])
        if found := model_in(program, statement, env):
            found.index = found.end = index
            models.append(found)
        program.kinds.step(statement, env)
        envs.append(env)
    return Stretch(program, list(statements), envs, models, largest.largest)


def starts_empty(statement: Statement, name: str) -> bool:
    """Whether a statement gives a variable an empty container."""
    if not isinstance(statement, cst.SimpleStatementLine) or name not in flow.bound(statement):
        return False
    return any(isinstance(s, cst.Assign | cst.AnnAssign) and empty(s.value) for s in statement.body)


def model_in(program: Program, statement: Statement, env: Env) -> Found | None:
    """Return the model that a statement makes of tensors, None where it makes none."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return None
    small, variable = statement.body[0], None
    if isinstance(small, cst.Assign):
        target = small.targets[0].target
        variable = target.value if isinstance(target, cst.Name) else None
    elif not isinstance(small, cst.Return):
        return None
    call = small.value
    if not isinstance(call, cst.Call) or not is_model(program, call.func):
        return None
    given: dict[str, cst.BaseExpression] = {}
    rest: list[cst.Arg] = []
    for index, arg in enumerate(call.args):
        key = arg.keyword.value if arg.keyword else ("inputs", "outputs", "name")[min(index, 2)]
        key = {"input": "inputs", "output": "outputs"}.get(key, key)
        if key in {"inputs", "outputs"} and key not in given:
            given[key] = arg.value
        else:
            rest.append(arg)
    if len(given) != 2 or TENSOR not in {program.kinds.of(v, env) for v in given.values()}:
        return None
    return Found(0, statement, call, variable, given["inputs"], given["outputs"], rest)


def is_model(program: Program, func: cst.BaseExpression) -> bool:
    """Whether `func` is keras.Model or a class of the program derived from it."""
    if program.names.qualified(func) in MODELS:
        return True
    return isinstance(func, cst.Name) and func.value in program.model_classes


def slice_of(area: Stretch, found: Found, names: set[str]) -> None:
    """Find the statements between a model's inputs, which are called `names`, and its outputs."""
    needed = set(flow.reads(found.outputs)) | set(flow.reads(found.inputs)) - names
    sources = set(names)
    for index in range(found.end - 1, -1, -1):
        statement = area.statements[index]
        own = flow.written(statement)
        if isinstance(statement, cst.FunctionDef | cst.ClassDef):
            continue
        if own & sources and own & flow.bound(statement):
            for name in own & sources:
                found.sources[name] = index
            sources -= own
            needed -= own & names
            continue
        if not own & needed:
            continue
        kinds = {area.kind(index, name) for name in own & needed}
        if kinds == {LAYER} and not _absorbed(area, index, own):
            found.layers += [n for n in sorted(own & needed) if n not in found.layers]
            needed -= flow.bound(statement)
        elif max(kinds) >= LAYER or Kind.SHAPE in kinds:
            if own & names and not own & sources:
                raise Refusal(statement, f"{', '.join(sorted(own & names))} is made twice")
            found.members.insert(0, index)
            needed = needed - flow.certain(statement) | set(flow.reads(statement))
            needed -= sources
    _check(area, found, needed)


def _check(area: Stretch, found: Found, needed: set[str]) -> None:
    start = area.envs[0]
    for name in sorted(needed):
        if name in start and start[name].kind == TENSOR:
            raise Refusal(found.statement, f"the tensor {name} comes from outside the function")


def _absorbed(area: Stretch, index: int, names: set[str]) -> bool:
    """Whether a layer is used by nothing but tensors of the models: it can move into a class."""
    statement = area.statements[index]
    if any(model.index == index for model in area.models):
        return False
    if not names & flow.bound(statement):  # it only fills what another statement makes
        before = [i for i in range(index) if names & flow.bound(area.statements[i])]
        empty = bool(before) and all(starts_empty(area.statements[before[-1]], n) for n in names)
        return bool(before) and (empty or _absorbed(area, before[-1], names))
    made = list(area.program.creations(statement))
    if not made or not all(area.program.kinds.makes_part(call.func) for call in made):
        return False
    last = max(model.index for model in area.models)
    for later in range(index + 1, len(area.statements)):
        other = area.statements[later]
        if isinstance(other, cst.FunctionDef | cst.ClassDef) and names & set(flow.reads(other)):
            return False
        if names & set(flow.reads(other)):
            tensors = any(area.kind(later, n) >= LAYER for n in flow.written(other))
            if later > last or not tensors:
                return False
        if names <= flow.certain(other):
            break
    return True


def changing(area: Stretch, found: Found) -> list[int]:
    """Return plain assignments between a model's statements that change what those read."""
    if not found.members:
        return []
    read = {n for i in found.members for n in flow.reads(area.statements[i])}
    between = range(found.members[0], found.end)
    moved: list[int] = []
    for index in between:
        statement = area.statements[index]
        names = flow.written(statement) & read
        if (
            index in found.members
            or not names
            or isinstance(statement, cst.FunctionDef | cst.ClassDef)
        ):
            continue
        if max(area.kind(index, name) for name in names) != STATIC:
            continue
        before = [i for i in found.members if i < index]
        if names & {n for i in before for n in flow.reads(area.statements[i])}:
            moved.append(index)
    _with_what_they_read(area, found, moved)
    return moved


def _with_what_they_read(area: Stretch, found: Found, moved: list[int]) -> None:
    names = {n for i in moved for n in flow.written(area.statements[i])}
    for index in range(found.members[0], found.end):
        statement = area.statements[index]
        if index not in moved and index not in found.members and flow.written(statement) & names:
            moved.append(index)
    later = area.statements[found.index + 1 :]
    for name in sorted(names & {n for s in later for n in flow.reads(s)}):
        raise Refusal(found.statement, f"{name} changes while the model is made, and is used later")
