"""What fills torch's own modules, and those of torchtwin.nn that graphs use too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from torchtwin.filling.tables import filled_by, keras_variables
from torchtwin.layers.rnn.cells import GATES
from torchtwin.nn.activations import PReLU
from torchtwin.nn.attention import AdditiveAttention, DotAttention, SumAttention
from torchtwin.nn.masked import MaskedLSTM
from torchtwin.nn.normalization import FrozenBatchNorm, MaskedBatchNorm
from torchtwin.nn.recurrent import LoopGRU, LoopLSTM, LoopRNN
from torchtwin.notation import Notation

AXES = {1: "w", 2: "h w", 3: "d h w"}


LINEAR = {"weight": "kernel: i o -> o i", "bias": "bias"}
NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, FrozenBatchNorm, MaskedBatchNorm)
INSTANCE_NORMS = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)

keras_variables(LINEAR, nn.Linear)
keras_variables(NORM, *BATCH_NORMS, *INSTANCE_NORMS, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
keras_variables({"weight": "embeddings"}, nn.Embedding, nn.EmbeddingBag)
keras_variables({"weight": "alpha"}, PReLU, nn.PReLU)
keras_variables({"scale": "scale"}, DotAttention, AdditiveAttention)
keras_variables({"scale": "scale", "weight": "concat_score_weight"}, SumAttention)


@filled_by(nn.Conv1d, nn.Conv2d, nn.Conv3d)
def convolution(module: Any) -> Mapping[str, Any]:
    axes = AXES[len(module.kernel_size)]
    kernel: Any = f"kernel: {axes} i o -> o i {axes}"
    if module.groups == module.in_channels > 1:  # DepthwiseConv2D, or Conv2D(groups=...)
        depthwise = f"kernel: {axes} i m -> (i m) 1 {axes}"
        kernel = (kernel, Notation(depthwise, {"i": module.in_channels}))
    return {"weight": kernel, "bias": "bias"}


@filled_by(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
def transposed_convolution(module: Any) -> Mapping[str, str]:
    axes = AXES[len(module.kernel_size)]
    return {"weight": f"kernel: {axes} o i -> i o {axes}", "bias": "bias"}


def gates_of(kind: str) -> tuple[str, str]:
    """Return the gates of a recurrent layer in Keras's order and in PyTorch's."""
    before, _, after = GATES[kind].partition(" -> ")
    return before, after


def recurrent_weights(kind: str, *, rows: bool, suffix: str = "") -> dict[str, str]:
    """Return the table of a recurrent module; `rows` tells that its two biases are one in Keras."""
    before, after = gates_of(kind)
    table = {
        f"weight_ih{suffix}": f"kernel: d {before} -> {after} d",
        f"weight_hh{suffix}": f"recurrent_kernel: d {before} -> {after} d",
        f"bias_ih{suffix}": f"bias{'[0]' * rows}: {before} -> {after}",
    }
    second = f"bias[1]: {before} -> {after}" if rows else "zeros"
    return {**table, f"bias_hh{suffix}": second}


KINDS = {nn.LSTM: "LSTM", nn.GRU: "GRU", nn.RNN: "SimpleRNN"}


@filled_by(nn.LSTM, nn.GRU, nn.RNN)
def fused(module: Any) -> Mapping[str, str]:
    kind = next(KINDS[cls] for cls in type(module).__mro__ if cls in KINDS)
    ways = ["_l0", "_l0_reverse"] if module.bidirectional else ["_l0"]
    tables = [recurrent_weights(kind, rows=kind == "GRU", suffix=way) for way in ways]
    if len(ways) > 1:
        both = zip(("forward_layer/", "backward_layer/"), tables, strict=True)
        tables = [
            {k: n if n == "zeros" else where + n for k, n in table.items()} for where, table in both
        ]
    return {name: notation for table in tables for name, notation in table.items()}


keras_variables(recurrent_weights("SimpleRNN", rows=False), LoopRNN)
keras_variables(recurrent_weights("LSTM", rows=False), LoopLSTM, MaskedLSTM)


@filled_by(LoopGRU)
def loop_gru(module: Any) -> Mapping[str, str]:
    return recurrent_weights("GRU", rows=module.reset_after)
