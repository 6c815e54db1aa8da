"""LoRA adapters: Keras 3's own files have them merged into the kernel."""

from __future__ import annotations

from typing import Any

from torchtwin.source import Ordered, Tree


def note_merged(entry: Any, weights: Ordered | Tree | None) -> Any:
    """Return a config whose layers with an adapter say so where its weights are merged."""
    return _noted(entry) if isinstance(weights, Tree) else entry


def _noted(entry: Any) -> Any:
    if isinstance(entry, list):
        return [_noted(part) for part in entry]
    if not isinstance(entry, dict):
        return entry
    noted = {key: _noted(value) for key, value in entry.items()}
    if noted.get("lora_rank"):
        noted["lora_merged"] = True
    return noted
