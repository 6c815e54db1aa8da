"""Functional construction as classes: Keras source to Keras source.

A PyTorch model is a class that makes its layers in `__init__` and applies them in `forward`. Here
`keras.Model(inputs, outputs)` over symbolic tensors becomes such a class, still in Keras, and so
does a function that makes layers and applies them at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from torchtwin.translate.functional import builders
from torchtwin.translate.functional.areas import defined
from torchtwin.translate.functional.calls import stays_function, unusual_use, with_builders
from torchtwin.translate.functional.doubts import (
    counts_layers,
    is_functional,
    makes_layers_when_called,
)
from torchtwin.translate.functional.lift import with_lifted
from torchtwin.translate.functional.naming import class_name
from torchtwin.translate.functional.order import in_order
from torchtwin.translate.functional.places import Place
from torchtwin.translate.functional.program import Program, Refusal, surveyed
from torchtwin.translate.functional.regions import region
from torchtwin.translate.functional.resolver import Resolver
from torchtwin.translate.functional.rewrite import Statement
from torchtwin.translate.functional.sequential import with_lists
from torchtwin.translate.scopes import without_scopes


class Unresolved(NamedTuple):
    """A piece of program that was left as it is."""

    name: str
    line: int
    reason: str


@dataclass(frozen=True)
class Desugared:
    """A module without functional construction.

    The attributes of a class are in the order in which the Functional model keeps its weights;
    where they cannot be, `order` has the paths of the layers in that order, and the whole is
    `doubtful`, as it is where layers may be made at every call.
    `inputs` are the calls of keras.Input of each class made here, in the order of its inputs
    (None where it is not one call); `unresolved` is what was left as it is.
    """

    module: cst.Module
    unresolved: list[Unresolved] = field(default_factory=list)
    inputs: dict[str, list[cst.Call | None]] = field(default_factory=dict)
    order: dict[str, list[str]] = field(default_factory=dict)
    functional: bool = False  # models are made of tensors
    doubtful: bool = False


def desugared(module: cst.Module) -> Desugared:
    """Return a module with its functional models, and what builds parts of them, as classes."""
    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    positions = wrapper.resolve(PositionProvider)
    names, original_module = Resolver(module), module
    module = with_lists(without_scopes(module, names), names)
    module = with_lifted(surveyed(Program(module, names)))
    program = surveyed(Program(module, names))
    refused: list[Refusal] = []
    classes = _builders(program, refused)
    statements: list[Statement] = []
    inputs: dict[str, list[cst.Call | None]] = {}
    for original in module.body:
        name = original.name.value if isinstance(original, cst.FunctionDef) else ""
        if name in classes:
            statements += classes[name]
            continue
        statement = with_builders(program, original)
        if isinstance(statement, cst.FunctionDef | cst.ClassDef):
            done = defined(program, statement)
            statements += [*done.classes, *done.statements]
            refused += done.refused
            inputs |= done.inputs
        else:
            statements.append(statement)
    done = region(program, statements, {}, Place())
    changed = module.with_changes(body=_imported(program, done.statements))
    refused += done.refused
    inputs |= done.inputs
    unresolved = [_unresolved(refusal, positions) for refusal in refused]
    unresolved = sorted(set(unresolved), key=lambda each: each.line)
    found = _ordered(program, changed, inputs)
    functional = is_functional(program, original_module)
    return replace(found, unresolved=unresolved, functional=functional)


def _ordered(
    program: Program, changed: cst.Module, inputs: dict[str, list[cst.Call | None]]
) -> Desugared:
    """Return a changed module with the layers of its new classes in the original's order."""
    defined_now = {s.name.value for s in changed.body if isinstance(s, cst.ClassDef)}
    made = [b.name for b in program.builders.values()]
    made += [name for _, name in program.blocks.values()]
    parts = [name for name in made if name in defined_now]
    ordered = in_order(program, changed, list(inputs), parts)
    doubtful = bool(ordered.paths) or counts_layers(program)
    doubtful = doubtful or makes_layers_when_called(program, ordered.module, [*inputs, *parts])
    return Desugared(ordered.module, [], inputs, ordered.paths, doubtful=doubtful)


def _builders(program: Program, refused: list[Refusal]) -> dict[str, list[Statement]]:
    """Return the classes of the functions that build; one that cannot be takes its users along."""
    for name, builder in list(program.builders.items()):
        if stays_function(program, builder):
            del program.builders[name]
            continue
        if (problem := unusual_use(program, builder)) is not None:
            refused.append(problem)
            del program.builders[name]
            continue
        builder.name = program.fresh_class(class_name(name))
        program.layer_classes.add(builder.name)
    program.converting = True
    while True:
        classes: dict[str, list[Statement]] = {}
        failed = None
        for name, builder in program.builders.items():
            try:
                classes[name] = builders.converted(program, builder)
            except Refusal as refusal:
                refused.append(refusal)
                failed = name
                break
        if failed is None:
            for name in classes:
                del program.functions[name]
            return classes
        del program.builders[failed]
        program.blocks.clear()


def _imported(program: Program, statements: list[Statement]) -> list[Statement]:
    """Return a module's statements with the imports that new classes need."""
    if not program.imports:
        return statements
    index = 0
    while index < len(statements) and _before_imports(statements[index]):
        index += 1
    added = [cst.parse_statement(text) for text in program.imports]
    return [*statements[:index], *added, *statements[index:]]


def _before_imports(statement: Statement) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    first = statement.body[0]
    if isinstance(first, cst.ImportFrom):
        return isinstance(first.module, cst.Name) and first.module.value == "__future__"
    return isinstance(first, cst.Expr) and isinstance(first.value, cst.SimpleString)


def _unresolved(refusal: Refusal, positions: object) -> Unresolved:
    """Return a refusal with the line at which it stands in the program."""
    line, stack = 0, [refusal.node]
    while stack:
        node = stack.pop(0)
        if node in positions:  # type: ignore[operator]
            line = positions[node].start.line  # type: ignore[index]
            break
        stack += node.children
    return Unresolved(_label(refusal.node), line, refusal.reason)


def _label(node: cst.CSTNode) -> str:
    if isinstance(node, cst.FunctionDef | cst.ClassDef):
        return node.name.value
    if isinstance(node, cst.Call):
        return cst.Module([]).code_for_node(node.func)
    text = cst.Module([]).code_for_node(node).strip()
    lines = [each for each in text.splitlines() if not each.lstrip().startswith("#")]
    return lines[0].strip() if lines else text
