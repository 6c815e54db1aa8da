"""`self.add_weight(...)` -> nn.Parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import libcst as cst
import libcst.matchers as m
from torch import nn

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Source, call
from torchtwin.nn.penalties import BoundedParameter, constrained, penalized
from torchtwin.translate.bounds import constraint, penalty
from torchtwin.translate.initial import initial_tensor
from torchtwin.translate.program import Program
from torchtwin.translate.search import findall
from torchtwin.translate.values import plain

ORDER = ["shape", "initializer", "dtype", "trainable", "autocast", "regularizer", "constraint",
         "aggregation", "overwrite_with_gradient", "name"]  # fmt: skip
"""keras/src/layers/layer.py, add_weight."""
OLD_ORDER = ["name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint"]
"""tf_keras/src/engine/base_layer.py, add_weight."""
SILENT = frozenset({"name", "autocast", "aggregation", "synchronization", "use_resource"})


def weight(program: Program, original: cst.Call, updated: cst.Call) -> Expr:
    """Return the parameter that a call of add_weight makes, with its initial values.

    Keras 3 has the shape first, tf.keras the name.
    """
    first = original.args[0] if original.args else None
    named = (
        first is not None and first.keyword is None and isinstance(first.value, cst.SimpleString)
    )
    given = program.values.bound(original, updated, OLD_ORDER if named else ORDER)
    given = plain(given)
    if given is None:
        raise UnsupportedError("add_weight(*...) is not translated", hint="name the arguments")
    limits = [penalty(given.get("regularizer")), constraint(given.get("constraint"))]
    unknown = set(given) - set(ORDER) - SILENT
    if unknown:
        raise UnsupportedError(f"add_weight({', '.join(sorted(unknown))}=...) is not translated")
    shape = given.get("shape")
    value = initial_tensor(
        given.get("initializer"), () if shape is None else shape, given.get("dtype") or "float32"
    )
    if any(limit is not None for limit in limits) and not _alone(program, original):
        named_limits = {"penalty": limits[0], "constraint": limits[1]}
        return parameter(value, given.get("trainable", True), named_limits)
    program.bounds[original] = dict(zip((penalized, constrained), limits, strict=True))
    return parameter(value, given.get("trainable", True))


def _alone(program: Program, node: cst.Call) -> bool:
    """Tell whether a call is all that is assigned to an attribute of `self`."""
    target = m.AssignTarget(m.Attribute(value=m.Name("self")))
    assigned = findall(program.module, m.Assign(targets=[target]))
    return any(cst.ensure_type(each, cst.Assign).value is node for each in assigned)


def parameter(value: Any, trainable: Any, limits: Mapping[str, Any] | None = None) -> Expr:
    """Return nn.Parameter(value); one that is not trained gets no gradient."""
    options = {k: v for k, v in (limits or {}).items() if v is not None}
    kind = BoundedParameter if options else nn.Parameter
    if trainable is not True and trainable is not None:
        options["requires_grad"] = trainable
    return call(kind, value, **options)


def bounds(program: Program, node: cst.Assign) -> list[cst.BaseStatement]:
    """Return the statements behind one that makes weights: how they are penalised and bounded."""
    target = node.targets[0].target
    found: list[cst.BaseStatement] = []
    for function, given in program.bounds.pop(node.value, {}).items():
        if given is not None:
            name = cst.ensure_type(target, cst.Attribute).attr.value
            text = program.text(call(function, Source("self"), **{name: given}))
            found.append(cst.parse_statement(text))
    return found
