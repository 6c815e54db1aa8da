"""Whether a text is a program of Keras at all: most files are not, and come back as they are."""

from __future__ import annotations

import ast
import re
import warnings

from torchtwin.translate.canonical import ROOTS, canonical

UNBOUND = {name: canonical(name) for name in ("keras", "tf", "tensorflow", "tf_keras")}
"""What a part of a program that leaves its imports out means by these names."""
_MENTIONED = re.compile(rf"\b({'|'.join(sorted({*ROOTS, *UNBOUND}))})\b")


def uses_keras(text: str) -> bool:
    """Tell whether a text imports Keras or TensorFlow, or names them without an import.

    A word in a comment or in a string is no use of them. What Python's own parser does not take is
    for LibCST to judge.
    """
    if not _MENTIONED.search(text):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the escapes in the program's strings
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    read, bound = set(), set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                if any(_is_root(alias.name) for alias in names):
                    return True
                bound |= {alias.asname or alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=module, names=names, level=level):
                if not level and _is_root(module or ""):
                    return True
                bound |= {alias.asname or alias.name for alias in names}
            case ast.Name(id=name, ctx=ast.Load()):
                read.add(name)
            case ast.Name(id=name) | ast.arg(arg=name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
    return bool(read & set(UNBOUND) - bound)


def _is_root(dotted: str) -> bool:
    return dotted.partition(".")[0] in ROOTS
