"""Statements that build: `super().build(shape)`, `self.dense.build(shape)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst
import libcst.matchers as m

from torchtwin.expr import Call
from torchtwin.nn.kernel_of import build_now
from torchtwin.nn.lazy import LazyModule
from torchtwin.translate import attributes, methods
from torchtwin.translate.builtin import base_class
from torchtwin.translate.search import findall
from torchtwin.translate.values import source_of, text_of

if TYPE_CHECKING:
    from torchtwin.translate.rewriter import Rewriter


def is_build(node: cst.BaseExpression) -> bool:
    """Tell whether an expression is a call of a method `build`."""
    return (
        isinstance(node, cst.Call)
        and isinstance(node.func, cst.Attribute)
        and node.func.attr.value == "build"
    )


def building(rewriter: Rewriter, node: Any, updated: Any) -> Any:
    """Return what becomes of a statement that only builds, as a first call does by itself."""
    owner = node.func.value
    if isinstance(owner, cst.Call) and text_of(owner.func) == "super":
        return updated if builds(rewriter) else cst.RemoveFromParent()
    if rewriter.program.kinds.of(owner).what != "module":
        return updated
    built = _built_now(rewriter, node, updated)
    if built is not None:
        return updated.with_changes(body=[cst.Expr(built)])
    if len(rewriter.path) > 1 and isinstance(rewriter.path[-2], cst.FunctionDef):
        return cst.RemoveFromParent()
    return updated.with_changes(body=[cst.Pass()])


def asks_shape(rewriter: Rewriter, node: cst.Assign) -> bool:
    """Tell whether a statement keeps the shape behind a layer, of which only `build` is told."""
    value = node.value
    if not isinstance(value, cst.Call) or not m.matches(value.func, m.Attribute(attr=ASKED)):
        return False
    cls = rewriter.inside(cst.ClassDef)
    place = text_of(node.targets[0].target)
    told = {id(n) for call in findall(cls, TOLD) for a in cst.ensure_type(call, cst.Call).args
            for n in _named(a.value, place)}  # fmt: skip
    told |= {id(n) for method in findall(cls, m.FunctionDef(name=ASKED))
             for n in _named(method, place)}  # fmt: skip
    told |= {id(cst.ensure_type(t, cst.AssignTarget).target)
             for t in findall(cls, m.AssignTarget())}  # fmt: skip
    return all(id(n) in told for n in _named(cls, place))


ASKED = m.Name("compute_output_shape")
TOLD = m.Call(func=m.Attribute(attr=m.OneOf(m.Name("build"), ASKED)))


def _named(node: cst.CSTNode, place: str) -> list[cst.CSTNode]:
    return [n for n in findall(node, m.OneOf(m.Name(), m.Attribute())) if text_of(n) == place]


def builds(rewriter: Rewriter) -> bool:
    """Tell whether what the current class comes from makes weights in a `build` of its own."""
    inventory = rewriter.program.inventory
    above = [c for c in inventory.bases(rewriter.cls) if c != rewriter.cls]
    if any(inventory.method(c, "build") is not None for c in above if c in inventory.classes):
        return True
    root = inventory.root(rewriter.cls)
    if root in methods.PLAIN_BASES:
        return False
    return getattr(base_class(root), "build", LazyModule.build) is not LazyModule.build


def _built_now(rewriter: Rewriter, node: Any, updated: Any) -> cst.BaseExpression | None:
    """Where weights of a layer are used in the same method, it has to make them there."""
    kind = rewriter.program.kinds.of(node.func.value)
    made = updated.body[0].value
    whole = len(made.args) == 1 and isinstance(made.func, cst.Attribute)
    if not kind.of.startswith("keras.layers.") or not whole:
        return None
    owner, method = text_of(node.func.value), rewriter.inside(cst.FunctionDef)
    if not any(f"{owner}.{weight}" in text_of(method) for weight in attributes.TIED):
        return None
    arguments = source_of(made.func.value), source_of(made.args[0].value)
    return rewriter.program.node(Call(build_now, arguments, {}))
