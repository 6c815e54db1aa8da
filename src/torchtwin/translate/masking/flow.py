"""Follows the masks of tensors through one `call`."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.masking.layers import Layers, Role, element
from torchtwin.translate.values import text_of

LOST = "?"
"""The mask of a tensor that has one, of which is not known what it is."""


@dataclass
class Flow:
    """The masks of the variables of one `call`; `added` are arguments, `made` statements."""

    layers: Layers
    cls: str
    function: cst.FunctionDef
    masks: dict[str, str] = field(default_factory=dict)
    loops: dict[str, cst.BaseExpression] = field(default_factory=dict)
    added: dict[cst.Call, list[tuple[str, str]]] = field(default_factory=dict)
    made: list[tuple[cst.CSTNode, str, str]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    refused: list[tuple[cst.CSTNode, str]] = field(default_factory=list)
    place: cst.CSTNode | None = None

    def run(self) -> None:
        params = [p.name.value for p in self.function.params.params[1:]]
        if self.cls not in self.layers.masked:
            params = []
        if "mask" in params and params[0] != "mask":
            self.masks[params[0]] = "mask"
        for name in params:
            if f"{name}_mask" in params:
                self.masks[name] = f"{name}_mask"
        self.block(self.function.body.body)

    # What is written.

    def calls(self) -> dict[cst.CSTNode, cst.CSTNode]:
        return {
            call: call.with_changes(args=[*call.args, *(_keyword(k, v) for k, v in more)])
            for call, more in self.added.items()
        }

    def statements(self) -> dict[cst.CSTNode, list[cst.BaseStatement]]:
        found: dict[cst.CSTNode, list[cst.BaseStatement]] = {}
        for place, name, text in self.made:
            if name in self.used:
                found.setdefault(place, []).append(cst.parse_statement(f"{name} = {text}"))
        return found

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
                self._branch(node)
            case cst.For():
                self._loop(node)
            case cst.With() | cst.While() | cst.Try():
                self.block(node.body.body)

    def simple(self, node: cst.CSTNode) -> None:
        if isinstance(node, cst.Assign):
            mask = self.expr(node.value)
            for target in node.targets:
                self._bind(target.target, node.value, mask)
        elif isinstance(node, cst.AnnAssign) and node.value is not None:
            self._bind(node.target, node.value, self.expr(node.value))
        elif isinstance(node, cst.AugAssign):
            self.expr(node.value)
            self._bind(node.target, node.value, None)  # arithmetic drops the mask
        elif isinstance(node, cst.Return | cst.Expr) and node.value is not None:
            mask = self.expr(node.value)
            own = self.layers.inventory.method(self.cls, "compute_mask")
            if isinstance(node, cst.Return) and mask and own is None:
                self.layers.leaking.add(self.cls)

    def _bind(
        self, target: cst.BaseExpression, value: cst.BaseExpression, mask: str | None
    ) -> None:
        pairs: list[tuple[cst.BaseExpression, str | None]] = [(target, mask)]
        if isinstance(target, cst.Tuple):
            inner = [e.value for e in target.elements]
            pairs = [(t, mask if k == 0 else None) for k, t in enumerate(inner)]
            if isinstance(value, cst.Tuple) and len(value.elements) == len(inner):
                pairs = [
                    (t, self.expr(e.value)) for t, e in zip(inner, value.elements, strict=True)
                ]
            elif isinstance(value, cst.Name) and self.masks.get(value.value) == "mask":
                pairs = [(t, f"mask[{k}]") for k, t in enumerate(inner)]
        for each, of in pairs:
            if isinstance(each, cst.Name):
                self.masks.pop(each.value, None)
                if of:
                    self.masks[each.value] = of
                for name, known in list(self.masks.items()):
                    if known.partition("[")[0] == each.value:
                        self.masks[name] = LOST

    def _branch(self, node: cst.If) -> None:
        before = dict(self.masks)
        self.block(node.body.body)
        after, self.masks = self.masks, before
        if isinstance(node.orelse, cst.If):
            self.statement(node.orelse)
        elif node.orelse is not None:
            self.block(node.orelse.body.body)
        for name in {*after, *self.masks}:
            if after.get(name) != self.masks.get(name):
                self.masks[name] = LOST

    def _loop(self, node: cst.For) -> None:
        if isinstance(node.target, cst.Name):
            made = self._looped(node.iter)
            if made is not None:
                self.loops[node.target.value] = made
        before = dict(self.masks)
        self.block(node.body.body)
        for name in {*before, *self.masks}:
            if before.get(name) != self.masks.get(name):
                self.masks[name] = LOST if name in before or self.masks.get(name) else ""

    def _looped(self, node: cst.BaseExpression) -> cst.BaseExpression | None:
        if m.matches(node, m.Attribute(value=m.Name("self"))):
            attr = cst.ensure_type(node, cst.Attribute).attr.value
            return element(self.layers.attributes(self.cls).get(attr))
        return None

    # Expressions: each gives the mask of its value.

    def expr(self, node: cst.BaseExpression) -> str | None:
        if isinstance(node, cst.Name):
            return self.masks.get(node.value) or None
        if isinstance(node, cst.Call):
            return self._call(node)
        for child in node.children:
            self._inner(child)
        return None

    def _inner(self, node: cst.CSTNode) -> None:
        if isinstance(node, cst.Lambda):
            return
        if isinstance(node, cst.BaseExpression):
            self.expr(node)
        else:
            for child in node.children:
                self._inner(child)

    def _call(self, node: cst.Call) -> str | None:
        role = self.layers.role(self.cls, node.func, self.loops)
        if role is None:
            for child in node.children:
                self._inner(child)
            return None
        masks = [self._argument(a.value) for a in node.args]
        if role.kind == "merge":
            return self._merged(masks)
        keys = {a.keyword.value for a in node.args if a.keyword}
        mask = masks[0] if masks else None
        explicit = next(
            (text_of(a.value) for a in node.args if a.keyword and a.keyword.value == "mask"), None
        )
        if role.uses:
            self._use(node, role, masks, keys)
        elif role.hidden and mask:
            self._refuse(f"the mask of {text_of(node.args[0].value)} is used inside "
                         f"{text_of(node.func)}: give its call an argument mask")  # fmt: skip
        if role.leaks:
            return LOST
        if role.makes and node.args:
            return self._make(node, mask)
        kept = explicit if explicit not in (None, "None") else mask
        return kept if role.keeps else None

    def _argument(self, node: cst.BaseExpression) -> str | None:
        """Return the mask of an argument; of a list of tensors the list of theirs."""
        if not isinstance(node, cst.List | cst.Tuple):
            return self.expr(node)
        masks = [self.expr(e.value) for e in node.elements]
        if not any(masks):
            return None
        return LOST if LOST in masks else f"[{', '.join(mask or 'None' for mask in masks)}]"

    def _merged(self, masks: list[str | None]) -> str | None:
        text = masks[0] if masks else None
        if text is None or not text.startswith("["):
            return text
        found = {part for part in text[1:-1].split(", ") if part != "None"}
        return found.pop() if len(found) == 1 else LOST

    def _use(self, node: cst.Call, role: Role, masks: list[str | None], keys: set[str]) -> None:
        """Add the masks of a call's tensors as arguments, as Keras's `Layer.__call__` does."""
        names = [n for n in role.names if n not in ("mask", "training")]
        placed = [(a.keyword.value if a.keyword else names[k] if k < len(names) else "", mask)
                  for k, (a, mask) in enumerate(zip(node.args, masks, strict=True))]  # fmt: skip
        tensors = [(n, mask) for n, mask in placed if not n.endswith("mask") and n != "training"]
        several = role.kind == "heads" or (role.kind == "own" and len(tensors) > 1)
        wanted = [(f"{n}_mask" if several else "mask", mask) for n, mask in tensors]
        for name, mask in wanted if several else wanted[:1]:
            given = name in keys or name in [n for n, _ in placed] or name not in role.names
            if mask is None or given:
                continue
            if LOST in mask:
                self._refuse(f"the mask that {text_of(node.func)} uses is not followed")
                continue
            self._mark(mask)
            self.layers.masked |= {role.cls} if role.cls else set()
            self.added.setdefault(node, []).append((name, mask))

    def _make(self, node: cst.Call, mask: str | None) -> str:
        """Have a mask made in front of the statement."""
        assert self.place is not None
        known = {n.value for n in m.findall(self.function, m.Name()) if isinstance(n, cst.Name)}
        known |= {name for _, name, _ in self.made}
        stem = "mask" if "mask" not in known else f"{_last(node.func)}_mask"
        name, count = stem, 1
        while name in known:
            count += 1
            name = f"{stem}_{count}"
        arg = node.args[0].value
        if any(self.layers.role(self.cls, c.func, self.loops) for c in m.findall(arg, m.Call())
               if isinstance(c, cst.Call)):  # fmt: skip
            return LOST
        own = self.layers.role(self.cls, node.func, self.loops)
        further = f", {mask}" if mask and own is not None and own.kind == "own" else ""
        if further:
            self._mark(mask or "")
        self.made.append(
            (self.place, name, f"{text_of(node.func)}.compute_mask({text_of(arg)}{further})")
        )
        return name

    def _mark(self, text: str) -> None:
        self.used |= {
            name
            for _, name, _ in self.made
            if name in text.replace("[", " ").replace("]", " ").replace(",", " ").split()
        }

    def _refuse(self, reason: str) -> None:
        assert self.place is not None
        self.refused.append((self.place, reason))


def _last(func: cst.BaseExpression) -> str:
    return func.attr.value if isinstance(func, cst.Attribute) else "own"


def _keyword(name: str, text: str) -> cst.Arg:
    return cst.Arg(
        cst.parse_expression(text),
        keyword=cst.Name(name),
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )
