"""Padding, cropping and resizing of images and sequences; changes of images at random."""

from __future__ import annotations

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.layers.augmentation_arguments import ARGUMENTS, changes, color_changes, first
from torchtwin.nn.rearrange import Crop, Pad, RepeatPixels
from torchtwin.nn.resizing import Enlarge, Resize
from torchtwin.translate.registry import Module, constructor
from torchtwin.translate.rules.layers_conv import number, rank_of
from torchtwin.translate.rules.layers_data import differing
from torchtwin.view import LayerView

MODES = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


def first_axis(layer: LayerView) -> int:
    form = layer.get("data_format")
    if form not in (None, "channels_last", "channels_first"):
        raise UnsupportedError("a data_format that is computed is not translated")
    return 2 if form == "channels_first" else 1


def only_channels_last(layer: LayerView) -> None:
    if layer.get("data_format") not in (None, "channels_last"):
        raise UnsupportedError(f"{layer.class_name}(data_format=...) is not translated")


@constructor(*(f"{kind}{k}D" for kind in ("ZeroPadding", "Cropping") for k in (1, 2, 3)))
def pad_or_crop(layer: LayerView) -> Module:
    """Keras takes a number for all, one for each axis, or (before, after) for each axis."""
    padding = "Padding" in layer.class_name
    usual = 0 if layer.class_name == "Cropping2D" else 1
    value = layer.get("padding" if padding else "cropping", usual)
    return Module(call(Pad if padding else Crop, value, **_axes(layer)))


def _axes(layer: LayerView) -> dict[str, int]:
    return differing({"rank": 2, "first": 1}, rank=rank_of(layer), first=first_axis(layer))


@constructor("UpSampling1D", "UpSampling2D", "UpSampling3D")
def up_sampling(layer: LayerView) -> Module:
    size = number(layer.get("size", 2))
    mode = layer.get("interpolation", "nearest")
    if isinstance(mode, str) and mode.lower() == "nearest":
        return Module(call(RepeatPixels, size, **_axes(layer)))
    if mode not in MODES or first_axis(layer) != 1:
        raise UnsupportedError(f"UpSampling2D(interpolation={mode!r}) is not translated")
    return Module(call(Enlarge, size, **differing({"mode": "bilinear"}, mode=mode)))


@constructor("Resizing")
def resizing(layer: LayerView) -> Module:
    only_channels_last(layer)
    mode = layer["interpolation"]
    if isinstance(mode, str) and mode.lower() not in MODES:
        raise UnsupportedError(f"Resizing(interpolation={mode!r}) is not translated")
    if layer["fill_mode"] != "constant":
        raise UnsupportedError(f"Resizing(fill_mode={layer['fill_mode']!r}) is not translated")
    options = differing(
        {"mode": "bilinear", "crop": False, "pad": False, "fill_value": 0.0, "antialias": False},
        mode=mode, crop=layer["crop_to_aspect_ratio"], pad=layer["pad_to_aspect_ratio"],
        fill_value=layer["fill_value"], antialias=layer["antialias"],
    )  # fmt: skip
    return Module(call(Resize, layer["height"], layer["width"], **options))


@constructor(*ARGUMENTS)
def change(layer: LayerView) -> Module:
    return Module(changes(layer, channels_last=not first(layer)))


@constructor("RandomColorJitter")
def jitter(layer: LayerView) -> Module:
    return Module(color_changes(layer, channels_last=True))
