"""Writes into a program what `Notes` of its functions say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst

from torchtwin.translate.masking.notes import Line, Notes
from torchtwin.translate.refusals import Refusals


class Writer(cst.CSTTransformer):
    """Adds arguments, parameters and statements; what is changed keeps its line."""

    def __init__(
        self,
        notes: Sequence[Notes],
        parameters: dict[cst.FunctionDef, list[str]],
        chains: dict[cst.Call, list[int]],
        refusals: Refusals,
    ) -> None:
        super().__init__()
        self.parameters, self.chains, self.refusals = parameters, chains, refusals
        self.arguments = {k: v for each in notes for k, v in each.arguments.items()}
        self.hoisted = {k: v for each in notes for k, v in each.hoisted.items()}
        self.outputs = {k: v for each in notes for k, v in each.outputs.items()}
        self.lines: dict[cst.CSTNode, list[Line]] = {}
        for each in notes:
            for line in each.written():
                self.lines.setdefault(line.place, []).append(line)
        self.comments: dict[cst.CSTNode, list[str]] = {}
        for each in notes:
            for place, reason in each.refused:
                self.comments.setdefault(place, []).append(reason)
        self.moved: dict[str, cst.BaseExpression] = {}

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        """Keep the line of what has changed, for reports."""
        done = super().on_leave(original_node, updated_node)
        if isinstance(original_node, cst.BaseStatement) and isinstance(done, cst.CSTNode):
            done = self._around(original_node, done)
        nodes = done.nodes if isinstance(done, cst.FlattenSentinel) else [done]
        for node in nodes:
            if isinstance(node, cst.CSTNode) and original_node in self.refusals.lines:
                self.refusals.lines.setdefault(node, self.refusals.lines[original_node])
        return done

    def _around(self, original: cst.BaseStatement, updated: Any) -> Any:
        """Put statements in front of one, and behind it."""
        comments = [
            cst.EmptyLine(comment=cst.Comment(f"# torchtwin: {reason}"))
            for reason in self.comments.get(original, ())
        ]
        if comments and hasattr(updated, "leading_lines"):
            updated = updated.with_changes(leading_lines=[*updated.leading_lines, *comments])
        lines = sorted(self.lines.get(original, ()), key=lambda line: line.number)
        front = [(line.number, f"{line.name} = {line.text}") for line in lines if not line.behind]
        for call in self.hoisted.values():
            if call.place is original and call.name in self.moved:
                text = cst.Module([]).code_for_node(self.moved[call.name])
                front.append((call.number, f"{call.name} = {text}"))
        before = [cst.parse_statement(text) for _, text in sorted(front)]
        if original in self.outputs:
            before.append(cst.parse_statement(f"self.output_mask = {self.outputs[original]}"))
        behind = [cst.parse_statement(f"{x.name} = {x.text}") for x in lines if x.behind]
        if not before and not behind:
            return updated
        if before:
            leading = getattr(updated, "leading_lines", ())
            before[0] = before[0].with_changes(leading_lines=leading)
            updated = updated.with_changes(leading_lines=())
        return cst.FlattenSentinel([*before, updated, *behind])

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:  # noqa: N802
        if original_node in self.chains:
            places = ", ".join(map(str, self.chains[original_node]))
            updated_node = _with(updated_node, {"stops": f"[{places}]"})
        more = self.arguments.get(original_node)
        if more:
            updated_node = _with(updated_node, more)
        if original_node in self.hoisted:
            name = self.hoisted[original_node].name
            self.moved[name] = updated_node
            return cst.Name(name)
        return updated_node

    def leave_FunctionDef(  # noqa: N802
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef:
        names = self.parameters.get(original_node, [])
        params = updated_node.params
        if not names:
            return updated_node
        added = [cst.Param(cst.Name(n), default=cst.Name("None"), equal=_EQUAL) for n in names]
        keyword = isinstance(params.star_arg, cst.Param | cst.ParamStar)
        place = "kwonly_params" if keyword else "params"
        old = [
            p.with_changes(comma=p.comma if isinstance(p.comma, cst.Comma) else _COMMA)
            for p in getattr(params, place)
        ]
        return updated_node.with_changes(params=params.with_changes(**{place: [*old, *added]}))


_EQUAL = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
_COMMA = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))


def _with(call: cst.Call, more: dict[str, str]) -> cst.Call:
    """Return a call with keyword arguments behind its own."""
    added = [
        cst.Arg(cst.parse_expression(text), keyword=cst.Name(name), equal=_EQUAL, comma=_COMMA)
        for name, text in more.items()
    ]
    added[-1] = added[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    if not call.args:
        return call.with_changes(args=added)
    *args, last = call.args
    added[-1] = added[-1].with_changes(
        whitespace_after_arg=last.whitespace_after_arg, comma=last.comma
    )
    kept = last.with_changes(comma=_COMMA, whitespace_after_arg=cst.SimpleWhitespace(""))
    return call.with_changes(args=[*args, kept, *added])
