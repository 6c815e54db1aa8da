"""Writes src/torchtwin/translate/public_names.json: what `from keras.layers import *` brings.

python scripts/make_public_names.py        needs keras and tf_keras
"""

from __future__ import annotations

import importlib
import json
import os
import types
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

TARGET = Path(__file__).parents[1] / "src/torchtwin/translate/public_names.json"
MODULES = ("activations", "backend", "callbacks", "constraints", "datasets", "initializers",
           "layers", "losses", "metrics", "models", "ops", "optimizers", "random", "regularizers",
           "utils", "optimizers.schedules", "applications", "preprocessing.image",
           "preprocessing.sequence", "preprocessing.text")  # fmt: skip


def public(name: str) -> set[str]:
    """Return the names that a star import of a module binds, in Keras 2 or 3."""
    found: set[str] = set()
    for home in ("keras", "keras._tf_keras.keras", "tf_keras"):
        try:
            module = importlib.import_module(f"{home}.{name}")
        except ImportError:
            continue
        found |= {n for n in dir(module) if not n.startswith("_") and n != "annotations"}
    return found


def main() -> None:
    names = {f"keras.{name}": sorted(public(name)) for name in MODULES}
    names["keras.layers"] += ["Merge", "merge"]  # of Keras 1
    names["keras.utils"] += ["np_utils"]
    root = importlib.import_module("keras")
    own = [n for n, v in vars(root).items() if not n.startswith("_")]
    names["keras"] = sorted(n for n in own if isinstance(getattr(root, n), type | types.ModuleType))
    TARGET.write_text(json.dumps(names, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
