"""The names of a model's outputs, under which losses and metrics are given and logged.

A Functional model has them of itself: those of the layers that make the outputs
(keras/src/models/functional.py).
"""

from __future__ import annotations

import json

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional.inputs import written_keys
from torchtwin.translate.functional.naming import literal_name
from torchtwin.translate.functional.rewrite import Statement, assign, expression
from torchtwin.translate.functional.slices import Found, Stretch
from torchtwin.translate.search import findall


def output_names(area: Stretch, found: Found) -> list[Statement]:
    """Keep the names of several outputs where the program uses them, or trains."""
    if not isinstance(found.outputs, cst.List | cst.Tuple) or len(found.outputs.elements) < 2:
        return []
    made: dict[str, cst.Call] = {}
    for statement in area.statements[: found.index]:
        made |= _assigned(statement)
    names = [_name(element.value, made) for element in found.outputs.elements]
    known = [name for name in names if name is not None]
    if len(known) < len(names):
        return []
    compiles = findall(area.program.module, m.Attribute(attr=m.Name("compile")))
    if not compiles and not written_keys(area.program, set(known)):
        return []
    listed = ", ".join(map(json.dumps, known))
    return [assign("self.output_names", expression(f"[{listed}]"))]


def _name(node: cst.BaseExpression, made: dict[str, cst.Call]) -> str | None:
    """Return the name of the layer that a tensor comes from."""
    call = made.get(node.value) if isinstance(node, cst.Name) else node
    if not isinstance(call, cst.Call):
        return None
    layer = made.get(call.func.value) if isinstance(call.func, cst.Name) else call.func
    return literal_name(layer) if isinstance(layer, cst.Call) else None


def _assigned(statement: Statement) -> dict[str, cst.Call]:
    """Return the call that a statement assigns to a variable."""
    matched = m.extract(
        statement,
        m.SimpleStatementLine(
            [m.Assign([m.AssignTarget(m.SaveMatchedNode(m.Name(), "name"))],
                      m.SaveMatchedNode(m.Call(), "call"))]
        ),
    )  # fmt: skip
    if matched is None:
        return {}
    name, call = matched["name"], matched["call"]
    assert isinstance(name, cst.Name)
    assert isinstance(call, cst.Call)
    return {name.value: call}
