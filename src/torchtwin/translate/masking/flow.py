"""Follows the masks of tensors through the statements of one function."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.masking.calls import Calls
from torchtwin.translate.masking.layers import parameters
from torchtwin.translate.masking.notes import Line
from torchtwin.translate.masking.state import mask_argument
from torchtwin.translate.masking.values import LOST, Value, names_in
from torchtwin.translate.search import findall
from torchtwin.translate.values import text_of

ENDS = (cst.Return, cst.Raise, cst.Continue, cst.Break)


@dataclass
class Flow(Calls):
    """Statements; `Calls` has the expressions. `returned` are the values given back."""

    returned: list[tuple[cst.CSTNode, Value]] = field(default_factory=list)

    def run(self) -> None:
        """Go through a function whose arguments may have masks."""
        if self.function is not None:
            self._arguments(self.function)
            self.block(self.function.body.body)

    @property
    def argument_names(self) -> list[str]:
        return parameters(self.function) if self.function is not None else []

    def _arguments(self, function: cst.FunctionDef) -> None:
        names = [n for n in parameters(function) if n != "self"]
        masked = self.layers.masked.get(self.owner, set())
        for name in names:
            self.env[name] = Value()
            if name in masked:
                mask = mask_argument(self.layers, self.owner, function, name)
                if mask not in names:
                    self.notes.parameters.append(mask)
                self.env[name] = Value(self._kept(function, mask, name))

    def _kept(self, function: cst.FunctionDef, mask: str, name: str) -> str:
        """Return the variable of an argument's mask: another one where the function changes it."""
        body = function.body
        if not any(text_of(t) == mask for t in _targets(body)) or not body.body:
            return mask
        first = _first(body)
        kept = self.notes.name(function, mask, f"{name}_mask", f"{name}_own_mask")
        return self.notes.line((function, mask), Line(first, kept, mask))

    # Statements.

    def block(self, statements: object) -> None:
        for node in statements if isinstance(statements, list | tuple) else ():
            self.statement(node)

    def statement(self, node: cst.CSTNode) -> None:
        match node:
            case cst.SimpleStatementLine(body=parts):
                self.place = node
                for part in parts:
                    self.simple(part)
            case cst.If():
                self.place = None if node in self.elses else node
                self.expr(node.test)
                self._branch(node)
            case cst.For():
                self.place = node
                self._loop(node, node.iter)
            case cst.While():
                self.place = None
                self._loop(node, node.test)
            case cst.With() | cst.Try():
                self.block(node.body.body)
                for handler in getattr(node, "handlers", ()):
                    self.block(handler.body.body)

    def simple(self, node: cst.CSTNode) -> None:
        match node:
            case cst.Assign():
                value = self.expr(node.value)
                for target in node.targets:
                    self.bind(target.target, value)
            case cst.AnnAssign() if node.value is not None:
                self.bind(node.target, self.expr(node.value))
            case cst.AugAssign():
                self.expr(node.value)
                self.bind(node.target, Value())  # arithmetic drops the mask
            case cst.Return() if node.value is not None and self.place is not None:
                self._return(self.place, self.expr(node.value))
            case cst.Expr():
                self.expr(node.value)
            case cst.Assert() | cst.Raise() | cst.Del():
                for child in node.children:
                    self.inner(child)

    def _return(self, place: cst.CSTNode, value: Value) -> None:
        """Keep the masks of what a class gives back, where something asks for them."""
        self.returned.append((place, value))
        if self.owner == self.cls and self.cls in self.layers.watched:
            own = self._own_mask() if not value.masked else value
            if LOST in own.text:
                self.refuse("the mask of what is returned is not followed")
            else:
                self.notes.outputs[place] = self.text(own)

    def _own_mask(self) -> Value:
        """Return the mask that a layer which supports masks hands on: that of its first input."""
        role = self.layers.own(self.cls)
        first = role.names[0] if role.names else ""
        masked = first in self.layers.masked.get(self.owner, ())
        if not role.keeps or not masked or self.function is None:
            return Value()
        return Value(mask_argument(self.layers, self.owner, self.function, first))

    def bind(self, target: cst.BaseExpression, value: Value) -> None:
        """Give a variable its value; masks in a variable that is assigned to are not known then."""
        if isinstance(target, cst.Tuple | cst.List):
            for k, element in enumerate(target.elements):
                starred = isinstance(element, cst.StarredElement)
                self.bind(element.value, Value() if starred else value.part(k))
            return
        name = text_of(target)
        self.env[name] = value
        for held in [v for known in self.env.values() for v in known.values()]:
            if held.mask and name in names_in(held.mask) and held.mask != LOST:
                held.mask = LOST

    # Branches and loops.

    def _branch(self, node: cst.If) -> None:
        before = self.env
        self.env = deepcopy(before)
        self.block(node.body.body)
        then, self.env = self.env, deepcopy(before)
        orelse = node.orelse
        if isinstance(orelse, cst.If):
            self.elses.add(orelse)
            self.statement(orelse)
        elif orelse is not None:
            self.block(orelse.body.body)
        other = self.env
        if _leaves(node.body):
            return
        if orelse is not None and isinstance(orelse, cst.Else) and _leaves(orelse.body):
            self.env = then
            return
        for name in {*then, *other}:
            if name in then and name in other:
                first, second = then[name], other[name]
                if first.text != second.text:
                    other[name] = self._either(node, name, first, second)
            else:
                other[name] = then.get(name) or other[name]

    def _either(self, node: cst.If, name: str, first: Value, second: Value) -> Value:
        """Return a value whose mask is in a variable that both branches set."""
        single = first.parts is None and second.parts is None and name.isidentifier()
        if not single or LOST in (first.mask, second.mask) or node in self.elses:
            return Value(LOST)
        bodies = [node.body, *([node.orelse.body] if isinstance(node.orelse, cst.Else) else [])]
        if isinstance(node.orelse, cst.If) or not all(map(_is_block, bodies)):
            return Value(LOST)
        mask = self.notes.name(node, name, f"{name}_mask")
        self.notes.line((node, f"{name} then"), Line(_last(node.body), mask, first.text, True))
        if node.orelse is None:
            self.notes.line((node, f"{name} else"), Line(node, mask, second.text))
        else:
            place = _last(node.orelse.body)
            self.notes.line((node, f"{name} else"), Line(place, mask, second.text, True))
        return Value(mask)

    def _loop(self, node: cst.For | cst.While, head: cst.BaseExpression) -> None:
        before = deepcopy(self.env)
        returned = list(self.returned)
        self._round(node, head)
        changed = [
            k for k, v in before.items() if k in self.env and self.env[k].text != v.text
        ]  # fmt: skip
        if not changed:
            return
        after, self.env, self.returned = self.env, before, returned
        for name in changed:
            self.env[name] = self._carried(node, name, before[name], after[name])
        starts = {k: self.env[k].text for k in changed}
        self._round(node, head)
        for name in changed:
            end, mask = self.env[name].text, starts[name]
            if mask != LOST and end not in (mask, LOST):
                place = _last(node.body)
                self.notes.line((node, f"{name} end"), Line(place, mask, end, True))
            self.env[name] = Value(LOST if LOST in (mask, end) else mask)

    def _carried(self, node: cst.For | cst.While, name: str, old: Value, new: Value) -> Value:
        """Return a value whose mask is in a variable that every round of a loop sets."""
        leaves = findall(node.body, m.Continue() | m.Break()) or not _is_block(node.body)
        single = old.parts is None and new.parts is None and name.isidentifier()
        if leaves or not single or LOST in (old.mask, new.mask):
            return Value(LOST)
        mask = self.notes.name(node, name, f"{name}_mask")
        self.notes.line((node, f"{name} start"), Line(node, mask, old.text))
        return Value(mask)

    def _round(self, node: cst.For | cst.While, head: cst.BaseExpression) -> None:
        if isinstance(node, cst.For):
            self.iterate(node.target, head)
        else:
            self.expr(head)
        self.block(node.body.body)


def _targets(body: cst.CSTNode) -> list[cst.BaseExpression]:
    found: list[cst.BaseExpression] = []
    for node in findall(body, m.Assign() | m.AugAssign() | m.AnnAssign()):
        if isinstance(node, cst.Assign):
            found += [t.target for t in node.targets]
        elif isinstance(node, cst.AugAssign | cst.AnnAssign):
            found.append(node.target)
    return found


def _first(body: cst.BaseSuite) -> cst.CSTNode:
    """Return the first statement behind a docstring."""
    statements = list(body.body)
    first = statements[0]
    documented = m.matches(
        first, m.SimpleStatementLine([m.Expr(m.SimpleString() | m.ConcatenatedString())])
    )
    return statements[1] if documented and len(statements) > 1 else first


def _last(body: cst.BaseSuite) -> cst.CSTNode:
    return body.body[-1]


def _is_block(body: cst.BaseSuite) -> bool:
    return isinstance(body, cst.IndentedBlock)


def _leaves(body: cst.BaseSuite) -> bool:
    """Tell whether a block does not go on behind its last statement."""
    last = body.body[-1] if body.body else None
    return isinstance(last, cst.SimpleStatementLine) and isinstance(last.body[-1], ENDS)
