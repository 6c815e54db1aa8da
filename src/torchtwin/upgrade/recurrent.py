"""Recurrent layers: defaults that the file leaves out, and the CuDNN classes."""

from __future__ import annotations

from typing import Any

from torchtwin.upgrade.context import Context

CUDNN = {"CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU"}
GATED = frozenset({"LSTM", "GRU", "ConvLSTM2D", "LSTMCell", "GRUCell"})


def settle(cls: str, config: dict[str, Any], context: Context) -> str:
    """Write out what the writer's version took for granted; return Keras 3's class."""
    if cls in CUDNN:
        config.update(activation="tanh", recurrent_activation="sigmoid")
        if cls == "CuDNNGRU":
            config["reset_after"] = True
        return CUDNN[cls]
    if context.major < 3:
        if cls in ("GRU", "GRUCell"):
            config.setdefault("reset_after", False)
        if cls in GATED:
            config.setdefault("recurrent_activation", "keras2_hard_sigmoid")
    return cls
