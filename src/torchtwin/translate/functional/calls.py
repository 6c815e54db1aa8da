"""Calls of functions that build: the layer that they become is made, and applied."""

from __future__ import annotations

from typing import TypeVar, cast

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional.program import Builder, Program, Refusal
from torchtwin.translate.functional.rewrite import text
from torchtwin.translate.functional.values import placed
from torchtwin.translate.search import findall

Node = TypeVar("Node", bound=cst.CSTNode)


class _Calls(cst.CSTTransformer):
    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        """`residual(x, 64)` is `Residual(64)(x)`."""
        func = original_node.func
        builder = self.program.builders.get(func.value) if isinstance(func, cst.Name) else None
        if builder is None:
            return updated_node
        names = [p.name.value for p in builder.function.params.params]
        static: list[cst.Arg] = []
        tensors: list[cst.Arg] = []
        for index, arg in enumerate(updated_node.args):
            key = arg.keyword.value if arg.keyword else names[index]
            arg = arg.with_changes(comma=cst.MaybeSentinel.DEFAULT)
            (tensors if key in builder.tensors else static).append(arg)
        equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
        for key, arg in placed(builder.function, updated_node).items():
            if key in builder.optional and not m.matches(arg.value, m.Name("None")):
                static.append(cst.Arg(cst.Name("True"), cst.Name(builder.flag(key)), equal))
        made = cst.Call(cst.Name(builder.name), static)
        return updated_node.with_changes(func=made, args=tensors)


def with_builders(program: Program, node: Node) -> Node:
    """Return a statement with the calls of functions that build replaced."""
    return cast(Node, node.visit(_Calls(program)))


def _uses(module: cst.Module, name: str) -> list[cst.CSTNode]:
    """Return where a name stands for itself: not `self.name`, nor the keyword of an argument."""
    attributes = [node.attr for node in findall(module, m.Attribute(attr=m.Name(name)))]
    keywords = [node.keyword for node in findall(module, m.Arg(keyword=m.Name(name)))]
    other = {id(node) for node in attributes + keywords}
    return [node for node in findall(module, m.Name(name)) if id(node) not in other]


WEIGHTLESS = frozenset({
    "ReLU", "LeakyReLU", "ELU", "Softmax", "Activation", "Identity", "Reshape", "Permute",
    "Flatten", "RepeatVector", "Rescaling", "Add", "Subtract", "Multiply", "Average", "Maximum",
    "Minimum", "Concatenate", "Dot", "UnitNormalization",
})  # fmt: skip
"""Layers that hold nothing, and do the same in training: they may be made at every call."""


def stays_function(program: Program, builder: Builder) -> bool:
    """Tell whether a function that applies layers is handed around, and none of them has weights.

    `activation=hard_swish`, where hard_swish is `x * layers.ReLU(6.0)(x + 3.0) / 6.0`.
    """
    name = builder.function.name.value
    calls = findall(program.module, m.Call(func=m.Name(name)))
    if len(_uses(program.module, name)) == len(calls) + 1:
        return False
    for call in findall(builder.function.body, m.Call()):
        func = cst.ensure_type(call, cst.Call).func
        known = program.names.qualified(func) or ""
        home, _, last = known.rpartition(".")
        if isinstance(func, cst.Name) and func.value in program.builders:
            return False
        if home == "keras.layers" and last[:1].isupper() and last not in WEIGHTLESS:
            return False
    return True


def unusual_use(program: Program, builder: Builder) -> Refusal | None:
    """Return why a function that builds cannot become a class, by how it is used."""
    function = builder.function
    own = {p.name.value for p in function.params.params}
    uses = _uses(program.module, function.name.value)
    calls = findall(program.module, m.Call(func=m.Name(function.name.value)))
    if len(uses) != len(calls) + 1:
        return Refusal(function, "a function that applies layers is used otherwise than by calls")
    for call in calls:
        assert isinstance(call, cst.Call)
        keys = {a.keyword.value for a in call.args if a.keyword}
        if any(arg.star for arg in call.args) or not keys <= own:
            return Refusal(call, "a function that applies layers is given arguments by stars")
        for name, arg in placed(function, call).items():
            maybe = m.Assign([m.AssignTarget(m.Name(text(arg.value)))], m.Name("None"))
            if name in builder.optional and findall(program.module, maybe):
                return Refusal(call, f"whether {name} is None is not known")
        if not set(placed(function, call)) & builder.tensors:
            return Refusal(call, "a function that applies layers is called without a tensor")
    return None
