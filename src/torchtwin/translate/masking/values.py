"""Masks as texts: the variables that hold them, and what is made of several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LOST = "?"
"""The mask of a tensor that has one, of which is not known what it is."""


@dataclass(eq=False)
class Value:
    """What an expression gives. Two variables of one tensor share their value.

    `mask` is an expression, None where there is none, or LOST; `written` is the one that a
    functional model has written into its graph (see `Results`), the same elsewhere. `parts` are
    those of a list or tuple; `first` tells that the mask is that of its first part, the others
    having none. `call` is the call whose result it is, where only that call makes the mask known.
    """

    mask: str | None = None
    written: Any = ...
    parts: tuple[Value, ...] | None = None
    first: bool = False
    call: object = None

    def __post_init__(self) -> None:
        if self.written is ...:
            self.written = self.mask

    def part(self, k: int) -> Value:
        """Return part `k` of a list or tuple; of a tensor, a slice, which has no mask."""
        if self.parts is not None:
            return self.parts[k] if -len(self.parts) <= k < len(self.parts) else Value()
        known = self.first and k == 0
        return Value(self.mask, self.written, call=self.call) if known else Value()

    def as_written(self) -> Value:
        """Return the value with the mask that the graph of a functional model has."""
        if self.parts is not None:
            return Value(parts=tuple(part.as_written() for part in self.parts))
        return Value(self.written, first=self.first, call=self.call)

    @property
    def masked(self) -> bool:
        if self.parts is not None:
            return any(part.masked for part in self.parts)
        return self.mask is not None

    @property
    def text(self) -> str:
        """The mask as an expression, of a list the list of masks."""
        if self.parts is not None:
            found = [part.text for part in self.parts]
            return LOST if LOST in found else f"[{', '.join(found)}]"
        return self.mask or "None"

    def values(self) -> list[Value]:
        """Return the values in a structure."""
        if self.parts is None:
            return [self]
        return [value for part in self.parts for value in part.values()]


def either(masks: Sequence[str], sure: bool) -> str:
    """Return the mask of what counts in any of several tensors; `sure` where none can be None."""
    texts = list(dict.fromkeys(masks))
    if len(texts) == 1:
        return texts[0]
    whole = " | ".join(texts)
    if sure:
        return whole
    missing = " or ".join(f"{text} is None" for text in texts)
    return f"None if {missing} else {whole}"


def joined(masks: Sequence[str]) -> str:
    """Return the mask of tensors that are put one behind the other along their steps."""
    return f"keras.ops.concatenate([{', '.join(masks)}], axis=1)"


def names_in(text: str) -> set[str]:
    """Return the words in an expression."""
    return set(re.findall(r"[A-Za-z_]\w*", text))
