"""`super().__init__(...)` of classes that come from a layer of Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call
from torchtwin.translate.builtin import base_class, general
from torchtwin.translate.containers import sequential
from torchtwin.translate.program import Program
from torchtwin.translate.resolve import layer
from torchtwin.translate.values import text_of

if TYPE_CHECKING:
    from torchtwin.translate.rewriter import Rewriter


def of_builtin(rewriter: Rewriter, root: str, original: cst.Call, updated: cst.Call) -> Any:
    """`super().__init__(units, **kwargs)` of a layer of Keras: as its translation takes it."""
    if root == "keras.Sequential":
        return _chained(rewriter.program, original, updated)
    if general(root) is not None:
        return updated.with_changes(func=cst.parse_expression("super().__init__"))
    kept = [a for a in original.args if a.star != "**"]
    after = [a for a in updated.args if a.star != "**"]
    made = layer(
        rewriter.program,
        root.rpartition(".")[2],
        original.with_changes(args=kept),
        updated.with_changes(args=after),
    )
    if not isinstance(made, Call) or made.function is not base_class(root):
        raise UnsupportedError(f"super().__init__ of {root} with these arguments is not translated")
    text = rewriter.program.text(Call(made.function, made.args, made.kwargs))
    return cst.parse_expression("super().__init__" + text[text.index("(") :])


def _chained(program: Program, original: cst.Call, updated: cst.Call) -> cst.Call:
    """What a class that comes from Sequential hands on, as nn.Sequential takes it."""
    kept = [k for k, arg in enumerate(original.args) if arg.star != "**"]
    if len(kept) < len(original.args):
        original = original.with_changes(args=[original.args[k] for k in kept])
        updated = updated.with_changes(args=[updated.args[k] for k in kept])
    made = cst.ensure_type(sequential(program, original, updated), cst.Call)
    if text_of(made.func) != "nn.Sequential":
        raise UnsupportedError("a class that comes from Sequential, with a mask inside it")
    return made.with_changes(func=cst.parse_expression("super().__init__"))
