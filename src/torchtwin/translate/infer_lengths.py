"""Which calls join the lengths of a shape, which TensorFlow computes as a tensor."""

from __future__ import annotations

from typing import Any

import libcst as cst

JOINING = frozenset({"tf.concat", "keras.ops.concatenate", "keras.backend.concatenate"})
ONE = frozenset({"tf.expand_dims", "keras.ops.expand_dims", "keras.backend.expand_dims"})
MADE = frozenset({
    "tf.constant", "tf.convert_to_tensor", "keras.ops.convert_to_tensor", "keras.ops.array",
    "keras.backend.constant", "tf.cast", "keras.ops.cast",
})  # fmt: skip


def joins_lengths(kinds: Any, node: cst.Call) -> bool:
    """Tell whether a call joins shapes and lengths to a shape."""
    if kinds.names.of(node.func) not in JOINING or not 0 < len(node.args) <= 2:
        return False
    parts, axis = node.args[0].value, node.args[1].value if len(node.args) > 1 else None
    if axis is not None and _text(axis) not in ("0", "-1"):
        return False
    if not isinstance(parts, cst.List | cst.Tuple):
        return False
    found = [_lengths(kinds, part.value) for part in parts.elements]
    return all(found) and "known" in found


def _lengths(kinds: Any, node: cst.BaseExpression) -> str:
    """Tell what a part is: "known" lengths, "plain" numbers that are written out, "" for neither.

    Numbers alone may be any tensor.
    """
    if isinstance(node, cst.List | cst.Tuple):
        items = [e.value for e in node.elements]
        if not items or any(kinds.of(item).what != "number" for item in items):
            return ""
        if any(isinstance(n, cst.Float) for item in items for n in (item, *item.children)):
            return ""
        return "plain" if all(map(_is_literal, items)) else "known"
    if kinds.of(node).what == "shape":
        return "known"
    if one_number(kinds, node) is not None:
        return "known"
    if isinstance(node, cst.Call) and kinds.names.of(node.func) in MADE and node.args:
        whole = "float" not in _text(node)
        return _lengths(kinds, node.args[0].value) if whole else ""
    return ""


def _is_literal(node: cst.BaseExpression) -> bool:
    inner = node.expression if isinstance(node, cst.UnaryOperation) else node
    return isinstance(inner, cst.Integer)


def one_number(kinds: Any, node: cst.CSTNode) -> cst.BaseExpression | None:
    """Return the number of which an expression makes a list of one, as `n[None]` does."""
    if isinstance(node, cst.Call) and kinds.names.of(node.func) in ONE and node.args:
        number = node.args[0].value
    elif isinstance(node, cst.Subscript) and _is_new_axis(node):
        number = node.value
    else:
        return None
    return number if kinds.of(number).what == "number" else None


def _is_new_axis(node: cst.Subscript) -> bool:
    words = [_text(part.slice).strip() for part in node.slice]
    new = [w for w in words if w != "..."]
    return len(new) == 1 and (new[0] == "None" or new[0].endswith("newaxis"))


def _text(node: cst.CSTNode) -> str:
    return cst.Module([]).code_for_node(node)
