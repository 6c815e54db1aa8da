"""Axes taken apart, reordered and joined by a pattern: "b (h p) c -> b h (p c)"."""

from __future__ import annotations

import re
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.ops.registry import expr, op
from torchtwin.ops.values import tensor

SIDE = re.compile(r"(\s*(\w+|\([\w\s]+\)))+\s*")


def groups(side: str) -> list[list[str]]:
    """Return the letters of each axis of one side of a pattern."""
    if not SIDE.fullmatch(side) or re.search(r"\b\d", side):
        raise UnsupportedError(f"the pattern {side!r} is not translated")
    return [part.strip("()").split() for part in re.findall(r"\w+|\(.*?\)", side)]


@op("Rearrange")
def rearrange(x: Any, pattern: Any, **axes_lengths: Any) -> Any:
    if not isinstance(pattern, str) or pattern.count("->") != 1:
        raise UnsupportedError("a rearrangement by a pattern that the program makes")
    before, after = (groups(side) for side in pattern.split("->"))
    names = [name for group in before for name in group]
    wanted = [name for group in after for name in group]
    if sorted(names) != sorted(wanted) or len(set(names)) < len(names):
        raise UnsupportedError(f"the pattern {pattern!r} is not translated")
    x = tensor(x).expr
    for k in range(len(before) - 1, -1, -1):
        if len(before[k]) > 1:
            sizes = [expr(axes_lengths.get(name, -1)) for name in before[k]]
            if sum(name not in axes_lengths for name in before[k]) > 1:
                raise UnsupportedError(f"the pattern {pattern!r} without lengths of its axes")
            x = x.unflatten(k, tuple(sizes))
    if names != wanted:
        x = x.permute(*(names.index(name) for name in wanted))
    for k in range(len(after) - 1, -1, -1):
        if len(after[k]) > 1:
            first = sum(len(group) for group in after[:k])
            x = x.flatten(first, first + len(after[k]) - 1)
    return x
