"""EinsumDense."""

from __future__ import annotations

import re
from typing import Any

from torch import nn

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.layers.quantized import (
    adapted,
    lora_einsum,
    quantized_einsum,
    untrained_weight,
)
from torchtwin.nn.einsum import EinsumLinear
from torchtwin.quantization import quantization_of
from torchtwin.rule import Case, Piece, rule
from torchtwin.view import LayerView

EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


@rule(
    "EinsumDense",
    cases=[
        Case({"equation": "ab,bc->ac", "output_shape": 3, "bias_axes": "c"}, (2, 4)),
        Case({"equation": "abc,cd->abd", "output_shape": (3, 5)}, (2, 3, 4), "without bias"),
        Case({"equation": "...x,xy->...y", "output_shape": 5, "bias_axes": "y"}, (2, 3, 4),
             "dots on the left"),
        Case({"equation": "ab...,bc->ac...", "output_shape": 5, "bias_axes": "c"}, (2, 3, 4),
             "dots on the right"),
        Case({"equation": "abc,cde->abde", "output_shape": (3, 2, 5), "bias_axes": "de",
              "activation": "relu"}, (2, 3, 4), "to heads"),
        Case({"equation": "abc,bd->adc", "output_shape": (5, 4), "bias_axes": "d"}, (2, 3, 4),
             "another axis"),
    ],
)  # fmt: skip
def einsum_dense(layer: LayerView) -> Piece:
    equation = layer["equation"].replace(" ", "")
    match = EQUATION.fullmatch(equation)
    if match is None:
        raise UnsupportedError(f"the equation {equation!r} is not translated")
    given, kernel, made = match[2], match[4], match[6]
    lengths = _lengths(layer, given, made, left=bool(match[1]))
    if any(lengths.get(letter) is None for letter in kernel):
        raise UnsupportedError(f"the shape of the kernel in {equation!r} is not in the file")
    shape = tuple(lengths[letter] for letter in kernel)
    axes = layer["bias_axes"]
    plain = given[-1] == kernel[0] and given[:-1] + kernel[1:] == made and len(kernel) == 2
    bias = _bias(layer, made, lengths, dots=bool(match[7])) if axes else None
    if (quantization := quantization_of(layer.config)) is not None:
        return quantized_einsum(layer, equation, shape, bias, quantization)
    if (adapter := adapted(layer)) is not None:
        return lora_einsum(layer, equation, shape, bias, adapter)
    if plain and not match[3] and (not axes or axes == made[-1]):
        module = call(nn.Linear, *shape, bias=bool(axes))
        weights = {"weight": "kernel: i o -> o i"}
    else:
        module = call(EinsumLinear, equation, shape, bias=bias)
        weights = {"weight": "kernel"}
    if axes:
        weights["bias"] = "bias"
    return Piece(
        module=module, weights=weights, activation=layer["activation"], layout=None,
        frozen=untrained_weight(layer),
    )  # fmt: skip


def _lengths(layer: LayerView, given: str, made: str, *, left: bool) -> dict[str, Any]:
    """Return the length of every letter of the kernel."""
    shape, output = layer.input.shape, layer["output_shape"]
    output = (output,) if isinstance(output, int) else output
    known = dict(
        zip(made[::-1] if left else made[1:], output[::-1] if left else output, strict=False)
    )
    ends = shape[len(shape) - len(given) :] if left else shape
    sizes: dict[str, Any] = dict(zip(given, ends, strict=False))
    return sizes | {k: n for k, n in known.items() if n is not None}


def _bias(layer: LayerView, made: str, lengths: dict[str, Any], *, dots: bool) -> tuple[int, ...]:
    """Return the bias's shape: from its first axis to the end, 1 where it is the same."""
    axes, given = layer["bias_axes"], layer["equation"].partition(",")[0].replace(".", "").strip()
    first = min(made.index(letter) for letter in axes)
    behind = layer.input.rank - len(given) if dots else 0
    return (*(lengths[k] if k in axes else 1 for k in made[first:]), *[1] * behind)
