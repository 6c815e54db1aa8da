"""Writes the arguments of Keras's classes: signatures.json for training and for translating.

    python scripts/make_signatures.py [--check]

training/signatures.json has what `compile` and `fit` take: every class of keras.losses, metrics,
optimizers (with their schedules) and callbacks. translate/signatures.json has those that make a
model: layers, initializers, regularizers, constraints; "call" has the arguments of layers' calls.
Names are in their order; "**" stands for any others.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

PACKAGE = Path(__file__).parents[1] / "src" / "torchtwin"


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


def arguments(cls: type, method: str = "__init__") -> list[str]:
    if getattr(cls, method) is object.__init__:
        return []
    parameters = list(inspect.signature(getattr(cls, method)).parameters.values())[1:]
    return ["**" if p.kind is p.VAR_KEYWORD else p.name for p in parameters]


def makers() -> dict[str, dict[str, list[str]]]:
    """Return the arguments of what makes a model, by every public name."""
    import keras

    found = {
        kind: {
            name: arguments(cls) for name, cls in vars(home).items() if inspect.isclass(cls)
        }
        for kind, home in {
            "layers": keras.layers, "initializers": keras.initializers,
            "regularizers": keras.regularizers, "constraints": keras.constraints,
        }.items()
    }  # fmt: skip
    classes = {name: cls for name, cls in vars(keras.layers).items() if inspect.isclass(cls)}
    layers = {name: cls for name, cls in classes.items() if issubclass(cls, keras.layers.Layer)}
    found["call"] = {name: arguments(cls, "call") for name, cls in layers.items()}
    return found


def text(found: dict[str, dict[str, list[str]]]) -> str:
    """Return a table with a class on each line, so that a change of Keras reads well."""
    kinds = [
        f' "{kind}": {{\n'
        + ",\n".join(f'  "{name}": {json.dumps(a)}' for name, a in sorted(classes.items()))
        + "\n }"
        for kind, classes in sorted(found.items())
    ]
    return "{\n" + ",\n".join(kinds) + "\n}\n"


def main() -> int:
    tables = {
        PACKAGE / "training" / "signatures.json": text(signatures()),
        PACKAGE / "translate" / "signatures.json": text(makers()),
    }
    if "--check" in sys.argv:
        return int(any(new != path.read_text("utf-8") for path, new in tables.items()))
    for path, new in tables.items():
        path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
