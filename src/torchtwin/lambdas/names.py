"""What global names mean in a Lambda: the file does not say, but everyone imports the same."""

from __future__ import annotations

import builtins
from collections.abc import Mapping

from torchtwin.bytecode.code import NotUnderstood

GLOBALS: Mapping[str, str] = {
    "K": "K", "backend": "K", "tf": "tf", "tensorflow": "tf", "keras": "keras", "ops": "keras.ops",
    "np": "numpy", "numpy": "numpy", "math": "math", "tfk": "keras", "kops": "keras.ops",
    "knp": "keras.ops", "layers": "keras.layers", "activations": "keras.activations",
}  # fmt: skip
"""Names of modules by convention. `K` is Keras's backend, or keras.ops where that is Keras 3."""

PYTHON = frozenset([
    "abs", "bool", "dict", "enumerate", "float", "int", "isinstance", "len", "list", "max", "min",
    "range", "reversed", "round", "slice", "str", "sum", "tuple", "zip", "pow", "print", "set",
])  # fmt: skip
"""Python's own functions that a Lambda may call; the evaluator has each."""

MODULES = (
    ("K.tf", "tf"), ("keras.backend.tf", "tf"),
    ("tensorflow.keras.backend", "K"), ("tensorflow.python.keras.backend", "K"),
    ("tf_keras.backend", "K"), ("keras.backend", "K"), ("keras.src.backend", "K"),
    ("tf_keras.src.backend", "K"), ("keras.src.ops", "keras.ops"), ("tf.keras.backend", "K"),
    ("keras.src.activations", "keras.activations"), ("tensorflow.keras", "keras"),
    ("tensorflow.python.keras", "keras"), ("tf_keras", "keras"), ("tf.keras", "keras"),
    ("tensorflow.python", "tf"), ("tensorflow.compat.v1", "tf"), ("tensorflow.compat.v2", "tf"),
    ("tf.compat.v1", "tf"), ("tf.compat.v2", "tf"), ("tensorflow", "tf"), ("np", "numpy"),
)  # fmt: skip
"""Beginnings of dotted names, and what stands for them; the longest first."""


def canonical(path: str) -> str:
    """Return a dotted name under its shortest well-known beginning."""
    for beginning, short in MODULES:
        if path == beginning or path.startswith(f"{beginning}."):
            return canonical(short + path[len(beginning) :]) if short != path else path
    return path


def global_name(word: str) -> str:
    """Return what a global name stands for; refuse one that only its author's file can tell."""
    if word in GLOBALS:
        return GLOBALS[word]
    if word in PYTHON:
        return f"python.{word}"
    if word in vars(builtins):
        raise NotUnderstood(f"it uses {word}")
    raise NotUnderstood(f"it uses the name {word}, whose value is not in the file")
