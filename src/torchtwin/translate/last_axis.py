"""Inputs that may come without their last axis, where its length is one.

A model of Keras takes images of (28, 28) for an input of (28, 28, 1), and numbers for one of (1,):
keras/src/models/functional.py, _adjust_input_rank. A module has to do that itself.
"""

from __future__ import annotations

import ast
import re
from typing import Any

import libcst as cst

_GIVEN = re.compile(r"\.(fit|evaluate|predict|\w+_on_batch)\(")
_MADE = re.compile(r"reshape\(|expand_dims\(|newaxis|, None\]")
_OURS = re.compile(r"if \w+\.ndim == \d+ else \w+\[\.\.\., None\]")
"""What a class has already that a Functional model became."""
_SHAPES = {"shape": 0, "input_shape": 0, "batch_shape": 1, "batch_input_shape": 1}
"""Arguments that say how large an input is, and how many of their lengths are no sample's."""


def axes_of(call: cst.BaseExpression, code: str, first: str = "") -> int | None:
    """Return the number of axes of an input that may lack the last one, None for any other.

    `call` makes the input, or is the first layer; `first` is the name of its argument without
    one. A program that gives arrays an axis has given these theirs.
    """
    if not isinstance(call, cst.Call) or not _GIVEN.search(code):
        return None
    if _MADE.search(_OURS.sub("", code)):
        return None
    for k, arg in enumerate(call.args):
        key = arg.keyword.value if arg.keyword else (first if k == 0 else "")
        shape = _literal(arg.value)
        if key == "input_dim" and shape == 1 and not _looks_up(call):
            return 2
        if key in _SHAPES and isinstance(shape, tuple | list) and list(shape[-1:]) == [1]:
            axes = len(shape) + 1 - _SHAPES[key]
            return axes if axes > 1 else None
    return None


def _looks_up(call: cst.Call) -> bool:
    """Tell whether a layer is an Embedding, whose input_dim is another number."""
    return cst.Module([]).code_for_node(call.func).endswith("Embedding")


def _literal(node: cst.BaseExpression) -> Any:
    try:
        return ast.literal_eval(cst.Module([]).code_for_node(node))
    except (ValueError, SyntaxError):
        return None
