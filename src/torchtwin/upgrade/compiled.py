"""What `compile` was given, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.upgrade.values import plain

KEPT = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "jit_compile")


def plain_compile(compiled: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the compile config without the marks of serialisation.

    Optimizers, losses and metrics are entries: identifiers, as Keras's `get` functions take them,
    or {"class_name", "config"} with the module or the name under which they are registered.
    """
    return {key: plain(compiled.get(key)) for key in KEPT} if compiled else None
