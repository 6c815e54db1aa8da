"""How a model's inputs become the arguments of `call`."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.naming import literal_name
from torchtwin.translate.functional.program import Program, Refusal
from torchtwin.translate.functional.rewrite import Statement, expression, line, text, tupled
from torchtwin.translate.functional.slices import Found, Stretch
from torchtwin.translate.functional.values import INPUTS, LAYER
from torchtwin.translate.last_axis import axes_of
from torchtwin.translate.search import findall


@dataclass
class Arguments:
    """The argument of `call`, and the statements that take it apart."""

    name: str
    names: list[str]
    unpack: list[Statement] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    through: dict[str, str] = field(default_factory=dict)  # inputs by the models whose they are


def arguments(area: Stretch, found: Found) -> Arguments:
    """Return how the inputs of a model arrive in its `call`."""
    asked = _arriving(area, found)
    for name in asked.names:
        call = call_of(area.program, area, found, name)
        axes = axes_of(call, area.program.module, "shape") if call is not None else None
        if axes is not None:
            value = expression(f"{name} if {name}.ndim == {axes} else {name}[..., None]")
            asked.unpack.append(_assign([name], value))
    return asked


def _arriving(area: Stretch, found: Found) -> Arguments:
    node = found.inputs
    if isinstance(node, cst.Name) and (value := _definition(area, found, node.value)) is not None:
        parts = _parts(value)
        if parts and all(isinstance(p, cst.Name) for _, p in parts):
            return _several(area, found, value, node.value)
    if isinstance(node, cst.Name):
        return Arguments(node.value, [node.value], origins={node.value: "input_shape"})
    if (model := _model_input(area, found, node)) is not None:
        return Arguments("inputs", [], through={model: "inputs"})
    if isinstance(node, cst.List | cst.Tuple) and (through := _models_inputs(area, found, node)):
        names = list(through.values())
        return Arguments("inputs", [], [_assign(names, cst.Name("inputs"))], through=through)
    if isinstance(node, cst.List | cst.Tuple) and len(node.elements) == 1:
        only = node.elements[0].value
        if isinstance(only, cst.Name):
            return Arguments(only.value, [only.value], origins={only.value: "input_shape"})
    return _several(area, found, node, "inputs")


def _model_input(area: Stretch, found: Found, node: cst.BaseExpression) -> str | None:
    """Return the model of `model.input`."""
    if isinstance(node, cst.Attribute) and node.attr.value == "input":
        root, env = node.value, area.envs[found.index]
        if isinstance(root, cst.Name) and root.value in env and env[root.value].kind == LAYER:
            return root.value
    return None


def _models_inputs(
    area: Stretch, found: Found, node: cst.List | cst.Tuple
) -> dict[str, str] | None:
    """Return names for the inputs of `[image.input, text.input]`, by model."""
    models = [_model_input(area, found, element.value) for element in node.elements]
    known = [model for model in models if model is not None]
    if len(known) < len(models) or len(set(known)) < len(known):
        return None
    return {model: f"{model}_input" for model in known}


def _definition(area: Stretch, found: Found, name: str) -> cst.BaseExpression | None:
    """Return the container that a variable was last given, where it is written out."""
    for index in range(found.end - 1, -1, -1):
        statement = area.statements[index]
        if name in flow.written(statement):
            for node in findall(statement, m.Assign()):
                if isinstance(node.value, cst.List | cst.Tuple | cst.Dict):
                    return node.value
            return None
    return None


def _parts(node: cst.BaseExpression) -> list[tuple[str, cst.BaseExpression]]:
    """Return the parts of a list or dict with the text of their indices."""
    if isinstance(node, cst.List | cst.Tuple):
        return [(str(i), element.value) for i, element in enumerate(node.elements)]
    if isinstance(node, cst.Dict):
        return [
            (text(element.key), element.value)
            for element in node.elements
            if isinstance(element, cst.DictElement)
        ]
    return []


def _joined(area: Stretch, found: Found, node: cst.BaseExpression) -> cst.BaseExpression:
    """Return `[a] + states` as one list, where `states` is written out somewhere."""
    if isinstance(node, cst.Name):
        return _definition(area, found, node.value) or node
    if not isinstance(node, cst.BinaryOperation) or not isinstance(node.operator, cst.Add):
        return node
    sides = [_joined(area, found, side) for side in (node.left, node.right)]
    if not all(isinstance(side, cst.List | cst.Tuple) for side in sides):
        return node
    return cst.List([e for side in sides for e in side.elements])  # type: ignore[attr-defined]


def _several(area: Stretch, found: Found, node: cst.BaseExpression, argument: str) -> Arguments:
    node = _joined(area, found, node)
    parts = _parts(node)
    names = [part.value for _, part in parts if isinstance(part, cst.Name)]
    if not parts or len(names) != len(parts):
        raise Refusal(node, "the inputs of the model are not names of tensors")
    keys = _keys(area, found, names) if not isinstance(node, cst.Dict) else None
    if keys:
        parts = [
            (repr(key).replace("'", '"'), part) for key, (_, part) in zip(keys, parts, strict=True)
        ]
    if argument in names:
        argument = "model_inputs"
    origins = {name: f"input_shape[{key}]" for name, (key, _) in zip(names, parts, strict=True)}
    source = cst.Name(argument)
    if isinstance(node, cst.Dict) or keys:
        unpack = [
            _assign([name], expression(f"{argument}[{key}]"))
            for name, (key, _) in zip(names, parts, strict=True)
        ]
    else:
        unpack = [_assign(names, source)]
    return Arguments(argument, names, list(unpack), origins)


def _assign(names: list[str], value: cst.BaseExpression) -> cst.SimpleStatementLine:
    target = tupled(names)
    assert isinstance(target, cst.BaseAssignTargetExpression)
    return line(cst.Assign([cst.AssignTarget(target)], value))


def _keys(area: Stretch, found: Found, names: list[str]) -> list[str] | None:
    """Return the names of the inputs where the program gives data by them.

    A Functional model takes a dict by the names of its inputs even where it was made from a list
    (keras/src/models/functional.py, _standardize_inputs); a class has to say so itself.
    """
    calls = [call_of(area.program, area, found, name) for name in names]
    keys = [literal_name(call) if call is not None else None for call in calls]
    if None in keys:
        return None
    known = [key for key in keys if key is not None]
    return known if written_keys(area.program, set(known)) else None


def written_keys(program: Program, keys: set[str]) -> bool:
    """Whether a dict with these keys is written out somewhere in the program."""
    for node in findall(program.module, m.Dict()):
        found = {
            element.key.evaluated_value
            for element in node.elements
            if isinstance(element, cst.DictElement) and isinstance(element.key, cst.SimpleString)
        }
        if keys and keys <= found:
            return True
    return False


def call_of(program: Program, area: Stretch, found: Found, name: str) -> cst.Call | None:
    """Return the call of keras.Input that makes an input."""
    index = found.sources.get(name)
    if index is None:
        for back in range(found.end - 1, -1, -1):
            if name in flow.bound(area.statements[back]):
                index = back
                break
    if index is None:
        return None
    for node in findall(area.statements[index], m.Assign()):
        target, value = node.targets[0].target, node.value
        named = isinstance(target, cst.Name) and target.value == name
        if named and isinstance(value, cst.Call) and program.names.qualified(value.func) in INPUTS:
            return value
    return None
