"""Where statements stand, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from torchtwin.translate.functional.program import Refusal
from torchtwin.translate.functional.rewrite import Statement


@dataclass
class Region:
    """What becomes of the statements of a function or a module."""

    statements: list[Statement]
    classes: list[cst.ClassDef] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    inputs: dict[str, list[cst.Call | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where statements stand: in a function, in a method, or in the module itself."""

    function: str = ""
    local: set[str] = field(default_factory=set)  # the names of the function alone
    local_order: tuple[str, ...] = ()  # the parameters of the function
    owner: str = ""  # what the method calls its object
    own: Mapping[str, str] = field(default_factory=dict)  # names for the object's attributes
    methods: frozenset[str] = frozenset()  # of the object's class
    inner: bool = False  # below an `if` or `with`

    @property
    def outside(self) -> bool:
        """Whether classes are put before the whole statement."""
        return bool(self.function) or self.inner


class Owned(cst.CSTTransformer):
    """Replaces the attributes of a method's object by plain names."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        value, name = original_node.value, original_node.attr.value
        if isinstance(value, cst.Name) and value.value == self.place.owner:
            return cst.Name(self.place.own[name])
        return updated_node


class _Through(cst.CSTTransformer):
    def __init__(self, models: Mapping[str, str]) -> None:
        super().__init__()
        self.models = models

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        root = original_node.value
        if isinstance(root, cst.Name) and root.value in self.models:
            given = cst.Name(self.models[root.value])
            if original_node.attr.value == "output":
                return cst.Call(cst.Name(root.value), [cst.Arg(given)])
            if original_node.attr.value == "input":
                return given
        return updated_node


def through(statement: Statement, models: Mapping[str, str]) -> Statement:
    """Return a statement with `base.output` as what the base makes of its input."""
    changed: Any = statement.visit(_Through(models))
    assert isinstance(changed, cst.BaseStatement)
    return changed
