"""The heads of an attention, and the axes over which it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr
from torchtwin.rule import options
from torchtwin.view import LayerView


@dataclass(frozen=True)
class Heads:
    """How many heads an attention has, and of which sizes."""

    count: int
    keys: int
    size: int
    value_size: int
    gate: bool
    window: int | None

    @property
    def sizes(self) -> dict[str, int]:
        return {"h": self.count, "g": self.keys, "k": self.size, "v": self.value_size}

    @property
    def grouped(self) -> dict[str, Any]:
        """The arguments that PyTorch's usual attention has not."""
        keys = None if self.keys == self.count else self.keys
        return options(key_heads=keys, gate=self.gate, window=self.window)


@dataclass(frozen=True)
class Axes:
    """The axes of the query over which it looks, and those before them."""

    free: tuple[int, ...]
    over: tuple[int, ...]

    @property
    def order(self) -> tuple[int, ...]:
        return (0, *self.free, *self.over, 1 + len(self.free) + len(self.over))

    def together(self, x: Expr) -> Expr:
        """Return a tensor with the axes to look over as one, in front of the features."""
        x = x if self.order == tuple(range(len(self.order))) else x.permute(*self.order)
        return x.flatten(1 + len(self.free), -2) if len(self.over) > 1 else x

    def apart(self, x: Expr, lengths: Any, more: int) -> Expr:
        """Return what `together` made as it was, with `more` axes of features."""
        x = x.unflatten(1 + len(self.free), lengths) if len(self.over) > 1 else x
        back = [self.order.index(k) for k in range(len(self.order))]
        if back == sorted(back):
            return x
        return x.permute(*back, *range(len(back), len(back) - 1 + more))


def axes_of(layer: LayerView, rank: int, given: Any) -> Axes:
    """Return the axes that the argument `given` names; None stands for all that there are."""
    given = (given,) if isinstance(given, int) else given or tuple(range(1, rank - 1))
    over = tuple(k % rank for k in given)
    if not over or len(set(over)) < len(over) or not {*over} <= {*range(1, rank - 1)}:
        raise UnsupportedError(f"{layer.class_name} over the axes {given}")
    return Axes(tuple(k for k in range(1, rank - 1) if k not in over), over)
