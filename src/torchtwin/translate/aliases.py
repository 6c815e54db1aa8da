"""`L = keras.layers`: another name for one of Keras's goes, as what it named is PyTorch's now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from torchtwin.translate.canonical import is_foreign
from torchtwin.translate.values import text_of

if TYPE_CHECKING:
    from torchtwin.translate.rewriter import Rewriter


def is_alias(rewriter: Rewriter, original: Any, updated: Any) -> bool:
    """Tell whether a statement only gives a name of Keras another one, which means it everywhere.

    A function that is PyTorch's now, `activate = tf.nn.relu`, keeps its other name.
    """
    if len(original.body) != 1 or not isinstance(original.body[0], cst.Assign):
        return False
    node, after = original.body[0], updated.body[0]
    if len(node.targets) != 1 or not isinstance(node.value, cst.Name | cst.Attribute):
        return False
    names, target = rewriter.program.names, node.targets[0].target
    name = names.of(node.value)
    same = isinstance(after, cst.Assign) and text_of(after.value) == text_of(node.value)
    return is_foreign(name) and isinstance(target, cst.Name) and names.of(target) == name and same


def left_out(rewriter: Rewriter, original: Any, updated: Any) -> Any:
    """Remove an alias; its comments go to what follows, and the last of a block becomes `pass`."""
    block = rewriter.parent
    if isinstance(block, cst.IndentedBlock) and block.body[-1] is original:
        return updated.with_changes(body=[cst.Pass()])
    rewriter.comments += [line for line in updated.leading_lines if line.comment]
    rewriter.comments_at = len(rewriter.path)
    return cst.RemoveFromParent()


def with_pending(rewriter: Rewriter, updated: Any) -> Any:
    """Return a statement below the comments of the alias that stood before it."""
    if not rewriter.comments or len(rewriter.path) != rewriter.comments_at:
        return updated
    if not hasattr(updated, "leading_lines"):
        return updated
    lines, rewriter.comments = [*rewriter.comments, *updated.leading_lines], []
    return updated.with_changes(leading_lines=lines)
