"""`self.add_weight(...)` -> nn.Parameter."""

from __future__ import annotations

from typing import Any

import libcst as cst
import libcst.matchers as m
import torch
from torch import nn

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Source, call
from torchtwin.nn.penalties import constrained, penalized
from torchtwin.translate.bounds import constraint, penalty
from torchtwin.translate.initial import initial_tensor
from torchtwin.translate.program import Program
from torchtwin.translate.values import plain, text_of

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
    program.bounds[original] = {
        penalized: penalty(given.get("regularizer")),
        constrained: constraint(given.get("constraint")),
    }
    unknown = set(given) - set(ORDER) - SILENT
    if unknown:
        raise UnsupportedError(f"add_weight({', '.join(sorted(unknown))}=...) is not translated")
    shape = given.get("shape")
    value = initial_tensor(
        given.get("initializer"), () if shape is None else shape, given.get("dtype") or "float32"
    )
    return parameter(value, given.get("trainable", True))


def parameter(value: Any, trainable: Any) -> Expr:
    """Return nn.Parameter(value); one that is not trained gets no gradient."""
    if trainable is True or trainable is None:
        return call(nn.Parameter, value)
    return call(nn.Parameter, value, requires_grad=trainable)


def variable(program: Program, original: cst.Call, updated: cst.Call) -> Expr:
    """Return what tf.Variable(value) or keras.Variable(value) becomes in a module."""
    order = ["initializer", "shape", "dtype", "trainable", "name"]
    if (program.names.of(original.func) or "").startswith("tf."):
        order = ["initial_value", "trainable", "validate_shape", "caching_device", "name", "dtype"]
    given = program.values.bound(original, updated, order)
    if given is None:
        raise UnsupportedError(f"{text_of(original.func)}(*...) is not translated")
    value = given.get("initial_value", given.get("initializer"))
    if given.get("shape") is not None:
        value = initial_tensor(value, given["shape"], given.get("dtype") or "float32")
    elif not isinstance(value, Expr):
        value = call(torch.tensor, value)
    return parameter(value, given.get("trainable", True))


def bounds(program: Program, node: cst.Assign) -> list[cst.BaseStatement]:
    """Return the statements behind one that makes weights: how they are penalised and bounded."""
    target = node.targets[0].target
    alone = isinstance(target, cst.Attribute) and text_of(target.value) == "self"
    found: list[cst.BaseStatement] = []
    for made in m.findall(node.value, m.Call()):
        for function, given in program.bounds.pop(made, {}).items():
            if given is None:
                continue
            if made is not node.value or not alone:
                raise UnsupportedError("add_weight with a regularizer or a constraint in a list")
            name = cst.ensure_type(target, cst.Attribute).attr.value
            text = program.text(call(function, Source("self"), **{name: given}))
            found.append(cst.parse_statement(text))
    return found
