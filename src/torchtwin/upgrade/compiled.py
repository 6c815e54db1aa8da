"""What `compile` was given, as plain values."""

from __future__ import annotations

from typing import Any

from torchtwin.upgrade.values import plain


def plain_compile(compiled: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the compile config without the marks of serialisation."""
    if not compiled:
        return None
    result: dict[str, Any] = plain(compiled)
    return result
