"""`with tf.name_scope("block"):` only names operations: its body stands alone."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torchtwin.translate.functional.resolver import Resolver

SCOPES = frozenset({
    "tf.name_scope", "tf.compat.v1.name_scope", "keras.name_scope", "keras.backend.name_scope",
    "tf.device", "keras.device",
})  # fmt: skip


def without_scopes(module: cst.Module, names: Resolver) -> cst.Module:
    """Return a module without the statements that only name or place operations."""
    if "name_scope" not in module.code and "device(" not in module.code:
        return module
    changed: Any = module.visit(_Scopes(names))
    assert isinstance(changed, cst.Module)
    return changed


class _Scopes(cst.CSTTransformer):
    def __init__(self, resolver: Resolver) -> None:
        super().__init__()
        self.resolver = resolver

    def leave_With(self, original_node: cst.With, updated_node: cst.With) -> Any:  # noqa: N802
        for item in original_node.items:
            if item.asname is not None or not self._is_scope(item.item):
                return updated_node
        body = updated_node.body
        if not isinstance(body, cst.IndentedBlock):
            return updated_node
        first, *rest = body.body
        lines: Any = getattr(first, "leading_lines", ())
        above = [*updated_node.leading_lines, *_said(updated_node), *lines]
        return cst.FlattenSentinel([first.with_changes(leading_lines=above), *rest])

    def _is_scope(self, node: cst.BaseExpression) -> bool:
        return isinstance(node, cst.Call) and self.resolver.qualified(node.func) in SCOPES


def _said(node: cst.With) -> list[cst.EmptyLine]:
    """Return the comment behind the line, as one of its own."""
    comment = cst.ensure_type(node.body, cst.IndentedBlock).header.comment
    return [] if comment is None else [cst.EmptyLine(comment=comment)]
