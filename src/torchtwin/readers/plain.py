"""Turns JSON text from a file into plain data, within limits that no real model reaches.

Stricter than Python's reader: a key that is there twice means one thing to one reader and another
to the next, NaN is no JSON, and half a character cannot be written.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torchtwin.errors import UnreadableModel
from torchtwin.limits import limit, told

CALLS = ("inbound_nodes", "arguments")
"""Where numbers are operands, of which infinity may be one: `ops.where(x, y, -inf)`."""

LARGEST_NUMBER = 1 << 64


class _Refused(ValueError):
    """What is JSON, and is not taken."""


def contents(path: Path) -> bytes:
    """Return the text of a file, of which the size is looked at first."""
    if path.stat().st_size > limit("TEXT"):
        size = path.stat().st_size
        raise UnreadableModel(f"{path.name} is too large: {size} bytes", hint=told("TEXT"))
    return path.read_bytes()


def parsed(text: bytes | str, what: str) -> dict[str, Any]:
    """Return the JSON object in `text`; `what` names it in errors."""
    if len(text) > limit("TEXT"):
        raise UnreadableModel(f"{what} is too large: {len(text)} bytes", hint=told("TEXT"))
    data = _loaded(text, what)
    if isinstance(data, str):  # json.dump(model.to_json()): JSON wrapped in a JSON string
        data = _loaded(data, what)
    if not isinstance(data, dict):
        raise UnreadableModel(f"{what} holds a JSON {type(data).__name__}, not an object")
    if (depth := limit("DEPTH")) and depth_over(data, depth):
        raise _too_deep(what)
    for key, value in _values(data):
        if problem := _problem(value):
            raise UnreadableModel(f"{what} holds {problem} at '{key}'")
    return data


def _loaded(text: bytes | str, what: str) -> Any:
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableModel(f"{what} is not JSON: it is not UTF-8 ({error})") from None
    if sum(map(text.count, ",[{")) > limit("ITEMS"):
        raise UnreadableModel(f"{what} holds too many values", hint=told("ITEMS"))
    try:
        return json.loads(text, object_pairs_hook=_object)
    except _Refused as error:
        raise UnreadableModel(f"{what} holds {error}") from None
    except RecursionError:
        raise _too_deep(what) from None
    except ValueError as error:
        raise UnreadableModel(f"{what} is not valid JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, count in Counter(k for k, _ in pairs).items() if count > 1)
        raise _Refused(f"a duplicate key: '{twice}'")
    return found


def _too_deep(what: str) -> UnreadableModel:
    return UnreadableModel(
        f"{what} is nested deeper than {limit('DEPTH')} levels", hint=told("DEPTH")
    )


def _values(data: Any) -> Iterator[tuple[str, Any]]:
    """Yield every value that is no list or dict, and every key, with the key that leads there."""
    pending: list[tuple[str, Any]] = [("", data)]
    while pending:
        key, value = pending.pop()
        if isinstance(value, dict):
            yield from ((name, name) for name in value)
            pending += [(key if key in CALLS else name, v) for name, v in value.items()]
        elif isinstance(value, list):
            pending += [(key, inner) for inner in value]
        elif key not in CALLS or not isinstance(value, float):
            yield key, value


HALF = re.compile("[\ud800-\udfff]")


def _problem(value: Any) -> str:
    """Say what is wrong with a single value, "" for nothing."""
    match value:
        case float() if not math.isfinite(value):
            return f"a number that is none in JSON (NaN or Infinity): {value}"
        case int() if abs(value) >= LARGEST_NUMBER:
            return f"an integer that is too large, of {value.bit_length()} bits,"
        case str() if HALF.search(value):
            return "half a character (a surrogate)"
    return ""


def depth_over(data: Any, most: int) -> bool:
    """Tell whether lists and dicts nest deeper than `most`, without recursion."""
    level = [data]
    for _ in range(most):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
