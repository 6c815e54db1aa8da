"""What Keras's layers do with masks: `supports_masking`, `compute_mask` and the argument `mask`.

keras/src/layers; tests compare these tables with the classes themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

KEEP = frozenset({
    "Activation", "ActivityRegularization", "AlphaDropout", "Dense", "Dropout", "ELU",
    "GaussianDropout", "GaussianNoise", "GroupNormalization", "Identity", "LayerNormalization",
    "LeakyReLU", "Normalization", "PReLU", "ReLU", "Rescaling", "SpatialDropout1D",
    "SpatialDropout2D", "SpatialDropout3D", "UnitNormalization",
})  # fmt: skip
"""Layers that hand a mask on and make nothing of it."""
USE_AND_KEEP = frozenset({"BatchNormalization", "TimeDistributed"})
POOLS = frozenset({"GlobalAveragePooling1D", "GlobalAvgPool1D"})
RECURRENT = frozenset({"LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM1D",
                       "ConvLSTM2D", "ConvLSTM3D", "CuDNNLSTM", "CuDNNGRU"})  # fmt: skip
MERGES = frozenset({"Add", "Subtract", "Average"})
SWITCHED = frozenset({"Multiply", "Maximum", "Minimum"})
"""Merges that leave out what a mask hides (keras/src/layers/merging)."""
PAIRS = frozenset({"Attention", "AdditiveAttention"})
HEADS = frozenset({"MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention"})
FUNCTIONS = {
    "add": "Add", "subtract": "Subtract", "multiply": "Multiply", "average": "Average",
    "maximum": "Maximum", "minimum": "Minimum", "concatenate": "Concatenate",
}  # fmt: skip
"""Functions of keras.layers that apply a layer."""


@dataclass(frozen=True)
class Role:
    """What a layer does with a mask.

    `kind` says which of Keras's it is like: "embedding" and "masking" make one; "keep", "use",
    "pool", "recurrent", "merge", "concat", "switched", "pair" and "heads" are given one; "own" is
    a class of the program, "chain" a Sequential, "loss" a loss; "drop" ends a mask. `names` are
    the arguments of its call, `cls` the name of an own class, `made` what made a Sequential. It
    `uses` a mask that it is given, and `keeps` it on its result; `unsure` tells that this, or
    whether it makes one, is only known when the program runs.
    """

    kind: str
    names: tuple[str, ...] = ("inputs",)
    cls: str = ""
    uses: bool = False
    keeps: bool = False
    returns_state: bool | None = False
    unsure: bool = False
    axis: int | None = -1
    made: tuple[cst.Call, ...] = ()


def builtin(name: str, names: tuple[str, ...]) -> Role:
    """Return the role of a layer of keras.layers by its class name."""
    if name in KEEP:
        return Role("keep", names, keeps=True)
    if name in USE_AND_KEEP:
        return Role("use", names, uses=True, keeps=True)
    if name in POOLS:
        return Role("pool", names, uses=True)
    if name in RECURRENT:
        return Role("recurrent", names, uses=True, keeps=True)
    if name in MERGES or name in SWITCHED:
        return Role("merge" if name in MERGES else "switched", names, keeps=True)
    if name == "Concatenate":
        return Role("concat", names, keeps=True)
    if name in PAIRS or name in HEADS:
        return Role("pair" if name in PAIRS else "heads", names, uses=True, keeps=True)
    if name in ("Lambda", "Softmax"):
        return Role(name.lower(), names, keeps=name == "Softmax")
    return Role({"Embedding": "embedding", "Masking": "masking"}.get(name, "drop"), names)
