"""Shapes that TensorFlow computes with as tensors: in PyTorch they are tuples of numbers.

`tf.concat([tf.shape(x)[:1], [-1, c]], 0)` is `(*x.shape[:1], -1, c)`, and `tf.shape(x)[1:3] * 2`
is a list of the products: Python would write the tuple twice.
"""

from __future__ import annotations

from typing import Any

import libcst as cst

from torchtwin.expr import Source
from torchtwin.translate.kinds import COMPUTED
from torchtwin.translate.values import OPERATORS, text_of


def joined(updated: cst.Call) -> Source:
    """Return the tuple that a call becomes which joins lengths."""
    after: Any = updated.args[0].value
    parts: list[str] = []
    for new in after.elements:
        listed = _listed(new.value)
        if listed is None:
            text = text_of(new.value)
            parts.append(f"*{text}" if isinstance(new.value, TIGHT) else f"*({text})")
        else:
            parts += listed
    return Source(f"({', '.join(parts)}{',' if len(parts) == 1 else ''})")


TIGHT = (cst.Name, cst.Attribute, cst.Subscript, cst.Call)


def _listed(node: cst.BaseExpression) -> list[str] | None:
    """Return the lengths of a list, or of a tensor made of one; None for a shape."""
    if isinstance(node, cst.Call) and text_of(node.func) in ("torch.tensor", "torch.as_tensor"):
        node = node.args[0].value
    if isinstance(node, cst.List | cst.Tuple):
        return [text_of(e.value) for e in node.elements]
    return None


def computed(kinds: Any, original: cst.BinaryOperation, updated: Any) -> cst.BaseExpression | None:
    """Return arithmetic with a shape that is a tensor of TensorFlow's, length by length."""
    left, right = kinds.of(original.left), kinds.of(original.right)
    symbol = OPERATORS.get(type(original.operator))
    if COMPUTED not in (left, right) or symbol is None:
        return None
    texts = [text_of(updated.left), text_of(updated.right)]
    if left == COMPUTED and right.what in ("number", "unknown"):
        return cst.parse_expression(f"[n {symbol} {texts[1]} for n in {texts[0]}]")
    if right == COMPUTED and left.what in ("number", "unknown"):
        return cst.parse_expression(f"[{texts[0]} {symbol} n for n in {texts[1]}]")
    if {left.what, right.what} <= {"shape", "list"}:
        pairs = f"zip({', '.join(texts)}, strict=True)"
        return cst.parse_expression(f"[n {symbol} m for n, m in {pairs}]")
    return None
