"""Places that are set: `layer.kernel = x`, `for layer.kernel in values`, `del layer.kernel`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchtwin.errors import UnsupportedError
from torchtwin.translate.values import text_of

if TYPE_CHECKING:
    from torchtwin.translate.rewriter import Rewriter

PLACES = (cst.Name, cst.Attribute, cst.Subscript, cst.Tuple, cst.List)
"""Expressions that Python can set."""
HINT = "change the parameter in place, with torch.no_grad()"


def checked(rewriter: Rewriter, original: cst.CSTNode, updated: Any, made: Any) -> Any:
    """Return what was made of a node; refuse it where something is set that is no place any more.

    `updated` is the node with what its parts became, which stands where it is refused.
    """
    if made is updated or isinstance(made, PLACES) or not is_set(rewriter.path, original):
        return made
    name = text_of(original)
    error = UnsupportedError(f"{name} is set, and modules of PyTorch have no such place", hint=HINT)
    rewriter.refuse(original, name, error)
    return updated


def is_set(path: Sequence[cst.CSTNode], node: cst.CSTNode) -> bool:
    """Tell whether a node, with `path` around it, is bound by an assignment, a loop or `as`."""
    for around in reversed(path):
        if isinstance(around, cst.Element | cst.StarredElement | cst.Tuple | cst.List):
            node = around
            continue
        name = around.name if isinstance(around, cst.AsName) else getattr(around, "target", None)
        return name is node
    return False
