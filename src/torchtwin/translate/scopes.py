"""`with tf.name_scope("block"):` only names operations: its body stands alone.

So does that of `with strategy.scope():`, for what is translated runs in one process.
"""

from __future__ import annotations

from typing import Any

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.functional.resolver import Resolver
from torchtwin.translate.search import findall

SCOPES = frozenset({
    "tf.name_scope", "tf.compat.v1.name_scope", "keras.name_scope", "keras.backend.name_scope",
    "tf.device", "keras.device",
})  # fmt: skip

STRATEGIES = frozenset({
    "tf.distribute.MirroredStrategy", "tf.distribute.get_strategy",
    "tf.distribute.OneDeviceStrategy",
})  # fmt: skip
"""What shares batches among the devices of one machine."""
REPLICAS = "num_replicas_in_sync"
ONE = "# one device; torch.distributed is for several"


def without_scopes(module: cst.Module, names: Resolver) -> cst.Module:
    """Return a module without the statements that only name or place operations."""
    code = module.code
    if all(word not in code for word in ("name_scope", "device(", "tf.distribute")):
        return module
    changed: Any = module.visit(_Scopes(names, _strategies(module, names)))
    assert isinstance(changed, cst.Module)
    return changed


def _strategies(module: cst.Module, names: Resolver) -> set[str]:
    """Return the variables that hold a strategy, of which only `scope` and the number are asked."""
    made = m.Assign([m.AssignTarget(m.Name())], m.Call())
    found = {
        node.targets[0].target.value
        for node in findall(module, made)
        if names.qualified(node.value.func) in STRATEGIES
    }
    uses = findall(module, m.Name())
    known = findall(module, m.Attribute(m.Name(), m.Name("scope") | m.Name(REPLICAS)))
    return {
        name
        for name in found
        if "replicas" not in {use.value for use in uses}
        and sum(use.value == name for use in uses)
        == sum(each.value.value == name for each in known) + 1
    }


class _Scopes(cst.CSTTransformer):
    def __init__(self, resolver: Resolver, strategies: set[str]) -> None:
        super().__init__()
        self.resolver, self.strategies = resolver, strategies
        self.number = "replicas"

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:  # noqa: N802
        """Keep of a strategy how many devices share a batch."""
        target = original_node.targets[0].target
        if not isinstance(target, cst.Name) or target.value not in self.strategies:
            return updated_node
        new = cst.AssignTarget(cst.Name(self.number))
        return updated_node.with_changes(targets=[new], value=cst.Integer("1"))

    def leave_Attribute(  # noqa: N802
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        owner = original_node.value
        if isinstance(owner, cst.Name) and owner.value in self.strategies:
            return cst.Name(self.number) if original_node.attr.value == REPLICAS else updated_node
        return updated_node

    def leave_SimpleStatementLine(  # noqa: N802
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine:
        """Say beside it that one process is meant."""
        first = original_node.body[0]
        target = first.targets[0].target if isinstance(first, cst.Assign) else None
        known = isinstance(target, cst.Name) and target.value in self.strategies
        if not known or updated_node.trailing_whitespace.comment is not None:
            return updated_node
        said = cst.TrailingWhitespace(cst.SimpleWhitespace("  "), cst.Comment(ONE))
        return updated_node.with_changes(trailing_whitespace=said)

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
        if not isinstance(node, cst.Call):
            return False
        return self.resolver.qualified(node.func) in SCOPES or self._is_strategy(node.func)

    def _is_strategy(self, func: cst.BaseExpression) -> bool:
        """Tell whether `func` is the `scope` of a strategy."""
        if not isinstance(func, cst.Attribute) or func.attr.value != "scope":
            return False
        match func.value:
            case cst.Name(value=name):
                return name in self.strategies
            case cst.Call(func=made):
                return self.resolver.qualified(made) in STRATEGIES
        return False


def _said(node: cst.With) -> list[cst.EmptyLine]:
    """Return the comment behind the line, as one of its own."""
    comment = cst.ensure_type(node.body, cst.IndentedBlock).header.comment
    return [] if comment is None else [cst.EmptyLine(comment=comment)]
