"""The arguments of a layer's call by their names, however the call gives them.

Names and order are those of `call` in Keras 3.15 (keras/src/layers).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.graph import Layer, refs
from torchtwin.recurrent import RECURRENT
from torchtwin.view import defaults

ATTENDING = ("query", "value", "key", "query_mask", "value_mask", "key_mask", "attention_mask",
             "return_attention_scores", "training", "use_causal_mask")  # fmt: skip
SCORING = ("inputs", "mask", "training", "return_attention_scores", "use_causal_mask")
SINGLE = ("inputs", "training")
CALLS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Attention", "AdditiveAttention"), SCORING),
    **dict.fromkeys(("MultiHeadAttention", "GroupQueryAttention"), ATTENDING),
    **dict.fromkeys(RECURRENT, ("sequences", "initial_state", "mask", "training")),
    **dict.fromkeys(("GlobalAveragePooling1D", "Softmax"), ("inputs", "mask")),
    **dict.fromkeys(("BatchNormalization", "Pipeline", "TimeDistributed"), (*SINGLE, "mask")),
    **dict.fromkeys(("LSTMCell", "GRUCell", "StackedRNNCells"), ("inputs", "states", "training")),
    "SimpleRNNCell": ("sequence", "states", "training"),
    "Lambda": ("inputs", "mask", "training"),
    "CategoryEncoding": ("inputs", "count_weights"),
    "ReversibleEmbedding": ("inputs", "reverse"),
}
"""Calls of layers that take more than `inputs` and `training`."""
FIRST = ("inputs", "data", "x", "sequences", "sequence")
"""Names that layers have for the first argument."""
KEPT = {"query": len(ATTENDING), "sequences": 2}
"""How many arguments stay where they are: the rules of these layers know their places."""


def placed(
    layer: Layer, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call of a layer of Keras, all but the first by their names.

    Raises UnsupportedError for more arguments than the layer's call has.
    """
    if layer.graph is not None or layer.class_name not in defaults():
        return args, dict(kwargs)
    names, named = CALLS.get(layer.class_name, SINGLE), dict(kwargs)
    first = next((name for name in FIRST if name in named), None)
    if not args and first is not None:
        args = (named.pop(first),)
    kept = KEPT.get(names[0], 1)
    for k, value in enumerate(args[kept:], kept):
        given = any(True for _ in refs(value))
        if k >= len(names) or (names[k] == "training" and given):
            raise UnsupportedError(
                f"{layer.class_name} called with {len(args)} arguments is not translated",
                where=layer.path,
                hint="give the arguments of the call by their names",
            )
        if value is not None and names[k] != "training":
            named.setdefault(names[k], value)
    return args[:kept], named
