"""Arithmetic of plain values out of a file or a program: nothing grows without end."""

from __future__ import annotations

from typing import Any

MOST_BITS, MOST_ITEMS, MOST_DIGITS = 128, 10_000, 400
"""Of a whole number, of a text or a list, and what a number may be rounded to."""


class TooLarge(ArithmeticError):
    """The result would be larger than anything that a model needs."""


def check(symbol: str, left: Any, right: Any) -> None:
    """Raise TooLarge before `left symbol right` is computed, where that would be large."""
    sizes = [len(v) if hasattr(v, "__len__") else None for v in (left, right)]
    if sizes == [None, None]:
        if isinstance(left, int) and isinstance(right, int) and _bits(symbol, left, right):
            raise TooLarge("a number that is too large")
        return
    length = max(s or 0 for s in sizes)
    if symbol == "+":
        length = sum(s or 0 for s in sizes)
    elif symbol == "*":
        length *= max((v for v in (left, right) if isinstance(v, int)), default=1)
    if length > MOST_ITEMS or (symbol == "%" and isinstance(left, str | bytes)):
        raise TooLarge("a list that is too long")


def _bits(symbol: str, left: int, right: int) -> bool:
    bits = left.bit_length()
    if symbol == "*":
        return bits + right.bit_length() > MOST_BITS
    if symbol == "**":
        return bits * right > MOST_BITS
    return symbol == "<<" and bits + right > MOST_BITS


def rounded(value: Any, digits: Any = None) -> Any:
    """Return Python's round(value, digits)."""
    if digits is not None and abs(digits) > MOST_DIGITS:
        raise TooLarge("a number that is rounded to too many digits")
    return round(value, digits)


def few(value: Any) -> Any:
    """Return `value`; raise TooLarge when it is a range, a text or a list that is long."""
    if hasattr(value, "__len__") and len(value) > MOST_ITEMS:
        raise TooLarge("a list that is too long")
    return value
