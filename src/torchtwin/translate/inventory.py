"""The classes and functions that a program defines, and what its classes come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import libcst as cst

from torchtwin.translate.names import Names


@dataclass
class Inventory:
    """Classes and functions by name, with the canonical names of the classes' bases."""

    names: Names
    classes: dict[str, cst.ClassDef] = field(default_factory=dict)
    functions: dict[str, cst.FunctionDef] = field(default_factory=dict)
    parents: dict[str, list[str]] = field(default_factory=dict)

    def of(self, module: cst.Module) -> Inventory:
        _Finder(self).collect(module.body)
        return self

    def bases(self, cls: str) -> Iterator[str]:
        """Yield a class and what it comes from, nearest first: own names, then canonical ones."""
        pending, seen = [cls], set()
        while pending:
            name = pending.pop(0)
            if name not in seen:
                seen.add(name)
                yield name
                pending += self.parents.get(name, [])

    def root(self, cls: str) -> str:
        """Return the first canonical name of Keras's among a class's bases, "" for none."""
        return next((b for b in self.bases(cls) if b.startswith(("keras.", "tf."))), "")

    def method(self, cls: str, name: str) -> cst.FunctionDef | None:
        """Return the definition of a method, as Python would find it."""
        for owner in self.bases(cls):
            for statement in self.classes[owner].body.body if owner in self.classes else ():
                if isinstance(statement, cst.FunctionDef) and statement.name.value == name:
                    return statement
        return None


@dataclass
class _Finder:
    inventory: Inventory

    def collect(self, statements: object) -> None:
        for node in statements if isinstance(statements, list | tuple) else ():
            match node:
                case cst.ClassDef():
                    self._class(node)
                case cst.FunctionDef():
                    self.inventory.functions.setdefault(node.name.value, node)
                    self.collect(node.body.body)
                case cst.If() | cst.For() | cst.With() | cst.Try() | cst.While():
                    self.collect(node.body.body)
                    orelse = getattr(node, "orelse", None)
                    while isinstance(orelse, cst.If):
                        self.collect(orelse.body.body)
                        orelse = orelse.orelse
                    if orelse is not None:
                        self.collect(orelse.body.body)

    def _class(self, node: cst.ClassDef) -> None:
        found = self.inventory
        found.classes[node.name.value] = node
        bases = [found.names.of(b.value) or _written(b.value) for b in node.bases]
        found.parents[node.name.value] = [b for b in bases if b]


def _written(node: cst.BaseExpression) -> str:
    return node.value if isinstance(node, cst.Name) else ""


def is_layer(inventory: Inventory, cls: str) -> bool:
    """Tell whether a class is a layer or a model: it becomes an nn.Module."""
    return inventory.root(cls).startswith(("keras.layers.", "keras.Model", "keras.Sequential"))
