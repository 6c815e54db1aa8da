"""Masking: steps in which every feature has one value do not count."""

from __future__ import annotations

from torchtwin.expr import Expr, not_equal
from torchtwin.rule import Case, Piece, rule
from torchtwin.view import LayerView


def _mask(layer: LayerView) -> Expr:
    return not_equal(layer.x, layer["mask_value"]).any(-1)


@rule(
    "Masking",
    mask=_mask,
    cases=[Case({}, (3, 5, 4), mask=True), Case({"mask_value": 1.5}, (2, 3, 4), "another value")],
)
def masking(layer: LayerView) -> Piece:
    kept = not_equal(layer.x, layer["mask_value"]).any(-1, keepdim=True)
    return Piece(layer.x * kept)
