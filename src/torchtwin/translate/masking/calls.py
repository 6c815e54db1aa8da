"""Follows the masks of tensors through expressions: what is called, and with what."""

from __future__ import annotations

import builtins
from dataclasses import dataclass

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.masking.chains import Chains
from torchtwin.translate.masking.values import LOST, Value
from torchtwin.translate.values import text_of


@dataclass
class Calls(Chains):
    """Expressions; each gives a `Value`."""

    def expr(self, node: cst.BaseExpression) -> Value:
        match node:
            case cst.Name(value=name):
                return self.env.get(name) or Value()
            case cst.Call():
                return self.call(node)
            case cst.Tuple(elements=parts) | cst.List(elements=parts):
                if any(isinstance(e, cst.StarredElement) for e in parts):
                    return self._mixed(node)
                return Value(parts=tuple(self.expr(e.value) for e in parts))
            case cst.Attribute():
                text = text_of(node)
                if text in self.env:
                    return self.env[text]
                self.expr(node.value)
                return Value()
            case cst.Subscript():
                return self._subscript(node)
            case cst.IfExp():
                self.expr(node.test)
                return self._one_of(self.expr(node.body), self.expr(node.orelse))
            case cst.BooleanOperation():
                return self._one_of(self.expr(node.left), self.expr(node.right))
            case cst.ListComp() | cst.GeneratorExp() | cst.SetComp():
                return self._comprehension(node)
            case cst.NamedExpr(target=cst.Name(value=name)):
                self.env[name] = self.expr(node.value)
                return self.env[name]
            case cst.Lambda():
                return Value()
        for child in node.children:
            self.inner(child)
        return Value()

    def inner(self, node: cst.CSTNode) -> None:
        if isinstance(node, cst.BaseExpression):
            self.expr(node)
        else:
            for child in node.children:
                self.inner(child)

    def _mixed(self, node: cst.BaseExpression) -> Value:
        found = [self.expr(e.value) for e in node.elements]  # type: ignore[attr-defined]
        return Value(LOST if any(v.masked for v in found) else None)

    def _one_of(self, first: Value, second: Value) -> Value:
        return first if first.text == second.text else Value(LOST)

    def _subscript(self, node: cst.Subscript) -> Value:
        value = self.expr(node.value)
        for part in node.slice:
            self.inner(part)
        index = node.slice[0].slice
        text = text_of(index.value) if isinstance(index, cst.Index) else ""
        if len(node.slice) == 1 and text.lstrip("-").isdigit():
            return value.part(int(text))
        if value.parts is not None and value.masked:
            return Value(LOST)
        return Value()

    def _comprehension(self, node: cst.ListComp | cst.GeneratorExp | cst.SetComp) -> Value:
        """The masks of what a comprehension gives are not followed further."""
        before, place = dict(self.env), self.place
        self.iterate(node.for_in.target, node.for_in.iter)
        self.place = None
        value = self.expr(node.elt)
        self.env, self.place = before, place
        return Value(LOST if value.masked else None)

    def iterate(self, target: cst.BaseExpression, head: cst.BaseExpression) -> None:
        """Bind the variables of a loop; layers among them are known by what makes the list."""
        value = self.expr(head)
        heads, targets = [head], [target]
        if isinstance(head, cst.Call) and isinstance(head.func, cst.Name):
            args = [a.value for a in head.args]
            if head.func.value in ("reversed", "list", "iter", "tuple"):
                heads = args[:1]
            elif head.func.value in ("zip", "enumerate") and isinstance(target, cst.Tuple):
                targets = [e.value for e in target.elements]
                heads = args if head.func.value == "zip" else [head, *args[:1]]
        method = m.matches(head, m.Call(func=m.Attribute(attr=m.Name("values"))))
        if method:
            heads = [cst.ensure_type(cst.ensure_type(head, cst.Call).func, cst.Attribute).value]
        for each, of in zip(targets, heads, strict=False):
            if isinstance(each, cst.Name):
                self.local[each.value] = self.layers.elements(self.cls, of, self.local)
                self.env[each.value] = Value(LOST if value.masked else None)

    # Calls.

    def call(self, node: cst.Call) -> Value:
        name = self.layers.names.of(node.func) or ""
        role = self.layers.function(name)
        if role is None and not name:
            role = self.layers.role(self.cls, node.func, self.local)
        if role is None and isinstance(node.func, cst.Call):
            role = self.layers.role(self.cls, node.func, self.local)
        for child in (node.func, *(() if role else node.args)):
            self.inner(child)
        if role is not None:
            values = [self.expr(a.value) for a in node.args]
            given = self.given(node, role, values)
            if role.kind == "chain":
                return self.chained(node, role, given)
            if role.kind == "own":
                return self.own(node, role, given)
            return self.applied(node, role, given)
        return self._other(node, name)

    def _other(self, node: cst.Call, name: str) -> Value:
        """A call of what is no layer: only a layer that is not known does something with masks."""
        values = [(a, self.expr(a.value)) for a in node.args]
        masked = [text_of(a.value) for a, value in values if value.masked]
        func = node.func
        if name or not masked:
            return Value()
        if isinstance(func, cst.Name):
            own = func.value in self.layers.inventory.functions
            if hasattr(builtins, func.value) or func.value in self.layers.inventory.classes:
                return Value()
            if own:
                return self.helper(node, self.layers.inventory.functions[func.value], values)
        if isinstance(func, cst.Attribute):
            owner = text_of(func.value)
            method = self.layers.inventory.method(self.cls, func.attr.value)
            if owner == "self" and method is not None and self.cls:
                return self.helper(node, method, values)
            known = owner == "self" or owner.startswith("self.")
            if owner.startswith("super()"):
                return Value()
            if not (known and self._may_be_layer(func)):
                return Value()
        self.refuse(f"{masked[0]} has a mask, and what {text_of(func)} does with it is not known")
        return Value()

    def _may_be_layer(self, func: cst.Attribute) -> bool:
        """Tell whether an attribute may hold a layer that was given to the class."""
        kind = self.layers.kinds.get(func)
        made = self.layers.made(self.cls, func, self.local)
        plain = all(isinstance(x, cst.Call) and self.layers.names.of(x.func) for x in made)
        return not (made and plain) and (kind is None or kind.what in ("unknown", "module"))
