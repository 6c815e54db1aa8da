"""What is true of all recurrent layers, of whatever cells."""

from __future__ import annotations

import torch

from torchtwin.expr import call
from torchtwin.graph import Graph, Node
from torchtwin.view import Tensor

RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D",
             "ConvLSTM3D")  # fmt: skip


def masked_elsewhere(graph: Graph, node: Node) -> bool:
    """Tell whether another call of a node's layer has a mask: one module then serves both."""
    return (
        node.kind == "call"
        and graph.layers[node.layer].class_name in RECURRENT
        and any(o.masks for o in graph.nodes if o.layer == node.layer and o.kind == "call")
    )


def as_mask(tensor: Tensor) -> Tensor:
    """Return a mask that the model is given, of whatever dtype, as truth values."""
    if tensor.dtype == "bool":
        return tensor
    return Tensor(tensor.expr.bool(), tensor.shape, "bool", tensor.layout)


def every_step(tensor: Tensor) -> Tensor:
    """Return the mask under which every step counts."""
    first = tensor.expr[(slice(None), slice(None), *(0,) * (tensor.rank - 2))]
    return Tensor(call(torch.ones_like, first, dtype=torch.bool), tensor.shape[:2], "bool")
