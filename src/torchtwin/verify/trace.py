"""Runs a twin and keeps the value of every line that stands for a Keras layer.

The program is the text on disk, which its owner may have changed. Its statements are matched
with those that torchtwin writes: equal ones, and changed ones between equal neighbours. The
rest are known by the submodule that they call.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import numpy as np
import torch
from torch import nn

from torchtwin.emit.source import class_names
from torchtwin.emit.variables import Body
from torchtwin.expr import Part
from torchtwin.outputs import LOGITS, WITH_MASKS, bodies
from torchtwin.program import Class
from torchtwin.twin import executed
from torchtwin.verify.subject import run

RECORD = "__torchtwin_record__"
Made = Mapping[tuple[int, ...], str]


@dataclass(frozen=True)
class Place:
    """A line of a class: the Keras values that it makes."""

    class_name: str
    made: Made


class Trace:
    """What the lines of a twin gave, by the module that ran them and the Keras value.

    `left_out` holds the paths of Keras layers whose line is not in the program.
    """

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], list[torch.Tensor]] = {}
        self.left_out: set[str] = set()

    def add(self, module: str, made: Made, result: Any) -> None:
        for path, value in made.items():
            part = result
            try:
                for k in path:
                    part = part[k]
            except (IndexError, TypeError, KeyError):
                continue  # the owner of the file made something else of this line
            if isinstance(part, torch.Tensor):
                self.values.setdefault((module, value), []).append(part)


def traced(
    module: nn.Module, source: str, emitted: str, program: Class,
    *, inputs: Sequence[np.ndarray], precision: str,
) -> Trace:  # fmt: skip
    """Run the module once with `forward` recording; `emitted` is the text torchtwin writes.

    What is recorded before an error counts: a program may stop in the middle.
    """
    trace, places = Trace(), list[Place]()
    tree = ast.parse(source)
    emitted_classes = classes(ast.parse(emitted))
    names = class_names(program, [n for n in emitted_classes if n not in _written(program)])
    for cls in program.classes():
        name = names[id(cls)]
        here = classes(tree).get(name)
        if here is not None and name in emitted_classes:
            made = _instrument(here, emitted_classes[name], cls, places)
            lines = [s for body in bodies(cls) for s in Body(body.program).statements]
            trace.left_out |= {s.layer for s in lines if s.value not in made}
    _recording(module, ast.unparse(ast.fix_missing_locations(tree)), places, trace)
    try:
        run(module, inputs, program.inputs, precision)
    except Exception:
        return trace
    return trace


def _written(program: Class) -> set[str]:
    """Return the names that classes of the program may have; all others are helpers."""
    wished = [cls.name for cls in program.classes()]
    return {*wished, *(f"{name}{k}" for name in wished for k in range(2, len(wished) + 2))}


def classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _method(cls: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    found = [n for n in cls.body if isinstance(n, ast.FunctionDef) and n.name == name]
    return found[0] if found else None


def _instrument(
    here: ast.ClassDef, emitted: ast.ClassDef, cls: Class, places: list[Place]
) -> set[str]:
    """Wrap the right sides of a class's lines in calls that record them; return the values."""
    recorded: set[str] = set()
    for body in bodies(cls):
        mine, theirs = _method(here, body.name), _method(emitted, body.name)
        if mine is not None and theirs is not None:
            recorded |= _instrument_method(here.name, mine, theirs, body.program, places)
    return recorded


def _instrument_method(
    name: str, mine: ast.FunctionDef, theirs: ast.FunctionDef, cls: Class, places: list[Place]
) -> set[str]:
    recorded: set[str] = set()
    for statement, made in _matched(mine.body, theirs.body, lines_of(theirs.body, cls), cls):
        value = getattr(statement, "value", None)
        if not isinstance(statement, ast.Assign | ast.Return) or value is None:
            continue
        call = ast.parse(f"{RECORD}(self, {len(places)}, None)", mode="eval").body
        assert isinstance(call, ast.Call)
        call.args[2] = value
        statement.value = call
        places.append(Place(name, made))
        recorded.update(made.values())
    return recorded


def lines_of(body: Sequence[ast.stmt], cls: Class) -> list[Made]:
    """Return the Keras values that each line makes of a `forward` as torchtwin writes it."""
    named = Body(cls)
    plain = [s for s in named.statements if not isinstance(s.expr, Part)]
    parts = [s for s in named.statements if isinstance(s.expr, Part)]
    result: list[Made] = []
    for line in body:
        made: Made = {}
        target = line.targets[0] if isinstance(line, ast.Assign) else None
        if isinstance(target, ast.Tuple):
            names = dict(_names(target, ()))
            made = {
                s.expr.path: s.value
                for s in parts[: len(names)]
                if isinstance(s.expr, Part) and names.get(s.expr.path) == named.name_of(s.value)
            }
            parts = [s for s in parts if s.value not in made.values()]
        elif plain and _makes(line, named.name_of(plain[0].value)):
            made = {(): plain.pop(0).value}
        result.append(made)
    return result


def _makes(line: ast.stmt, name: str) -> bool:
    """Tell whether a line assigns to `name`, or returns what it computes."""
    if isinstance(line, ast.Assign):
        return ast.unparse(line.targets[0]) == name
    return isinstance(line, ast.Return) and not isinstance(line.value, ast.Name | ast.Tuple)


def _names(target: ast.expr, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], str]]:
    if isinstance(target, ast.Tuple):
        for k, element in enumerate(target.elts):
            yield from _names(element, (*path, k))
    elif isinstance(target, ast.Name):
        yield path, target.id


def _matched(
    mine: list[ast.stmt], theirs: list[ast.stmt], made: Sequence[Made], cls: Class
) -> Iterator[tuple[ast.stmt, Made]]:
    """Yield the statements of a file with the Keras values that they make."""
    found: dict[int, Made] = {}
    a, b = [ast.unparse(s) for s in mine], [ast.unparse(s) for s in theirs]
    for tag, i, i2, j, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal" or (tag == "replace" and i2 - i == j2 - j):
            found |= {i + k: made[j + k] for k in range(i2 - i) if made[j + k]}
    by_submodule = _by_submodule(mine, cls)
    for k, statement in enumerate(mine):
        if k in found:
            yield statement, found[k]
        elif k in by_submodule and by_submodule[k] not in found.values():
            yield statement, by_submodule[k]


def _by_submodule(body: list[ast.stmt], cls: Class) -> dict[int, Made]:
    """Match statements that call a submodule with the values of its layer, in order."""
    values: dict[str, list[str]] = {}
    attributes = {sub.layer: sub.attribute for sub in cls.submodules}
    for statement in cls.statements:
        if statement.layer in attributes and statement.value.endswith(":0"):
            values.setdefault(attributes[statement.layer], []).append(statement.value)
    result: dict[int, Made] = {}
    for k, line in enumerate(body):
        called = [
            node.func.attr
            for node in ast.walk(line)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if isinstance(node.func.value, ast.Name) and node.func.value.id == "self"
        ]
        if len(called) == 1 and values.get(called[0]):
            result[k] = {(): values[called[0]].pop(0)}
    return result


def _recording(module: nn.Module, source: str, places: Sequence[Place], trace: Trace) -> None:
    """Give the modules of the recorded classes their recording `forward`."""
    namespace = executed(source, "model.py")
    paths = {id(m): path for path, m in module.named_modules()}

    def record(owner: nn.Module, place: int, result: Any) -> Any:
        trace.add(paths.get(id(owner), ""), places[place].made, result)
        return result

    namespace[RECORD] = record
    recorded = {place.class_name for place in places}
    for part in module.modules():
        name = type(part).__name__
        if name in recorded:
            for method in ("forward", LOGITS, WITH_MASKS):
                if function := getattr(namespace[name], method, None):
                    setattr(part, method, types.MethodType(function, part))
