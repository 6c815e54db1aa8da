"""Reads an architecture alone: the JSON of `model.to_json()`, of Keras 1 to 3."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from torchtwin.errors import UnreadableModel
from torchtwin.readers import plain, tfjs
from torchtwin.source import Source


def accepts(_path: Path, start: bytes) -> bool:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text[:1] == b"{" or text[:3] == b'"{\\'


def read(path: Path) -> Source:
    model = plain.parsed(plain.contents(path), "the file")
    if tfjs.is_tfjs(model):
        return tfjs.source(path, model)
    if "weight_map" in model:
        from torchtwin.readers import shards

        return shards.read(path, model)
    if "class_name" not in model or "config" not in model:
        raise UnreadableModel(
            "it is JSON, but not a Keras architecture: it has no class_name and config",
            hint="write the file with model.to_json()",
        )
    compiled = model.pop("compile_config", None)
    return Source(
        config=model,
        version=_version(model),
        format="architecture (JSON)",
        compile=compiled if isinstance(compiled, dict) else None,
        origin=path,
    )


def _version(model: dict[str, Any]) -> str:
    """Return the version that the file names, or one that its way of writing shows."""
    if isinstance(stated := model.get("keras_version"), str) and re.match(r"\d", stated):
        return stated
    return "3" if "registered_name" in model or "module" in model else ""
