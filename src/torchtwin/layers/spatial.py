"""What rules of convolutions and pooling share: ranks, lengths and Keras's "same" padding."""

from __future__ import annotations

from collections.abc import Sequence

from torchtwin.errors import UnsupportedError
from torchtwin.view import LayerView


def spatial_rank(layer: LayerView) -> int:
    """Return 1, 2 or 3, from a class name such as Conv2DTranspose; refuse another input."""
    layer.ignore("data_format")  # the layout of the input follows from it, not the rule
    rank = next(int(c) for c in layer.class_name if c.isdigit())
    if layer.input.rank != rank + 2:
        raise UnsupportedError(
            f"{layer.class_name} on a tensor of rank {layer.input.rank} is not translated",
            hint="reshape the input to one batch axis, or use TimeDistributed",
        )
    return rank


def lengths(layer: LayerView) -> tuple[int | None, ...]:
    """Return the lengths of the spatial axes of the input."""
    shape = layer.input.shape
    return shape[2:] if layer["data_format"] == "channels_first" else shape[1:-1]


def each(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """Return an argument that may be one number as one number for each spatial axis."""
    return (value,) * rank if isinstance(value, int) else tuple(value)


def same_padding(
    sizes: Sequence[int | None],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> list[tuple[int, int] | None]:
    """Return what Keras pads (before, after) each axis; None where a free length decides.

    Keras makes the output ceil(size / stride) long, so how much it pads depends on the size,
    and the odd one goes after. PyTorch pads both sides equally.
    """
    pads: list[tuple[int, int] | None] = []
    for n, k, s, d in zip(sizes, kernel, stride, dilation, strict=True):
        reach = (k - 1) * d + 1
        if s == 1 or reach == 1:
            total = reach - 1
        elif n is None:
            pads.append(None)
            continue
        else:
            total = max((-(-n // s) - 1) * s + reach - n, 0)
        pads.append((total // 2, total - total // 2))
    return pads


def pad_argument(pads: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Return `pads` as F.pad wants them: the last axis first."""
    return tuple(n for pair in reversed(pads) for n in pair)
