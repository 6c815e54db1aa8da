"""Changes files as an attacker or a broken disk does: bytes, JSON values, members of a zip."""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
from collections.abc import Callable
from typing import Any

INTEGERS = (
    0,
    1,
    7,
    0x7F,
    0xFF,
    0xFFFF,
    0x7FFFFFFF,
    0xFFFFFFFF,
    1 << 40,
    (1 << 63) - 1,
    (1 << 64) - 1,
)
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 10**6, 10**12, 2**63, -(2**31), 0.0, 0.5, -1.5, 1e300,
    float("nan"), float("inf"), "", "x", "relu", "same", "../x", "a" * 3000, "\x1b[2J", "\n",
    "__class__", "import os", "'); x(", [], {}, [None], [[]], [-1], [0, 0], [1, 2, 3], [None, None],
    {"class_name": "Lambda", "config": {}}, {"class_name": "__tuple__", "items": [1, 2]},
    {"class_name": "function", "config": "relu"}, {"class_name": "__numpy__", "config": {}},
)  # fmt: skip


def bytes_of(data: bytes, rng: random.Random) -> bytes:
    """Return `data` with a few places changed."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        if not out:
            break
        at = rng.randrange(len(out))
        match rng.randrange(7):
            case 0:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                out[at] = rng.randrange(256)
            case 2:
                width = rng.choice((1, 2, 4, 8))
                value = rng.choice(INTEGERS) & ((1 << 8 * width) - 1)
                out[at : at + width] = value.to_bytes(width, "little")
            case 3:
                del out[at : at + rng.choice((1, 4, 8, 64))]
            case 4:
                end = at + rng.choice((1, 8, 24, 64))
                out[at:at] = out[at:end]
            case 5:  # one place refers to another
                other = rng.randrange(len(out)) & ~7
                out[at & ~7 : (at & ~7) + 8] = other.to_bytes(8, "little")
            case 6 if rng.random() < 0.2:
                del out[at:]
    return bytes(out)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything inside a JSON value."""
    found = []
    pending = [(path, value)]
    while pending:
        at, inner = pending.pop()
        if at:
            found.append(at)
        items = inner.items() if isinstance(inner, dict) else ()
        items = enumerate(inner) if isinstance(inner, list) else items
        pending += [((*at, key), one) for key, one in items]
    return found


def json_of(value: Any, rng: random.Random) -> Any:
    """Return a JSON value with a few parts changed, moved, doubled or left out."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        paths = places(value)
        if not paths:
            break
        path = rng.choice(paths)
        parent = at(value, path[:-1])
        key, other = path[-1], at(value, rng.choice(paths))
        match rng.randrange(8):
            case 0 | 1 | 2:
                parent[key] = copy.deepcopy(rng.choice(ODD))
            case 3:
                del parent[key]
            case 4:
                parent[key] = copy.deepcopy(other)
            case 5 if isinstance(parent, dict):
                parent[rng.choice(["name", "config", "layers", "x", str(key) + "_"])] = other
            case 5:
                parent.insert(key, copy.deepcopy(other))
            case 6:
                inner = parent[key]
                for _ in range(rng.choice((1, 3, 60, 200))):
                    inner = [inner] if rng.random() < 0.5 else {"config": inner}
                parent[key] = inner
            case 7 if isinstance(parent[key], int) and not isinstance(parent[key], bool):
                parent[key] += rng.choice((-1, 1, 7, -100))
            case 7 if isinstance(parent[key], str):
                parent[key] = text_of(parent[key], rng)
        try:
            json.dumps(value)
        except (ValueError, RecursionError):  # it holds itself now
            return None
    return value


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def text_of(text: str, rng: random.Random) -> str:
    """Return a text with a part changed."""
    pieces = ["", "'", '"', '"""', "\\", "\n", "#", "{x}", "\r", "/", "..", "\ufb01", "é",
              "class", "self", " ", "1", "__", "\u202e", "\x00", "🙂", text]  # fmt: skip
    at = rng.randrange(len(text) + 1)
    return (text[:at] + rng.choice(pieces) + text[at + rng.randrange(3) :])[:20_000]


def zip_of(data: bytes, rng: random.Random, change: Callable[[str, bytes], bytes]) -> bytes:
    """Return an archive with members changed, doubled, renamed, left out or compressed."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            name, body = info.filename, old.read(info)
            if rng.random() < 0.5:
                body = change(name, body)
            if rng.random() < 0.03:
                continue
            if rng.random() < 0.03:
                name = rng.choice(["config.json", "../x", "/etc/x", "a\\b", "model.weights.h5", ""])
            method = zipfile.ZIP_DEFLATED if rng.random() < 0.2 else zipfile.ZIP_STORED
            new.writestr(zipfile.ZipInfo(name), body, method)
    raw = target.getvalue()
    return bytes_of(raw, rng) if rng.random() < 0.3 else raw
