"""Writes src/torchtwin/training/signatures.json: the arguments of what `compile` and `fit` take.

    python scripts/make_signatures.py [--check]

Every class of keras.losses, metrics, optimizers (with their schedules) and callbacks, with the
names of its arguments in their order; "**" stands for any others.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

TARGET = Path(__file__).parents[1] / "src" / "torchtwin" / "training" / "signatures.json"


def signatures() -> dict[str, dict[str, list[str]]]:
    import keras

    homes = {
        "losses": [keras.losses], "metrics": [keras.metrics], "callbacks": [keras.callbacks],
        "optimizers": [keras.optimizers, keras.optimizers.schedules],
    }  # fmt: skip
    found = {
        kind: {
            cls.__name__: arguments(cls)
            for home in modules
            for cls in vars(home).values()
            if inspect.isclass(cls)
        }
        for kind, modules in homes.items()
    }
    for names in found["optimizers"].values():
        if "**" in names:  # those of the base class, and no others
            base = found["optimizers"]["Optimizer"]
            names[:] = [*names, *(name for name in base if name not in names)]
    for names in [*found["optimizers"].values(), found["callbacks"]["ReduceLROnPlateau"]]:
        if "**" in names:
            names.remove("**")
    return found


def arguments(cls: type) -> list[str]:
    if cls.__init__ is object.__init__:
        return []
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return ["**" if p.kind is p.VAR_KEYWORD else p.name for p in parameters]


def text() -> str:
    """Return the table with a class on each line, so that a change of Keras reads well."""
    kinds = [
        f' "{kind}": {{\n'
        + ",\n".join(f'  "{name}": {json.dumps(a)}' for name, a in sorted(classes.items()))
        + "\n }"
        for kind, classes in sorted(signatures().items())
    ]
    return "{\n" + ",\n".join(kinds) + "\n}\n"


def main() -> int:
    if "--check" in sys.argv:
        return int(text() != TARGET.read_text(encoding="utf-8"))
    TARGET.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
