"""Sizes that layers take from tensors: known beforehand where the tensor is an input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import libcst as cst

from torchtwin.translate.functional.rewrite import expression
from torchtwin.translate.functional.values import SHAPE, TENSOR, Value

if TYPE_CHECKING:
    from torchtwin.translate.functional.making import Maker
    from torchtwin.translate.functional.program import Program

UNITS = {"Dense": "units", "LSTM": "units", "GRU": "units", "SimpleRNN": "units"}
UNITS |= {"Embedding": "output_dim", "EinsumDense": ""}
FILTERS: tuple[str, ...] = ("Conv1D", "Conv2D", "Conv3D", "SeparableConv1D", "SeparableConv2D")
FILTERS += ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
SAME = {"Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Dropout", "Identity"}
SAME |= {"BatchNormalization", "LayerNormalization", "GroupNormalization", "SpatialDropout1D"}
SAME |= {"SpatialDropout2D", "GaussianNoise", "UnitNormalization", "MaxPooling1D", "MaxPooling2D"}
SAME |= {"AveragePooling1D", "AveragePooling2D", "UpSampling1D", "UpSampling2D", "ZeroPadding1D"}
SAME |= {"ZeroPadding2D", "MaxPool1D", "MaxPool2D", "AlphaDropout", "Add", "Multiply", "Average"}


def last_axis(
    program: Program, node: cst.BaseExpression, env: Mapping[str, Value]
) -> cst.BaseExpression | None:
    """Return the size of a tensor's last axis where its layer's arguments tell it."""
    if isinstance(node, cst.Name):
        return env[node.value].last if node.value in env else None
    if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Call) or not node.args:
        return None
    name = (program.names.qualified(node.func.func) or "").rpartition(".")[2]
    if name in SAME:
        given = node.args[0].value
        if isinstance(given, cst.List | cst.Tuple) and given.elements:
            given = given.elements[0].value
        return last_axis(program, given, env)
    wanted = UNITS.get(name, "filters" if name in FILTERS else "")
    if not wanted:
        return None
    for index, arg in enumerate(node.func.args):
        named = arg.keyword is not None and arg.keyword.value == wanted
        if named or (index == (1 if name == "Embedding" else 0) and arg.keyword is None):
            simple = isinstance(arg.value, cst.Integer | cst.Name)
            return arg.value if simple else None
    return None


class _Shapes(cst.CSTTransformer):
    def __init__(self, splitter: Maker) -> None:
        super().__init__()
        self.splitter, self.known = splitter, True
        self.builds: list[str] = []

    def _origin(self, node: cst.BaseExpression) -> cst.BaseExpression | None:
        if not isinstance(node, cst.Name):
            return None
        value = self.splitter.env.get(node.value)
        if value is None or value.origin is None:
            return None
        self.builds.append(value.origin)
        return expression(value.origin)

    def leave_Comparison(
        self, original_node: cst.Comparison, updated_node: cst.Comparison
    ) -> cst.BaseExpression:
        """`skip is not None` is told to the class by a parameter."""
        name = original_node.left.value if isinstance(original_node.left, cst.Name) else ""
        target = original_node.comparisons[0]
        value = self.splitter.env.get(name)
        if name not in self.splitter.flags or value is None or value.origin is None:
            return updated_node
        flag = cst.Name(self.splitter.flags[name])
        if isinstance(target.operator, cst.IsNot):
            return flag
        return cst.UnaryOperation(cst.Not(), flag)

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        """`x.shape` of an input is the shape that `build` is given."""
        if original_node.attr.value == "shape":
            return self._origin(original_node.value) or updated_node
        return updated_node

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        """`int_shape(x)` and `len(x.shape)` likewise."""
        name = self.splitter.program.names.qualified(original_node.func) or ""
        if isinstance(original_node.func, cst.Name) and original_node.func.value == "len":
            only = original_node.args[0].value
            known = self.splitter.along(only.value) if isinstance(only, cst.Name) else None
            if known is not None:
                return updated_node.with_changes(args=[cst.Arg(expression(known.source))])
        if name == "keras.backend.int_shape":
            return self._origin(original_node.args[0].value) or updated_node
        return updated_node

    def leave_Subscript(
        self, original_node: cst.Subscript, updated_node: cst.Subscript
    ) -> cst.BaseExpression:
        """`x.shape[-1]` of a layer's result is often one of the layer's arguments."""
        value = original_node.value
        if not isinstance(value, cst.Attribute) or value.attr.value != "shape":
            return updated_node
        name = value.value.value if isinstance(value.value, cst.Name) else ""
        found = self.splitter.env.get(name)
        index = cst.Module([]).code_for_node(original_node.slice[0])
        if found is None or found.last is None or index != "-1" or len(original_node.slice) != 1:
            return updated_node
        return found.last


def without_tensors(splitter: Maker, node: cst.BaseExpression) -> cst.BaseExpression | None:
    """Return an expression with shapes of inputs for tensors, None where others are read."""
    kind = splitter.program.kinds.of(node, splitter.env)
    if kind not in {SHAPE, TENSOR} and not _reads_shape(splitter, node):
        return node
    visitor = _Shapes(splitter)
    changed = node.visit(visitor)
    assert isinstance(changed, cst.BaseExpression)
    if _reads_shape(splitter, changed):
        return None
    splitter.builds += visitor.builds
    return changed


def _reads_shape(splitter: Maker, node: cst.BaseExpression) -> bool:
    from torchtwin.translate.functional import flow

    return any(splitter.kind_of_name(name) in {SHAPE, TENSOR} for name in flow.reads(node))
