"""The limits on what a model file may ask for; no real model comes near them.

Each can be set for a process, in the environment: TORCHTWIN_LIMIT_LAYERS=50000. SECURITY.md lists
them.
"""

from __future__ import annotations

import os

LIMITS = {
    "TEXT": 32 << 20,  # bytes of a config or of another JSON text
    "ITEMS": 2_000_000,  # values in one JSON text
    "DEPTH": 160,  # levels of nesting in it: a model inside a model costs five
    "LAYERS": 20_000,  # layers of a model, those of models inside it too
    "NUMBERS": 200_000,  # numbers in lists of layers' arguments, which the program repeats
    "MEMBERS": 100_000,  # members of a zip archive
    "EXPANSION": 200,  # what a compressed member may grow by, if it is not small
    "OBJECTS": 200_000,  # groups and datasets of an HDF5 file, objects and entries of a checkpoint
}


def limit(name: str) -> int:
    """Return a limit: what the environment says, or the default."""
    given = os.environ.get(f"TORCHTWIN_LIMIT_{name}", "")
    return int(given) if given.isdecimal() else LIMITS[name]


def told(name: str) -> str:
    """Return a hint for what is over a limit."""
    return f"TORCHTWIN_LIMIT_{name} sets another limit than {limit(name)}, for files that you trust"
