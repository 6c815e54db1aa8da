"""SpectralNormalization around a layer with one kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torchtwin.apply import piece_of
from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.graph import Layout
from torchtwin.nn.spectral import SpectralNorm
from torchtwin.rule import ANY, Case, Piece, channels_first, options, rule, rule_of
from torchtwin.view import LayerView

KERNELS = ("kernel", "embeddings")


def _layout(config: Mapping[str, Any], rank: int) -> Layout | None:
    """Return the layout that the inner rule wants."""
    inner = config["layer"]
    wanted = rule_of(inner["class_name"]).wanted(inner["config"], rank)
    found: Layout | None = channels_first(rank) if wanted == ANY else wanted
    return found


def _inner(kind: str, **config: Any) -> dict[str, Any]:
    return {"layer": {"class_name": kind, "config": config}}


@rule(
    "SpectralNormalization",
    layout=_layout,
    takes_mask=True,
    cases=[
        Case(_inner("Dense", units=3, activation="relu"), (2, 5, 4)),
        Case(_inner("Conv2D", filters=3, kernel_size=3, padding="same", strides=2), (2, 6, 7, 2)),
        Case({**_inner("Conv1DTranspose", filters=3, kernel_size=2), "power_iterations": 2},
             (2, 6, 4)),
        Case(_inner("EinsumDense", equation="abc,cde->abde", output_shape=(5, 2, 3)), (2, 5, 4)),
    ],
)  # fmt: skip
def spectral_normalization(layer: LayerView) -> Piece:
    """In training Keras changes the kernel itself, on TensorFlow: PyTorch's does not."""
    if layer.mask is not None:
        raise UnsupportedError("a mask for SpectralNormalization")
    piece = piece_of(layer.inner(layer["layer"], layer.inputs))
    notations = piece.notations()
    kernel = next((n for n in notations.values() if n.variable in KERNELS), None)
    if kernel is None or notations.get("weight") is not kernel:
        raise UnsupportedError(f"SpectralNormalization of {layer['layer']['class_name']}")
    iterations = layer["power_iterations"]
    module = call(
        SpectralNorm, piece.module, **options(axis=_last_axis(kernel)),
        iterations=iterations,
    )  # fmt: skip
    weights = {f"layer.{k}": n.prefixed("layer/") for k, n in notations.items()}
    result: Any = piece.expr
    if layer.input.dtype.startswith("int"):
        result = result.int() if layer.input.dtype == "int32" else result.long()
    return replace(
        piece,
        expr=result,
        module=module,
        weights={**weights, "u": "vector_u"},
        untrained=("vector_u", *(f"layer/{name}" for name in piece.untrained)),
        frozen=tuple(f"layer.{name}" for name in piece.frozen),
    )


def _last_axis(kernel: Any) -> int | None:
    """Return the place of the kernel's last axis in PyTorch's weight, None for the first."""
    if kernel.sides is None:
        return -1
    left, right = kernel.sides
    last = left[-1]
    if last not in right:
        raise UnsupportedError("SpectralNormalization of a kernel whose last axis is not PyTorch's")
    return right.index(last) or None
