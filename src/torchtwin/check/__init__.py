"""`translate --check`: the user's own code runs in Keras and in PyTorch, and is compared."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torchtwin.errors import UnsupportedError

if TYPE_CHECKING:
    from torchtwin.check.report import Report
    from torchtwin.translate.translation import Translation

USING = (".fit(", ".evaluate(", ".predict(", "_on_batch(")


def check(
    script: Path,
    ported: Path,
    translation: Translation,
    makes: Sequence[str] = (),
    shapes: Sequence[tuple[str, tuple[int, ...]]] = (),
) -> Report:
    """Compare a file with its translation, which lies in `ported`: both are executed.

    A program is run as it is, a file of classes layer by layer: `makes` are calls such as
    "Linear(8)", `shapes` those of the inputs. Raises UnsupportedError where Keras is missing, the
    original does not run in it, or a program is not translated as a whole.
    """
    from torchtwin.check.layers import check_layers
    from torchtwin.check.programs import check_program

    if makes or shapes or not runs(script.read_text(encoding="utf-8")):
        return check_layers(script, ported, makes, shapes, translation.unresolved)
    if translation.unresolved:
        raise UnsupportedError(
            "the program is not checked: it is not translated as a whole", where=str(ported),
            hint='check its layers by themselves: --layer "MyLayer(8)"',
        )  # fmt: skip
    return check_program(script, ported)


def runs(text: str) -> bool:
    """Tell whether a file does something when it is executed, besides defining."""
    if any(word in text for word in USING):
        return True
    kinds = (ast.For, ast.While, ast.With, ast.Expr)
    return any(
        isinstance(node, kinds) and not isinstance(getattr(node, "value", None), ast.Constant)
        for node in ast.parse(text).body
    )
