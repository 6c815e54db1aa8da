"""Writes src/torchtwin/ops/functions.json: what the functions of Keras and TensorFlow take.

    python scripts/make_functions.py [--check]

"functions" has the parameters of each, with their defaults ("..." for one that is no plain value);
"aliases" the other public names of the same function, those of TensorFlow 1 among them;
"operations" the class of a function of keras.ops.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

TARGET = Path(__file__).parents[1] / "src" / "torchtwin" / "ops" / "functions.json"
SPACES = ("", "math", "nn", "linalg", "random", "image", "signal", "bitwise", "dtypes", "debugging")
KERAS = ("ops", "ops.image", "random", "activations", "backend", "config")


def public(module: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name in sorted(dir(module)):
        value = None if name.startswith("_") else getattr(module, name, None)
        if callable(value) and not inspect.isclass(value):
            yield f"{prefix}.{name}", value


def found() -> Iterator[tuple[str, Any]]:
    """Yield every public function by name; of a name given twice the first one counts."""
    import keras
    import tensorflow as tf
    import tf_keras
    from keras.src.legacy import backend as legacy

    for space in KERAS:
        yield from public(_inside(keras, space), f"keras.{space}")
    for name, value in public(tf_keras.backend, "keras.backend"):
        yield name, getattr(legacy, name.rpartition(".")[2], value)
    for space in SPACES:
        yield from public(_inside(tf, space), f"tf.{space}".rstrip("."))
    old = [("tf.compat.v1", tf.compat.v1)]
    old += [
        (f"tf.compat.v1.{s}", _inside(tf.compat.v1, s))
        for s in SPACES
        if s and hasattr(tf.compat.v1, s)
    ]
    for prefix, module in old:
        yield from public(module, prefix)


def _inside(module: Any, path: str) -> Any:
    for part in filter(None, path.split(".")):
        module = getattr(module, part)
    return module


def plain(value: Any) -> Any:
    """Return a default as Python writes it, a dtype as its name, "..." for other objects."""
    if hasattr(value, "as_numpy_dtype"):
        return repr(value.name)
    if value is None or isinstance(value, bool | int | float | str | tuple):
        return repr(value)
    return "..."


def parameters(function: Any) -> str:
    marks = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    words, starred = [], False
    for p in inspect.signature(function).parameters.values():
        if p.kind is p.KEYWORD_ONLY and not starred:
            words.append("*")
        starred = starred or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        default = "" if p.default is p.empty else f"={plain(p.default)}"
        words.append(marks.get(p.kind, "") + p.name + default)
    return ", ".join(words)


def operation(function: Any) -> str | None:
    """Return the class that a function of keras.ops, or the one it calls, makes; None for none."""
    from keras.src.ops.operation import Operation

    try:
        text = re.sub(r'""".*?"""', "", inspect.getsource(function), flags=re.DOTALL)
    except (OSError, TypeError):
        return None
    home = vars(inspect.getmodule(function))
    for word in re.findall(r"\b(\w+)\(", text):
        named = home.get(word)
        if inspect.isclass(named) and issubclass(named, Operation):
            return word
    alias = re.search(r"\n    return (\w+)\(([\w, ]*)\)\s*$", text)
    if alias is None or alias[2] != ", ".join(inspect.signature(function).parameters):
        return None
    return operation(home[alias[1]])


def tables() -> dict[str, dict[str, str]]:
    functions: dict[str, str] = {}
    aliases: dict[str, str] = {}
    operations: dict[str, str] = {}
    first: dict[int, str] = {}
    kept = []  # an object that is gone would give its id to another
    for name, value in sorted(found(), key=_order):
        if name in functions or name in aliases:
            continue
        kept.append(value)
        if name.startswith("tf.") and id(value) in first:
            aliases[name] = first[id(value)]
            continue
        try:
            functions[name] = parameters(value)
        except (ValueError, TypeError):
            continue
        first.setdefault(id(value), name)
        if name.startswith("keras.ops.") and (made := operation(value)):
            operations[name] = made
    for name in [n for n in (*functions, *aliases) if n.startswith("tf.compat.v1.")]:
        today = "tf." + name.removeprefix("tf.compat.v1.")
        if today not in functions and today not in aliases:  # as TensorFlow 1 was imported
            aliases[today] = aliases.get(name, name)
    return {"aliases": aliases, "functions": functions, "operations": operations}


def _order(entry: tuple[str, Any]) -> tuple[bool, bool, int]:
    name = entry[0]
    return ".v1." in name, name.startswith("tf."), name.count(".")


def text(found: dict[str, dict[str, str]]) -> str:
    kinds = [
        f' "{kind}": {{\n'
        + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(rows.items()))
        + "\n }"
        for kind, rows in sorted(found.items())
    ]
    return "{\n" + ",\n".join(kinds) + "\n}\n"


def main() -> int:
    new = text(tables())
    if "--check" in sys.argv:
        return int(new != TARGET.read_text("utf-8"))
    TARGET.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
