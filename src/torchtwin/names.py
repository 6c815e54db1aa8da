"""Python identifiers for names out of model files."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

LONGEST = 60
RESERVED = frozenset(
    [
        *keyword.kwlist,
        *keyword.softkwlist,
        *dir(builtins),
        "self",
        "torch",
        "nn",
        "F",
        "Path",
        "load",
    ]
)
METHODS = frozenset({"logits", "reset_parameters", "with_masks"})
"""Methods that an emitted class may have: no submodule can be called so."""


def identifier(name: str) -> str:
    """Return `name` as an ASCII identifier in lower case with underscores."""
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    word = re.sub(r"[^0-9a-zA-Z]+", "_", word).strip("_").lower()[:LONGEST].rstrip("_")
    if not word:
        return "layer"
    return f"layer_{word}" if word[0].isdigit() else word


def identifiers(names: Iterable[str], base: type | None = None) -> dict[str, str]:
    """Return an identifier for each name: unique, no keyword, no attribute of a `base`."""
    # Of an instance: `training` of a module is set by its __init__, the class has only a hint.
    reserved = {*RESERVED, *({*dir(base()), *METHODS} if base is not None else ())}
    taken: set[str] = set()
    result = {}
    for name in names:
        word = identifier(name)
        if word in reserved:
            word += "_"
        unique, count = word, 1
        while unique in taken:
            count += 1
            unique = f"{word}_{count}"
        taken.add(unique)
        result[name] = unique
    return result


def snake(class_name: str) -> str:
    """Return the name that Keras gives the group of a layer of this class."""
    name = re.sub(r"\W+", "", class_name.rpartition(">")[2])
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
