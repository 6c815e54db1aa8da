"""Turns JSON text from a file into plain data, within limits that no real model reaches."""

from __future__ import annotations

import json
from typing import Any

from torchtwin.errors import UnreadableModel

LARGEST_TEXT = 64 << 20
DEEPEST = 160
"""Levels of nesting: a model inside a model costs five."""


def parsed(text: bytes | str, what: str) -> dict[str, Any]:
    """Return the JSON object in `text`; `what` names it in errors."""
    if len(text) > LARGEST_TEXT:
        raise UnreadableModel(f"{what} is too large: {len(text)} bytes")
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        data = json.loads(text)
        if isinstance(data, str):  # json.dump(model.to_json()): JSON wrapped in a JSON string
            data = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableModel(f"{what} is not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise UnreadableModel(f"{what} holds a JSON {type(data).__name__}, not an object")
    if depth_over(data, DEEPEST):
        raise UnreadableModel(f"{what} nests deeper than {DEEPEST} levels")
    return data


def depth_over(data: Any, limit: int) -> bool:
    """Tell whether lists and dicts nest deeper than `limit`, without recursion."""
    level = [data]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
