"""Layers that a program looks at one by one: `model.layers[1]`, `for layer in model.layers`."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import libcst as cst
import libcst.matchers as m

from torchtwin.errors import UnsupportedError
from torchtwin.translate.search import findall

if TYPE_CHECKING:
    from torchtwin.translate.program import Program
    from torchtwin.translate.rewriter import Rewriter

LAYERS = m.Attribute(value=~m.Name("self"), attr=m.Name("layers"))
GETTING = m.Call(func=m.Attribute(attr=m.Name("get_layer")))


def looks_at_layers(program: Program) -> bool:
    """Tell whether a program looks at the layers of models: each has to be one module."""
    found: Any = [*lists_of(program.module), *findall(program.module, GETTING)]
    return any(program.names.of(getattr(node, "func", node)) is None for node in found)


def lists_of(module: cst.Module) -> list[cst.Attribute]:
    """Return the attributes `layers` of a program, but for those of its imports and of `self`."""
    finder = _Lists()
    module.visit(finder)
    return finder.found


class _Lists(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[cst.Attribute] = []

    def visit_Import(self, node: cst.Import) -> bool:  # noqa: N802, ARG002
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:  # noqa: N802, ARG002
        return False

    def visit_Attribute(self, node: cst.Attribute) -> None:  # noqa: N802
        if m.matches(node, LAYERS):
            self.found.append(node)


def check_names(program: Program, node: cst.Comparison) -> None:
    """Refuse a look into the names of layers: those that Keras makes up are not known."""
    for part in node.comparisons:
        name = part.comparator
        inside = isinstance(part.operator, cst.In | cst.NotIn) and m.matches(
            name, m.Attribute(attr=m.Name("name"))
        )
        if inside and is_looked_at(program, cst.ensure_type(name, cst.Attribute).value):
            raise UnsupportedError(
                "the names that Keras gives to layers are not known here",
                hint="compare the types of the modules",
            )


def is_trainable(rewriter: Rewriter, node: cst.Attribute) -> bool:
    """Tell whether `layer.trainable` is read, which modules have where it was set."""
    read = not isinstance(rewriter.parent, cst.AssignTarget)
    named = node.attr.value == "trainable"
    return named and read and is_looked_at(rewriter.program, node.value)


def is_list_of_trained(rewriter: Rewriter, node: cst.Attribute) -> bool:
    """Tell whether a program looks at the weights of a model that are trained."""
    named = node.attr.value in ("trainable_variables", "trainable_weights")
    kind = rewriter.program.kinds.of(node.value).what
    return named and rewriter.program.trains and not rewriter.cls and kind in ("module", "unknown")


def is_looked_at(program: Program, node: cst.BaseExpression) -> bool:
    """Tell whether an expression is one of the layers of a model: `model.layers[1]`."""
    if m.matches(node, GETTING | m.Subscript(value=LAYERS)):
        return True
    return isinstance(node, cst.Name) and node.value in _looped_over(program.module)


@lru_cache(maxsize=1)  # asked for every attribute of a program
def _looped_over(module: cst.Module) -> frozenset[str]:
    """Return the names that loops over the layers of models give them."""
    loops: Any = findall(module, m.For() | m.CompFor())
    found: list[Any] = []
    for target in [loop.target for loop in loops if findall(loop.iter, LAYERS)]:
        tuples = isinstance(target, cst.Tuple)
        found += [element.value for element in target.elements] if tuples else [target]
    return frozenset(name.value for name in found if isinstance(name, cst.Name))
