"""Copies functions and classes of `training.parts` into train.py, and the imports they need."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Collection, Iterable
from typing import Any

from torchtwin.emit.helpers import own_of, source_of

WHEN = re.compile(r"\s+# when: (?P<features>[A-Za-z0-9_ |]+)$")
REMARK = re.compile(r"  # (noqa|type: ignore|fmt: ).*$")


def text_of(part: Any, features: Collection[str]) -> str:
    """Return the source of a part, without the lines for features that are not wanted."""
    lines = []
    for line in source_of(part).strip().splitlines():
        if match := WHEN.search(line):
            if not {name.strip() for name in match["features"].split("|")} & set(features):
                continue
            line = line[: match.start()]
        lines.append(REMARK.sub("", line))
    return "\n".join(lines)


def imports(body: str, parts: Iterable[Any], written: Iterable[str]) -> str:
    """Return the import statements that `body` needs.

    They are those of the modules that the parts come from, and those in `written`.
    """
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    parts = list(parts)
    modules = {part.__module__ for part in parts if own_of(part) is None}
    owned = [line for p in parts if (own := own_of(p)) for line in own.imports.values()]
    sources = [inspect.getsource(sys.modules[name]) for name in sorted(modules)]
    plain: set[str] = set()
    members: dict[str, set[str]] = {}
    for node in (node for text in (*sources, *written, *owned) for node in ast.parse(text).body):
        for alias in getattr(node, "names", []):
            name = alias.asname or alias.name.partition(".")[0]
            if name not in used:
                continue
            as_name = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
            if isinstance(node, ast.Import):
                plain.add(as_name)
            elif isinstance(node, ast.ImportFrom) and not _own(node):
                members.setdefault(str(node.module), set()).add(as_name)
    lines = [f"import {name}" for name in plain]
    lines += [f"from {module} import {', '.join(sorted(n))}" for module, n in members.items()]
    groups: list[list[str]] = [[], [], []]
    for line in sorted(lines, key=lambda text: (text.startswith("from"), text.lower())):
        home = re.split(r"[ .]", line)[1]
        place = 0 if home in sys.stdlib_module_names else 2 if home == "model" else 1
        groups[place].append(line)
    return "\n\n".join("\n".join(group) for group in groups if group)


def _own(node: ast.ImportFrom) -> bool:
    return str(node.module).startswith(("torchtwin", "__future__"))
