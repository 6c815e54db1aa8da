"""Classes that come from a layer of Keras come from the module that the layer becomes."""

from __future__ import annotations

from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Source
from torchtwin.nn.bases import (
    Conv1dBase,
    Conv2dBase,
    Conv3dBase,
    DenseBase,
    DropoutBase,
    WrapperBase,
)
from torchtwin.nn.bases_sequence import (
    GRUBase,
    GRUCellBase,
    LSTMBase,
    LSTMCellBase,
    MultiHeadAttentionBase,
    RNNBase,
    RNNCellBase,
)
from torchtwin.translate.registry import CLASSES, constructor_of
from torchtwin.view import LayerView

BASES: dict[str, type] = {
    "Dense": DenseBase, "Conv1D": Conv1dBase, "Conv2D": Conv2dBase, "Conv3D": Conv3dBase,
    "Dropout": DropoutBase, "Wrapper": WrapperBase, "LSTM": LSTMBase, "GRU": GRUBase,
    "SimpleRNN": RNNBase, "LSTMCell": LSTMCellBase, "GRUCell": GRUCellBase,
    "SimpleRNNCell": RNNCellBase, "MultiHeadAttention": MultiHeadAttentionBase,
}  # fmt: skip
"""Layers with classes that take Keras's options, for those that hand on what they are given."""


def general(root: str) -> type | None:
    """Return the class that takes the options of a layer by Keras's names, where there is one."""
    name = root.rpartition(".")[2]
    return BASES.get(CLASSES.get(name, name)) if root.startswith("keras.layers.") else None


def base_class(root: str) -> Any:
    """Return the PyTorch class that a layer of Keras becomes; refuse those that become none."""
    name = root.rpartition(".")[2]
    if (known := general(root)) is not None:
        return known
    rule = constructor_of(name)
    if rule is None:
        raise UnsupportedError(f"a class that comes from {root} is not translated")
    made = rule(_View(name, {}, []))  # only its class is asked for
    if made is None or not isinstance(made.expr, Call) or made.activation not in (None, "linear"):
        raise UnsupportedError(f"a class that comes from {root} is not translated")
    return made.expr.function


class _View(LayerView):
    """A layer whose arguments without default stand for themselves."""

    def __getitem__(self, name: str) -> Any:
        known = name in self.defaults or name in self.config
        return super().__getitem__(name) if known else Source(name)
