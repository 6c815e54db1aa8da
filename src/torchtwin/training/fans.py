"""How many numbers come in and go out, as initializers count them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.training.variables import Weight


@dataclass(frozen=True)
class Fans:
    """The two counts. In `nn.init` the first axis of a weight goes out, the second comes in."""

    into: int
    out: int

    def of(self, mode: str) -> float:
        """Return the count that a mode of VarianceScaling names."""
        return {"fan_in": self.into, "fan_out": self.out}.get(mode, (self.into + self.out) / 2)

    def mode_of(self, torch: Fans | None, mode: str) -> str | None:
        """Return the mode in which torch counts as these count in `mode`, or None."""
        if torch is None:
            return None
        other = {"fan_in": "fan_out", "fan_out": "fan_in"}.get(mode, mode)
        return next((m for m in (mode, other) if torch.of(m) == self.of(mode)), None)


def torch_fans(shape: Sequence[int]) -> Fans | None:
    """Return what `nn.init` counts, None where it refuses: for vectors."""
    if len(shape) < 2:
        return None
    field = math.prod(shape[2:])
    return Fans(shape[1] * field, shape[0] * field)


def fans_of(weight: Weight, shape: Sequence[int], config: Mapping[str, Any]) -> Fans:
    """Return what Keras counts for a variable of this shape (`compute_fans`).

    An initializer may name the axes that go in and out. EinsumDense, and the projections of an
    attention, which are of that class, name them for it (keras/src/layers/core/einsum_dense.py,
    `build`), but only since initializers have these arguments: a file without them is of a Keras
    that counted as for a convolution.
    """
    inputs, outputs = config.get("input_axes"), config.get("output_axes")
    knows = "input_axes" in config
    if knows and weight.variable == "kernel" and (inputs is None or outputs is None):
        inputs, outputs = _einsum_axes(weight) or (inputs, outputs)
    if inputs is not None and outputs is not None:
        listed = [v if isinstance(v, list | tuple) else (None,) for v in (inputs, outputs)]
        axes = [k for part in listed for k in part]
        if not all(isinstance(k, int) and -len(shape) <= k < len(shape) for k in axes):
            raise UnsupportedError(f"an initializer over the axes {axes}")
        return Fans(math.prod(shape[k] for k in inputs), math.prod(shape[k] for k in outputs))
    if len(shape) < 2:
        return Fans(*[shape[0] if shape else 1] * 2)
    field = math.prod(shape[:-2])
    return Fans(shape[-2] * field, shape[-1] * field)


def _einsum_axes(weight: Weight) -> tuple[list[int], list[int]] | None:
    """Return the axes of an einsum's kernel that go in and those that come out."""
    rank = len(weight.keras_shape)
    if weight.class_name in ("MultiHeadAttention", "GroupQueryAttention"):
        count = 2 if "output_dense/" in weight.notation.variable else 1
        return list(range(count)), list(range(count, rank))
    if weight.class_name != "EinsumDense":
        return None
    equation = str(weight.config["equation"]).replace(" ", "")
    kernel, made = equation.partition(",")[2].split("->")
    if len(kernel) != rank:  # packed, as a quantized one may be
        return None
    out = [k for k, letter in enumerate(kernel) if letter in made]
    return [k for k in range(rank) if k not in out], out
