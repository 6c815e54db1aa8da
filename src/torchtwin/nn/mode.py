"""Calls in a mode of their own."""

from __future__ import annotations

from typing import Any


def in_mode(training: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a module, or a method of one, in training mode or not; None keeps its mode."""
    module = getattr(function, "__self__", function)
    if training is None:
        return function(*args, **kwargs)
    modes, before = {part: part.training for part in module.modules()}, module.training
    module.train(bool(training))
    try:
        return function(*args, **kwargs)
    finally:
        for part in module.modules():
            part.training = modes.get(part, before)
