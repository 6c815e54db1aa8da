"""Prints expressions as Python source."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.expr import (
    Binary,
    Call,
    Field,
    Invoke,
    Item,
    Member,
    Method,
    Part,
    Source,
    Unary,
    Var,
)
from torchtwin.program import Class

BINDING = {"|": 1, "^": 2, "&": 3, "==": 0, "!=": 0, "<": 0, "<=": 0, ">": 0, ">=": 0,
           "+": 4, "-": 4, "*": 5, "/": 5, "//": 5, "%": 5, "@": 5, "**": 7}  # fmt: skip
UNARY, ATOM = 6, 9
PLACES = (("nn.", nn), ("F.", F), ("torch.optim.", torch.optim), ("torch.", torch),
          ("nn.init.", nn.init), ("math.", math),
          ("torch.distributions.", torch.distributions), ("", builtins))  # fmt: skip
OWN = "torchtwin.own"
"""The module of the author's translated classes, while they are live."""

HELPERS = ("torchtwin.nn.", "torchtwin.training.parts.", "torchtwin.translate.parts.", OWN)


class Printer:
    """Prints expressions, given the names of values, of classes, and of unpacked parts."""

    def __init__(
        self,
        value_name: Callable[[str], str],
        class_name: Callable[[Class], str],
        part_name: Callable[[Part], str],
    ) -> None:
        self.value_name, self.class_name, self.part_name = value_name, class_name, part_name

    def __call__(self, node: Any) -> str:
        return self._print(node)[0]

    def _inside(self, node: Any, binding: int) -> str:
        text, own = self._print(node)
        return f"({text})" if own < binding else text

    def _arguments(self, args: Any, kwargs: Mapping[str, Any]) -> str:
        return ", ".join([*(self(a) for a in args), *(f"{k}={self(v)}" for k, v in kwargs.items())])

    def _print(self, node: Any) -> tuple[str, int]:
        match node:
            case Var():
                return self.value_name(node.value), ATOM
            case Part():
                return self.part_name(node), ATOM
            case Source():
                return node.text, node.binding
            case Member():
                return f"self.{node.attribute}", ATOM
            case Invoke():
                return (
                    f"self.{node.callee.attribute}({self._arguments(node.args, node.kwargs)})",
                    ATOM,
                )
            case Call():
                return (
                    f"{qualified(node.function)}({self._arguments(node.args, node.kwargs)})",
                    ATOM,
                )
            case Class():
                return f"{self.class_name(node)}()", ATOM
            case Method():
                subject = self._inside(node.subject, ATOM)
                return f"{subject}.{node.name}({self._arguments(node.args, node.kwargs)})", ATOM
            case Field():
                return f"{self._inside(node.subject, ATOM)}.{node.name}", ATOM
            case Item():
                return f"{self._inside(node.subject, ATOM)}[{self._index(node.index)}]", ATOM
            case Binary():
                own = BINDING[node.symbol]
                left = self._inside(node.left, own + (own in (0, 7)))
                right = self._inside(node.right, own + (own != 7))
                return f"{left} {node.symbol} {right}", own
            case Unary():
                return f"{node.symbol}{self._inside(node.operand, UNARY)}", UNARY
        return self._literal(node)

    def _index(self, index: Any) -> str:
        if isinstance(index, tuple) and index:
            return ", ".join(map(self._index, index)) + ("," if len(index) == 1 else "")
        if isinstance(index, slice):
            start, stop, step = ("" if k is None else self(k) for k in _bounds(index))
            return f"{start}:{stop}" + (f":{step}" if step else "")
        return self(index)

    def _literal(self, node: Any) -> tuple[str, int]:
        """Print plain data; anything else would be a bug of a rule."""
        match node:
            case bool() | None | str():
                return repr(node), ATOM
            case int() | float():
                if isinstance(node, float) and not math.isfinite(node):
                    return f'float("{node}")', ATOM
                return repr(node), ATOM if node >= 0 else UNARY
            case tuple():
                return f"({', '.join(map(self, node))}{',' if len(node) == 1 else ''})", ATOM
            case list():
                return f"[{', '.join(map(self, node))}]", ATOM
            case dict():
                return f"{{{', '.join(f'{self(k)}: {self(v)}' for k, v in node.items())}}}", ATOM
            case torch.dtype():
                return str(node), ATOM
            case _ if callable(node):
                return qualified(node), ATOM
            case _ if node is ...:
                return "...", ATOM
        raise TypeError(f"{node!r} cannot be written as source")


def _bounds(index: slice) -> tuple[Any, Any, Any]:
    return index.start, index.stop, index.step


def printed(expr: Any, names: Mapping[str, str] | None = None) -> str:
    """Return an expression outside of a program as source; `names` gives those of its variables."""
    given = names or {}
    return Printer(lambda value: given.get(value, value), str, str)(expr)


def qualified(function: Any) -> str:
    """Return the name under which generated code knows a function or class."""
    name: str = function.__name__
    for prefix, module in PLACES:
        if getattr(module, name, None) is function:
            return prefix + name
    for prefix in ("linalg_", "fft_", "special_"):
        if name.startswith(prefix):  # torch.linalg.inv calls itself linalg_inv
            return f"torch.{prefix[:-1]}.{name.removeprefix(prefix)}"
    for alias, value in vars(F).items():
        if value is function:
            return f"F.{alias}"  # F.logsigmoid calls itself log_sigmoid
    if function.__module__.startswith("torchmetrics."):
        return f"torchmetrics.{name}"
    if is_helper(function):
        return name
    raise TypeError(f"{function!r} is neither torch's nor a helper of torchtwin's")


def is_helper(function: Any) -> bool:
    """Tell whether a function or class is copied into the output that uses it."""
    return str(getattr(function, "__module__", "")).startswith(HELPERS)
