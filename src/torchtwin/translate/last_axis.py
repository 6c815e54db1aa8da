"""Inputs that may come without their last axis, where its length is one.

A model of Keras takes images of (28, 28) for an input of (28, 28, 1), and numbers for one of (1,):
keras/src/models/functional.py, _adjust_input_rank. A module has to do that itself.
"""

from __future__ import annotations

from functools import lru_cache

import libcst as cst

from torchtwin.translate.array_axes import given_axes
from torchtwin.translate.values import text_of

_SHAPES = {"shape": 0, "input_shape": 0, "batch_shape": 1, "batch_input_shape": 1}
"""Arguments that say how large an input is, and how many of their lengths are no sample's."""


def axes_of(call: cst.BaseExpression, module: cst.Module, first: str = "") -> int | None:
    """Return the number of axes of an input that may lack the last one, None for any other.

    `call` makes the input, or is the first layer; `first` is the name of its argument without
    one. Where all arrays of the program have other numbers of axes, none lacks it.
    """
    constants = _constants(module)
    for k, arg in enumerate(call.args if isinstance(call, cst.Call) else ()):
        key = arg.keyword.value if arg.keyword else (first if k == 0 else "")
        if key == "input_dim" and not text_of(call.func).endswith("Embedding"):  # type: ignore[attr-defined]
            lengths: list[cst.BaseExpression] = [cst.Integer("1"), arg.value]
        elif key in _SHAPES:
            lengths = _lengths(arg.value, constants)
            lengths = lengths if _SHAPES[key] else [cst.Integer("1"), *lengths]
        else:
            continue
        return _lacking(lengths, module, constants) if len(lengths) > 1 else None
    return None


def _lacking(
    lengths: list[cst.BaseExpression], module: cst.Module, constants: dict[str, cst.BaseExpression]
) -> int | None:
    """Return how many lengths there are, where the last is one and arrays may lack it."""
    axes, last = len(lengths), _meant(lengths[-1], constants)
    if (isinstance(last, cst.Integer) and last.evaluated_value != 1) or text_of(last) == "None":
        return None
    given = given_axes(module)
    unknown = None in given and isinstance(last, cst.Integer)
    return axes if unknown or axes - 1 in given else None


def _lengths(
    shape: cst.BaseExpression, constants: dict[str, cst.BaseExpression]
) -> list[cst.BaseExpression]:
    """Return the lengths of a shape that is written out, none for any other."""
    shape = _meant(shape, constants)
    if not isinstance(shape, cst.Tuple | cst.List):
        return []
    starred = any(isinstance(part, cst.StarredElement) for part in shape.elements)
    return [] if starred else [part.value for part in shape.elements]


def _meant(
    node: cst.BaseExpression, constants: dict[str, cst.BaseExpression]
) -> cst.BaseExpression:
    return constants.get(node.value, node) if isinstance(node, cst.Name) else node


@lru_cache(maxsize=2)
def _constants(module: cst.Module) -> dict[str, cst.BaseExpression]:
    """Return what the names stand for that a program binds once."""
    found = _Bound()
    module.visit(found)
    return {name: values[0] for name, values in found.bound.items() if len(values) == 1}


class _Bound(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.bound: dict[str, list[cst.BaseExpression]] = {}

    def _bind(self, name: str, value: cst.BaseExpression) -> None:
        self.bound.setdefault(name, []).append(value)

    def visit_Assign(self, node: cst.Assign) -> None:  # noqa: N802
        for target in node.targets:
            self._to(target.target, node.value)

    def _to(self, target: cst.BaseExpression, value: cst.BaseExpression) -> None:
        if isinstance(target, cst.Name):
            self._bind(target.value, value)
        elif isinstance(target, cst.Tuple | cst.List):
            values = [p.value for p in value.elements] if isinstance(value, cst.Tuple) else []
            for k, part in enumerate(target.elements):
                same = len(values) == len(target.elements)
                self._to(part.value, values[k] if same else part.value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:  # noqa: N802
        if node.value is not None:
            self._to(node.target, node.value)

    def visit_AugAssign(self, node: cst.AugAssign) -> None:  # noqa: N802
        self._to(node.target, node.target)

    def visit_For(self, node: cst.For) -> None:  # noqa: N802
        self._to(node.target, node.target)

    def visit_Param(self, node: cst.Param) -> None:  # noqa: N802
        self._bind(node.name.value, node.name)
