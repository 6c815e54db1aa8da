"""Layers that merge tensors: Add, Concatenate and kin."""

from __future__ import annotations

from functools import reduce

import torch

from torchtwin.expr import call
from torchtwin.rule import ANY, Case, Piece, rule
from torchtwin.view import LayerView


@rule("Add", layout=ANY, mask="stop", cases=[Case({}, [(2, 4), (2, 4)])])
def add(layer: LayerView) -> Piece:
    return Piece(reduce(lambda a, b: a + b, [t.expr for t in layer.inputs]))


@rule("Concatenate", layout=ANY, cases=[Case({"axis": -1}, [(2, 4), (2, 3)])])
def concatenate(layer: LayerView) -> Piece:
    return Piece(
        call(torch.cat, [t.expr for t in layer.inputs], dim=layer.input.axis(layer["axis"]))
    )
