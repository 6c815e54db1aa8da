"""What the author's own layers add to the loss, and the bounds that they set their weights.

Other layers say so in their config; these do it in their code, `add_loss` and the `regularizer` and
`constraint` of `add_weight`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import nn

from torchtwin.emit.helpers import is_own
from torchtwin.evaluate import instance
from torchtwin.program import Class


class Added(NamedTuple):
    """Whether own layers add to the loss, and whether they bound weights."""

    losses: bool = False
    bounds: bool = False


def added_by_own(program: Class) -> Added:
    """Return what the author's own layers of a program do in training."""
    modules = list(_within_own(program))
    return Added(
        any(_adds(m) or _has(m, "penalty", "penalties") for m in modules),
        any(_has(m, "constraint", "constraints") for m in modules),
    )


def _within_own(program: Class) -> Iterator[nn.Module]:
    for sub in program.submodules:
        if isinstance(sub.constructor, Class):
            yield from _within_own(sub.constructor)
        elif is_own(sub.constructor):
            yield from instance(sub.constructor).modules()


def _adds(module: nn.Module) -> bool:
    return "losses" in vars(module) and vars(module).get("activity_regularizer", True) is not None


def _has(module: nn.Module, kind: str, kinds: str) -> bool:
    own = [p for p in module.parameters(recurse=False) if getattr(p, kind, None) is not None]
    return bool(own or vars(module).get(kinds))
