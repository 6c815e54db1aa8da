"""Models of tensors inside others: `keras.Model(model.input, model.get_layer("x").output)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional import flow
from torchtwin.translate.functional.naming import literal_name
from torchtwin.translate.functional.program import Refusal
from torchtwin.translate.functional.rewrite import Statement
from torchtwin.translate.functional.slices import Found, Stretch
from torchtwin.translate.search import findall


def located(area: Stretch, found: Found) -> None:
    """Name the tensors that a model takes from inside an earlier one, and where they are made."""
    visitor = _Located(area, found)
    inputs: Any = found.inputs.visit(visitor)
    outputs: Any = found.outputs.visit(visitor)
    if not visitor.ends:
        return
    found.inputs, found.outputs = inputs, outputs
    found.end = max(visitor.ends.values())
    for name, index in visitor.ends.items():
        if any(name in flow.bound(s) for s in area.statements[index : found.end]):
            raise Refusal(found.statement, f"{name} is another tensor by then")


def check_loops(found: Found, nodes: Sequence[cst.CSTNode]) -> None:
    """Refuse tensors of layers that a loop goes over: `[layer.output for layer in model.layers]`.

    Which layers these are, and where their tensors are made, only the graph itself can tell.
    """
    for node in (found.outputs, *nodes):
        loops: Any = findall(node, m.CompFor(target=m.Name()) | m.For(target=m.Name()))
        for loop in loops:
            of_layer = m.Attribute(m.Name(loop.target.value), m.Name("output"))
            if findall(node, of_layer):
                raise Refusal(found.statement, "the outputs of layers are collected in a loop")


class _Located(cst.CSTTransformer):
    def __init__(self, area: Stretch, found: Found) -> None:
        super().__init__()
        self.area = area
        self.models = {f.variable: f for f in area.models if f.index < found.index and f.variable}
        self.ends: dict[str, int] = {}

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        value, name = original_node.value, original_node.attr.value
        if isinstance(value, cst.Name) and (model := self.models.get(value.value)) is not None:
            if name in {"input", "inputs"}:
                return model.inputs
            if name == "output" and isinstance(model.outputs, cst.Name):
                self.ends[model.outputs.value] = model.index
                return model.outputs
        if name == "output" and (place := self._layer(value)) is not None:
            self.ends[place[0]] = place[1]
            return cst.Name(place[0])
        return updated_node

    def _layer(self, node: cst.BaseExpression) -> tuple[str, int] | None:
        """Return the variable of what `model.get_layer("name")` gives, and behind which line."""
        get = m.Attribute(m.Name(), m.Name("get_layer"))
        if not m.matches(node, m.Call(func=get, args=[m.Arg(m.SimpleString())])):
            return None
        assert isinstance(node, cst.Call)
        assert isinstance(node.func, cst.Attribute)
        assert isinstance(node.func.value, cst.Name)
        model = self.models.get(node.func.value.value)
        text = node.args[0].value
        assert isinstance(text, cst.SimpleString)
        for index in model.members if model is not None else ():
            made = named(self.area.statements[index])
            if made is not None and made[1] == text.evaluated_value:
                return made[0], index + 1
        return None


def named(statement: Statement) -> tuple[str, str] | None:
    """Return the variable and the name of a layer that a statement makes and applies."""
    applied = m.Assign([m.AssignTarget(m.Name())], m.Call(func=m.Call()))
    if not m.matches(statement, m.SimpleStatementLine([applied])):
        return None
    assert isinstance(statement, cst.SimpleStatementLine)
    small = statement.body[0]
    assert isinstance(small, cst.Assign)
    assert isinstance(small.targets[0].target, cst.Name)
    assert isinstance(small.value, cst.Call)
    assert isinstance(small.value.func, cst.Call)
    name = literal_name(small.value.func)
    return (small.targets[0].target.value, name) if name is not None else None
