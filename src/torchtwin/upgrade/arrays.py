"""Brings weights of old layouts to today's, lazily."""

from __future__ import annotations

from torchtwin.source import Ordered, Tree
from torchtwin.upgrade.context import Context


def converted(weights: Ordered | Tree | None, context: Context) -> Ordered | Tree | None:
    """Return the weights with every noted conversion applied."""
    return weights
