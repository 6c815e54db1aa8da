"""Resizing -> F.interpolate, or `resize` for the kernels that PyTorch lacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call, shape_of
from torchtwin.layers.spatial import lengths
from torchtwin.nn.resize import resize
from torchtwin.rule import CHANNELS_FIRST, Case, Piece, options, rule, single
from torchtwin.view import LayerView

KERNELS = ("bicubic", "lanczos3", "lanczos5")


def resized(
    x: Expr,
    old: Sequence[int | None],
    new: Sequence[int | None],
    mode: str,
    *,
    antialias: bool = False,
    factors: Any = None,
) -> Expr:
    """Return `x`, (B, C, H, W), resized; with `factors` to a multiple of what it was.

    Keras's "nearest" takes the pixel under the middle of the new one, "nearest-exact" in PyTorch.
    Its bicubic has the kernel that PyTorch uses with antialias=True; this smooths only where the
    image shrinks.
    """
    target = {"scale_factor": single(tuple(factors))} if factors else {"size": tuple(new)}
    if mode == "nearest":
        return call(F.interpolate, x, mode="nearest-exact", **target)
    if mode == "bilinear":
        return call(F.interpolate, x, mode="bilinear", **target, **options(antialias=antialias))
    grows = all(n is not None and m is not None and m >= n for n, m in zip(old, new, strict=True))
    if mode == "bicubic" and (antialias or grows or factors):
        return call(F.interpolate, x, mode="bicubic", **target, antialias=True)
    if mode not in KERNELS:
        raise UnsupportedError(f"interpolation={mode!r} is not translated")
    size: Any = tuple(new)
    if factors:
        size = tuple(shape_of(x)[k + 2] * f for k, f in enumerate(factors))
    return call(resize, x, size, mode, **options(antialias=antialias))


_BASE = {"height": 5, "width": 7}


@rule(
    "Resizing",
    layout=CHANNELS_FIRST,
    cases=[
        *(
            Case({**_BASE, "interpolation": mode, "antialias": smooth}, (2, 8, 4, 3), mode)
            for mode in ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
            for smooth in (False, True)
        ),
        Case({**_BASE, "interpolation": "bicubic"}, (2, 4, 4, 3), "growing"),
        Case({**_BASE, "data_format": "channels_first"}, (2, 3, 8, 4), "channels first"),
        Case({**_BASE, "crop_to_aspect_ratio": True}, (2, 8, 5, 3), "crop rows"),
        Case({**_BASE, "crop_to_aspect_ratio": True}, (2, 5, 12, 3), "crop columns"),
        Case(
            {**_BASE, "pad_to_aspect_ratio": True, "fill_value": 0.5}, (2, 8, 5, 3), "pad columns"
        ),
        Case({**_BASE, "pad_to_aspect_ratio": True}, (2, 5, 12, 3), "pad rows"),
        Case(_BASE, (2, 8, 4, 3), "any size", free=True),
    ],
)
def resizing(layer: LayerView) -> Piece:
    if layer.input.rank != 4:
        raise UnsupportedError("Resizing of a single image, without a batch, is not translated")
    layer.call("training")  # it is recorded, and changes nothing
    new, mode = (layer["height"], layer["width"]), layer["interpolation"].lower()
    if layer.input.dtype not in ("float16", "bfloat16", "float32", "float64"):
        raise UnsupportedError(
            f"Resizing of {layer.input.dtype} is not translated: halves round either way",
            hint="give the model an input of float32",
        )
    x, old = _framed(layer, layer.x, lengths(layer), new)
    return Piece(resized(x, old, new, mode, antialias=layer["antialias"]))


def _framed(
    layer: LayerView, x: Expr, old: tuple[int | None, ...], new: tuple[int, int]
) -> tuple[Expr, tuple[int | None, ...]]:
    """Return the image cropped or padded to the new ratio, as the layer asks, and its size."""
    crop, pad = layer["crop_to_aspect_ratio"], layer["pad_to_aspect_ratio"]
    layer.ignore("fill_mode")  # Keras knows "constant" only
    if not crop and not pad:
        layer.ignore("fill_value")
        return x, old
    height, width = old
    if height is None or width is None:
        raise UnsupportedError("an aspect ratio is kept, and the size of the input is free")
    rows, columns = int(width * new[0] / new[1]), int(height * new[1] / new[0])
    if crop:
        layer.ignore("fill_value")
        rows, columns = max(min(height, rows), 1), max(min(width, columns), 1)
        top, left = (height - rows) // 2, (width - columns) // 2
        whole = (height, width) == (rows, columns)
        return x if whole else x[..., top : top + rows, left : left + columns], (rows, columns)
    top, left = max(rows - height, 0) // 2, max(columns - width, 0) // 2
    if (top, left) == (0, 0):
        layer.ignore("fill_value")
        return x, old
    amounts = (left, left, top, top) if top else (left, left)
    padded = call(F.pad, x, amounts, **options(value=layer["fill_value"] or None))
    return padded, (height + 2 * top, width + 2 * left)
