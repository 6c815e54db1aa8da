"""What the steps of rewriting share about one program."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import libcst as cst

from torchtwin.emit.expressions import Printer, is_helper
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, walk
from torchtwin.translate.changes import Changes
from torchtwin.translate.copying import free_name
from torchtwin.translate.infer import Kinds
from torchtwin.translate.inventory import Inventory
from torchtwin.translate.names import Names
from torchtwin.translate.refusals import Refusals
from torchtwin.translate.values import Values
from torchtwin.view import Tensor

ALIASES = {"F.": "torch.nn.functional.", "nn.": "torch.nn."}
"""What PyTorch's usual short names stand for, where a program has given them another meaning."""


@dataclass
class Program:
    """A program: the meaning of its names, its kinds, and what was found out while rewriting."""

    module: cst.Module
    names: Names
    inventory: Inventory
    kinds: Kinds
    refusals: Refusals
    values: Values
    taken: frozenset[str]
    own: frozenset[str] = frozenset()
    trains: bool = False
    graphs: bool = False  # models of tensors stay as they are built
    graph_classes: set[str] | None = None
    features: set[str] = field(default_factory=set)
    helpers: dict[str, Any] = field(default_factory=dict)
    became: Changes = field(default_factory=Changes)
    bounds: dict[cst.CSTNode, dict[Any, Any]] = field(default_factory=dict)

    @cached_property
    def code(self) -> str:
        """The program's text, before anything is changed."""
        return str(self.module.code)

    def text(self, expr: Any) -> str:
        """Return an expression as source, noting the helpers that it needs."""
        for node in walk(expr):
            used = node.function if isinstance(node, Call) else node
            if not isinstance(used, Expr) and is_helper(used):
                self.name_of(used)
        try:
            return _Printer(self)(expr)
        except TypeError as error:
            raise UnsupportedError("what this makes cannot be written in PyTorch") from error

    def name_of(self, helper: Any) -> str:
        """Return the name that a helper has in the translated program, and note it as used."""
        self.helpers[helper.__name__] = helper
        return free_name(helper.__name__, self.own)

    def node(self, expr: Any) -> cst.BaseExpression:
        """Return an expression as a node, in parentheses where it binds weakly."""
        printer = _Printer(self)
        self.text(expr)
        try:
            text = printer.inside(expr)
        except TypeError as error:
            raise UnsupportedError("what this makes cannot be written in PyTorch") from error
        try:
            return cst.parse_expression(text)
        except cst.ParserSyntaxError as error:
            raise UnsupportedError(f"{text} is not Python") from error


class _Printer(Printer):
    """Prints `torch.nn.functional` in full where the program has an `F` of its own, and helpers
    under other names where it has theirs."""

    def __init__(self, program: Program) -> None:
        super().__init__(str, str, str)  # a program's text has no values of a graph
        self.program = program

    def inside(self, node: Any) -> str:
        return self._inside(node, 9)

    def _print(self, node: Any) -> tuple[str, int]:
        node = node.expr if isinstance(node, Tensor) else node
        text, binding = super()._print(node)
        function = node.function if isinstance(node, Call) else node
        if not isinstance(function, Expr) and is_helper(function):
            text = self.program.name_of(function) + text.removeprefix(function.__name__)
        for alias, full in ALIASES.items():
            if (
                alias[:-1] in self.program.taken
                and isinstance(node, Call)
                and text.startswith(alias)
            ):
                text = full + text.removeprefix(alias)
        return text, binding
