"""Methods by which a class changes what a layer of Keras does inside, as `_merge_function`.

The module that the layer becomes does not ask for them: a class that has one is refused, where it
does not compute all by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst
import libcst.matchers as m

from torchtwin.errors import UnsupportedError
from torchtwin.translate.builtin import general
from torchtwin.translate.rules.layers_merge import FUNCTIONS
from torchtwin.translate.search import findall

if TYPE_CHECKING:
    from torchtwin.translate.rewriter import Rewriter

KNOWN = frozenset({
    "convolution_op", "inner_loop", "_compute_attention", "_compute_attention_mask",
    "_masked_softmax", "_calculate_scores", "_apply_scores", "_calculate_score_mask", "_moments",
    "_get_noise_shape", "_merge_function",
})  # fmt: skip
"""Methods of Keras's layers that their own `call` asks for, written for others to replace."""


def merges(root: str) -> bool:
    """Tell whether a layer of Keras is one that merges by a function."""
    return root.rpartition(".")[2] in FUNCTIONS


def check(rewriter: Rewriter, cls: cst.ClassDef) -> None:
    """Refuse a method that only a layer of Keras would call."""
    inventory = rewriter.program.inventory
    root = inventory.root(cls.name.value)
    if not root.startswith("keras.layers.") or root == "keras.layers.Layer":
        return
    if inventory.method(cls.name.value, "call") is not None:
        return
    for method in cls.body.body:
        if not isinstance(method, cst.FunctionDef):
            continue
        name = method.name.value
        hook = name in KNOWN or (name.startswith("_") and not name.startswith("__"))
        used = findall(rewriter.program.module, m.Attribute(attr=m.Name(name)))
        kept = name == "_merge_function" and merges(root)
        kept = kept or (name == "convolution_op" and general(root) is not None)
        if not hook or kept or (used and name not in KNOWN):
            continue
        raise UnsupportedError(
            f"{name} changes what {root.rpartition('.')[2]} does inside, which is not translated",
            hint="write a call that computes the whole",
        )
