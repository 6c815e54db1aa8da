"""Masks made explicit: Keras source to Keras source.

Keras hangs a mask on the tensor that an Embedding or Masking layer gives, and hands it on from
layer to layer without a word (keras/src/layers/layer.py, `Layer.__call__`). In PyTorch nothing
does so. Here `call` makes the mask a variable, where something uses it:

    x = self.embedding(tokens)          mask = self.embedding.compute_mask(tokens)
                                        x = self.embedding(tokens)
    x = self.lstm(x)                    x = self.lstm(x, mask=mask)
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from torchtwin.translate.inventory import Inventory, is_layer
from torchtwin.translate.masking.flow import Flow
from torchtwin.translate.masking.layers import Layers
from torchtwin.translate.names import Names
from torchtwin.translate.refusals import Refusals


def explicit_masks(module: cst.Module, refusals: Refusals) -> cst.Module:
    """Return a module whose layers and models hand masks on themselves."""
    names = Names(module)
    layers = Layers(names, Inventory(names).of(module))
    known: tuple[set[str], set[str]] | None = None
    while known != (known := (set(layers.masked), set(layers.leaking))):
        flows = list(_flows(layers))
    edits: dict[cst.CSTNode, cst.CSTNode] = {}
    before: dict[cst.CSTNode, list[cst.BaseStatement]] = {}
    for flow in flows:
        edits |= flow.calls()
        before |= flow.statements()
        for place, reason in flow.refused:
            refusals.add(place, "mask", reason)
            note = cst.EmptyLine(comment=cst.Comment(f"# torchtwin: {reason}"))
            before.setdefault(place, []).append(note)  # type: ignore[arg-type]
    if not edits and not before:
        return module
    changed = module.visit(_Writer(edits, before, refusals))
    assert isinstance(changed, cst.Module)
    return changed


def _flows(layers: Layers) -> Iterator[Flow]:
    for name, node in layers.inventory.classes.items():
        call = layers.own_method(node, "call")
        if call is not None and is_layer(layers.inventory, name):
            flow = Flow(layers, name, call)
            flow.run()
            yield flow


class _Writer(cst.CSTTransformer):
    """Writes the arguments into calls and the new statements in front of others."""

    def __init__(
        self,
        edits: dict[cst.CSTNode, cst.CSTNode],
        before: dict[cst.CSTNode, list[cst.BaseStatement]],
        refusals: Refusals,
    ) -> None:
        super().__init__()
        self.edits, self.before, self.refusals = edits, before, refusals

    def on_leave(self, original_node, updated_node):  # type: ignore[no-untyped-def]
        """Keep the line of what has changed, for reports."""
        done = super().on_leave(original_node, updated_node)
        if isinstance(done, cst.CSTNode) and original_node in self.refusals.lines:
            self.refusals.lines.setdefault(done, self.refusals.lines[original_node])
        return done

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:  # noqa: N802
        more = self.edits.get(original_node)
        if not isinstance(more, cst.Call):
            return updated_node
        added = more.args[len(original_node.args) :]
        *args, last = updated_node.args
        space = last.whitespace_after_arg
        comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        args.append(last.with_changes(comma=comma, whitespace_after_arg=cst.SimpleWhitespace("")))
        added = [*added[:-1], added[-1].with_changes(whitespace_after_arg=space, comma=last.comma)]
        return updated_node.with_changes(args=[*args, *added])

    def leave_SimpleStatementLine(  # noqa: N802
        self,
        original_node: cst.SimpleStatementLine,
        updated_node: cst.SimpleStatementLine,
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        added = self.before.get(original_node, [])
        lines = [a for a in added if isinstance(a, cst.EmptyLine)]
        statements = [a for a in added if not isinstance(a, cst.EmptyLine)]
        if lines:
            leading = [*updated_node.leading_lines, *lines]
            updated_node = updated_node.with_changes(leading_lines=leading)
        if not statements:
            return updated_node
        first = statements[0].with_changes(leading_lines=updated_node.leading_lines)
        return cst.FlattenSentinel(
            [first, *statements[1:], updated_node.with_changes(leading_lines=())]
        )
