"""ZeroPadding -> F.pad, Cropping -> a slice, UpSampling -> F.interpolate or repeat_interleave."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.layers.resizing import resized
from torchtwin.layers.spatial import each, lengths, spatial_rank
from torchtwin.ops.values import torch_type
from torchtwin.rule import ANY, CHANNELS_FIRST, Case, Piece, extra_cases, rule, single
from torchtwin.view import LayerView


@rule("ZeroPadding2D", "ZeroPadding3D", layout=CHANNELS_FIRST)
@rule("ZeroPadding1D", layout=ANY)
def zero_padding(layer: LayerView) -> Piece:
    amounts = _by_axis(layer, "padding")
    last = max((k for k, pair in enumerate(amounts) if pair != (0, 0)), default=None)
    if last is None:
        return Piece(layer.x)
    first = min(k for k, pair in enumerate(amounts) if pair != (0, 0))
    return Piece(call(F.pad, layer.x, tuple(n for pair in amounts[: first - 1 : -1] for n in pair)))


@rule("Cropping2D", "Cropping3D", layout=CHANNELS_FIRST)
@rule("Cropping1D", layout=ANY)
def cropping(layer: LayerView) -> Piece:
    slices = [
        slice(before or None, -after or None) for before, after in _by_axis(layer, "cropping")
    ]
    while slices and slices[-1] == slice(None):
        slices.pop()
    return Piece(layer.x[tuple(slices)] if slices else layer.x)


def _by_axis(layer: LayerView, name: str) -> list[tuple[int, int]]:
    """Return (before, after) for each physical axis; Keras also takes one number for both."""
    rank, value = spatial_rank(layer), layer[name]
    pairs = [each(v, 2) for v in each(value, rank)] if rank > 1 else [each(value, 2)]
    first = 2 if layer.get("data_format") == "channels_first" else 1
    amounts = [(0, 0)] * layer.input.rank
    for k, (before, after) in enumerate(pairs):
        amounts[layer.input.axis(first + k)] = (before, after)
    return amounts


@rule(
    "UpSampling1D",
    layout=ANY,
    cases=[Case({"size": 3}, (2, 4, 3)), Case({}, (2, 4, 3), "free", free=True)],
)
def up_sampling_steps(layer: LayerView) -> Piece:
    return Piece(layer.x.repeat_interleave(layer["size"], layer.input.axis(1)))


@rule("UpSampling2D", "UpSampling3D", layout=CHANNELS_FIRST)
def up_sampling(layer: LayerView) -> Piece:
    rank = spatial_rank(layer)
    size, old = each(layer["size"], rank), lengths(layer)
    mode = layer.get("interpolation", "nearest") if rank == 2 else "nearest"
    whole = layer.input.dtype.startswith(("int", "uint", "bool"))  # PyTorch repeats no such pixels
    if mode == "nearest":
        x = layer.x.double() if whole else layer.x
        made = call(F.interpolate, x, scale_factor=single(size))
        return Piece(made.to(torch_type(layer.input.dtype)) if whole else made)
    if whole:
        raise UnsupportedError(f"UpSampling2D({mode}) of whole numbers, which it rounds")
    wanted = [None if n is None else n * s for n, s in zip(old, size, strict=True)]
    return Piece(resized(layer.x, old, wanted, mode, factors=size))


def _cases(name: str, argument: str, amounts: Any) -> None:
    for rank in (1, 2, 3):
        shape = (*(2, 5, 6, 7)[: rank + 1], 2)
        cases = [Case({argument: amounts[rank]}, shape), Case({argument: 1}, shape, "one number")]
        if rank > 1:
            first = {argument: amounts[rank], "data_format": "channels_first"}
            cases.append(Case(first, (2, 2, *shape[1:-1]), "channels first"))
            cases.append(Case({argument: (1, 0, 2)[:rank]}, shape, "a number an axis"))
        extra_cases(f"{name}{rank}D", cases)


_AMOUNTS = {1: (1, 2), 2: ((1, 2), (0, 3)), 3: ((1, 0), (2, 1), (0, 0))}
_cases("ZeroPadding", "padding", _AMOUNTS)
_cases("Cropping", "cropping", _AMOUNTS)
extra_cases("Cropping1D", [Case({"cropping": (0, 2)}, (2, 5, 3), "at the end")])
extra_cases(
    "UpSampling2D",
    [Case({"size": 2}, (2, 3, 4, 3)), Case({"size": (2, 3)}, (2, 3, 4, 3), "free", free=True)]
    + [
        Case({"size": (2, 3), "interpolation": mode}, (2, 4, 5, 3), mode)
        for mode in ("bilinear", "bicubic", "lanczos3", "lanczos5")
    ]
    + [
        Case(
            {"size": 3, "interpolation": mode, "data_format": "channels_first"}, (2, 3, 4, 5), mode
        )
        for mode in ("nearest", "bilinear")
    ]
    + [
        Case({"interpolation": mode}, (2, 4, 5, 3), f"{mode} of any size", free=True)
        for mode in ("bilinear", "bicubic")
    ],
)
extra_cases(
    "UpSampling3D",
    [
        Case({"size": (2, 1, 3)}, (1, 2, 3, 4, 2)),
        Case({"data_format": "channels_first"}, (1, 2, 3, 4, 2), "channels first"),
    ],
)
