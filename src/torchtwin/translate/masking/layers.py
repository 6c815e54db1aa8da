"""Finds the layer that an expression of a program stands for, and its role."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import libcst as cst
import libcst.matchers as m

from torchtwin.translate.inventory import Inventory, is_layer
from torchtwin.translate.kinds import Kind
from torchtwin.translate.masking.roles import FUNCTIONS, Role, builtin
from torchtwin.translate.names import Names
from torchtwin.translate.registry import CLASSES
from torchtwin.translate.search import findall
from torchtwin.translate.values import arguments_of, text_of

Made = list[cst.BaseExpression]
"""The expressions that may have made a value."""


@dataclass
class Layers:
    """The layers of a program, and what is found out of its classes while masks are followed.

    `masked` are the arguments of a function that have masks somewhere in the program, `needed` the
    arguments for masks that it uses, `several` the functions that are called with several tensors.
    `leaks` are the classes whose results have masks that were made inside, with the number of
    parts, and `watched` those whose masks are asked for; `chains` are Sequentials that hand masks
    on.
    """

    names: Names
    inventory: Inventory
    kinds: Mapping[cst.CSTNode, Kind]
    functional: frozenset[str] = frozenset()
    masked: dict[str, set[str]] = field(default_factory=dict)
    leaks: dict[str, int] = field(default_factory=dict)
    watched: set[str] = field(default_factory=set)
    several: set[str] = field(default_factory=set)
    needed: dict[str, set[str]] = field(default_factory=dict)
    chains: set[cst.Call] = field(default_factory=set)
    calls: list[cst.Call] = field(default_factory=list)
    known: dict[str, dict[str, Made]] = field(default_factory=dict)
    globals: dict[str, Made] = field(default_factory=dict)

    def state(self) -> str:
        """Return all that was found out, to be compared."""
        return repr((
            {k: sorted(v) for k, v in sorted(self.masked.items())}, sorted(self.leaks.items()),
            sorted(self.watched), sorted(self.several), len(self.chains),
            {k: sorted(v) for k, v in sorted(self.needed.items())},
        ))  # fmt: skip

    # What makes the values of names and attributes.

    def attributes(self, cls: str) -> dict[str, Made]:
        """Return what the methods of a class and of its bases assign to attributes of `self`."""
        if cls not in self.known:
            found: dict[str, Made] = {}
            for owner in self.inventory.bases(cls):
                node = self.inventory.classes.get(owner)
                for name, made in _assigned(node.body, "self.") if node else ():
                    found.setdefault(name, []).append(made)
            self.known[cls] = found
        return self.known[cls]

    def local(self, body: cst.CSTNode) -> dict[str, Made]:
        """Return what a function, or a module, assigns to its variables."""
        found: dict[str, Made] = {}
        for name, made in _assigned(body, ""):
            found.setdefault(name, []).append(made)
        return found

    # Roles.

    def role(self, cls: str, func: cst.BaseExpression, local: Mapping[str, Made]) -> Role | None:
        """Return the role of what is called, None where it is not known to be a layer."""
        found = [self.of(made) for made in self.made(cls, func, local)]
        return alike(role for role in found if role is not None) if None not in found else None

    def made(self, cls: str, func: cst.BaseExpression, local: Mapping[str, Made]) -> Made:
        """Return the expressions that may have made what an expression stands for."""
        if isinstance(func, cst.Call):
            return [func]
        if isinstance(func, cst.Name):
            return local.get(func.value) or self.globals.get(func.value) or []
        if isinstance(func, cst.Attribute) and m.matches(func.value, m.Name("self")):
            found = self.attributes(cls).get(func.attr.value) or []
            return [made for each in found for made in self._named(cls, each)]
        if isinstance(func, cst.Subscript):
            whole = self.made(cls, func.value, local)
            return [part for made in whole for part in parts_of(made, _place(func))]
        return []

    def _named(self, cls: str, made: cst.BaseExpression, depth: int = 4) -> Made:
        """Return what stands behind a name in `__init__`: an argument, a variable, a global."""
        init = self.inventory.method(cls, "__init__")
        if not isinstance(made, cst.Name) or made.value == "None" or not depth:
            return [made]
        if init is not None and made.value in parameters(init):
            given = [self._argument(cls, call, made.value) for call in self.calls]
            found = [each for each in given if each is not None]
            default = _default(init, made.value)
            return found or ([made] if default is None else [default])
        local = self.local(init.body).get(made.value) if init is not None else None
        found = local or self.globals.get(made.value) or []
        if made in found or not found:
            return [made]
        return [part for each in found for part in self._named(cls, each, depth - 1)]

    def _argument(self, cls: str, call: cst.Call, name: str) -> cst.BaseExpression | None:
        """Return what a call that makes an object of a class gives for an argument."""
        if not m.matches(call.func, m.Name(cls)):
            return None
        init = self.inventory.method(cls, "__init__")
        names = parameters(init)[1:] if init is not None else []
        for k, arg in enumerate(call.args):
            if arg.keyword.value == name if arg.keyword else names[k : k + 1] == [name]:
                value = arg.value
                known = isinstance(value, cst.Name) and self.globals.get(value.value)
                return known[0] if known else value
        return None

    def elements(self, cls: str, node: cst.BaseExpression, local: Mapping[str, Made]) -> Made:
        """Return the expressions that may have made the elements of a list."""
        return [p for made in self.made(cls, node, local) for p in parts_of(made, None)]

    def of(self, made: cst.BaseExpression) -> Role | None:
        """Return the role of the layer that an expression makes."""
        if m.matches(made, m.Name("None")):
            return Role("none")
        if isinstance(made, cst.IfExp):
            return alike(r for r in (self.of(made.body), self.of(made.orelse)) if r is not None)
        if not isinstance(made, cst.Call):
            return None
        name = self.names.of(made.func) or ""
        if name == "keras.Sequential":
            return Role("chain", ("inputs", "mask"), made=(made,))
        home, _, last = name.rpartition(".")
        if home == "keras.layers" and last[:1].isupper():
            return self._builtin(last, made)
        if home == "keras.losses" and last[:1].isupper():
            return Role("loss", ("y_true", "y_pred", "sample_weight"))
        if isinstance(made.func, cst.Name) and is_layer(self.inventory, made.func.value):
            return self.own(made.func.value)
        return None

    def function(self, name: str) -> Role | None:
        """Return the role of a function of keras.layers, such as `add`."""
        home, _, last = name.rpartition(".")
        known = FUNCTIONS.get(last) if home == "keras.layers" else None
        return builtin(known, ("inputs",)) if known else None

    def _builtin(self, last: str, made: cst.Call) -> Role:
        names = tuple(arguments_of("call", last) or ("inputs",))
        last = CLASSES.get(last, last)
        role = builtin(last, names)
        given = self.arguments(last, made)
        if role.kind == "embedding":
            value = given.get("mask_zero")
            literal = text_of(value) if value is not None else "False"
            role = replace(role, kind="drop") if literal == "False" else role
            return replace(role, unsure=literal != "True")
        if role.kind == "recurrent":
            inner = given.get("layer") if last == "Bidirectional" else made
            return self._recurrent(role, inner)
        if role.kind == "switched":
            return replace(role, made=(made,))
        if role.kind == "concat":
            axis = given.get("axis")
            return replace(role, axis=-1 if axis is None else _number(axis))
        if role.kind == "lambda":
            plain = "mask" not in given and not _takes_mask(given.get("function"))
            return replace(role, kind="drop" if plain else "lambda")
        return role

    def _recurrent(self, role: Role, made: cst.BaseExpression | None) -> Role:
        """Read whether a layer returns all steps, and whether it returns states."""
        if not isinstance(made, cst.Call):
            return replace(role, unsure=True, returns_state=None)
        name = (self.names.of(made.func) or "").rpartition(".")[2]
        given = self.arguments(CLASSES.get(name, name), made)
        texts = [text_of(given[k]) if k in given else "False" for k in RETURNS]
        known = [{"True": True, "False": False}.get(text) for text in texts]
        return replace(
            role, keeps=known[0] is not False, unsure=known[0] is None, returns_state=known[1]
        )

    def arguments(self, name: str, made: cst.Call) -> dict[str, cst.BaseExpression]:
        """Return the arguments that a layer is made with, by name."""
        places = [p for p in arguments_of("layers", name) or [] if p != "**"]
        found = {}
        for k, arg in enumerate(made.args):
            if arg.keyword is not None:
                found[arg.keyword.value] = arg.value
            elif not arg.star and k < len(places):
                found[places[k]] = arg.value
        return found

    def own(self, cls: str) -> Role:
        """Return the role of a class of the program."""
        call = self.inventory.method(cls, "call")
        root = self.inventory.root(cls).rpartition(".")[2]
        base = builtin(CLASSES.get(root, root), tuple(arguments_of("call", root) or ("inputs",)))
        if call is None:
            return replace(base, unsure=True, returns_state=None)
        keeps = base.keeps or "supports_masking" in self.attributes(cls)
        return Role("own", tuple(parameters(call)[1:]), cls=cls, uses=True, keeps=keeps)


RETURNS = ("return_sequences", "return_state")


def parameters(function: cst.FunctionDef) -> list[str]:
    params = function.params
    return [p.name.value for p in (*params.posonly_params, *params.params, *params.kwonly_params)]


def alike(roles: Iterable[Role]) -> Role | None:
    """Return the role of any of several layers, None where they differ."""
    found = [role for role in dict.fromkeys(roles) if role.kind != "none"]
    if len(found) == 1:
        return found[0]
    if found and all(role.kind == "keep" for role in found):
        return found[0]
    if found and all(role.kind == "chain" for role in found):
        return replace(found[0], made=tuple(node for role in found for node in role.made))
    if {(role.kind, role.unsure) for role in found} == {("embedding", False), ("drop", True)}:
        return Role("embedding", found[0].names, unsure=True)  # with `mask_zero` or without
    return None


def _assigned(body: cst.CSTNode, before: str) -> Iterator[tuple[str, cst.BaseExpression]]:
    """Yield what is assigned, and what is appended to lists, by name without `before`."""
    for node in findall(body, m.Assign()):
        for target, value in _pairs(node):
            text = text_of(target)
            if text.startswith(before) and "." not in text.removeprefix(before):
                yield text.removeprefix(before), value
    for call in findall(body, m.Call(func=m.Attribute(attr=m.Name("append")))):
        text = text_of(cst.ensure_type(call.func, cst.Attribute).value)
        if text.startswith(before) and call.args and "." not in text.removeprefix(before):
            yield text.removeprefix(before), cst.List([cst.Element(call.args[0].value)])


def _pairs(node: cst.Assign) -> Iterator[tuple[cst.BaseExpression, cst.BaseExpression]]:
    """Yield the targets of an assignment with what each is given: of tuples, part by part."""
    for each in node.targets:
        target, value = each.target, node.value
        both = isinstance(target, cst.Tuple) and isinstance(value, cst.Tuple)
        if both and len(target.elements) == len(value.elements):  # type: ignore[attr-defined]
            parts = zip(target.elements, value.elements, strict=True)  # type: ignore[attr-defined]
            yield from ((a.value, b.value) for a, b in parts)
        else:
            yield target, value


def _default(function: cst.FunctionDef, name: str) -> cst.BaseExpression | None:
    params = [*function.params.params, *function.params.kwonly_params]
    return next((p.default for p in params if p.name.value == name), None)


def parts_of(made: cst.BaseExpression, place: int | str | None) -> Made:
    """Return what makes the part of a list or dict; at any place where it is None."""
    if isinstance(made, cst.ListComp | cst.GeneratorExp):
        return [made.elt]
    if isinstance(made, cst.List | cst.Tuple):
        values = [e.value for e in made.elements]
        known = isinstance(place, int) and -len(values) <= place < len(values) > 1
        return [values[place]] if known and isinstance(place, int) else values
    if isinstance(made, cst.Dict):
        pairs = [(text_of(e.key), e.value) for e in made.elements if isinstance(e, cst.DictElement)]
        named = [value for key, value in pairs if key == place]
        return named or [value for _, value in pairs]
    if isinstance(made, cst.DictComp):
        return [made.value]
    return []


def _place(node: cst.Subscript) -> int | str | None:
    index = node.slice[0].slice
    if len(node.slice) != 1 or not isinstance(index, cst.Index):
        return None
    number = _number(index.value)
    return text_of(index.value) if isinstance(index.value, cst.SimpleString) else number


def _number(node: cst.BaseExpression) -> int | None:
    text = text_of(node).replace(" ", "")
    return int(text) if text.lstrip("-").isdigit() else None


def _takes_mask(function: cst.BaseExpression | None) -> bool:
    """Tell whether a function that is not written out may take a mask."""
    if isinstance(function, cst.Lambda):
        return any(p.name.value == "mask" for p in function.params.params)
    return False
