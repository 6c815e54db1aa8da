"""Padding, cropping and resizing of images and sequences; changes of images at random."""

from __future__ import annotations

from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.nn.augment import (
    RandomBrightness,
    RandomContrast,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
)
from torchtwin.nn.rearrange import Crop, Pad, RepeatPixels
from torchtwin.nn.resizing import CenterCrop, Enlarge, RandomCrop, Resize
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


@constructor("CenterCrop", "RandomCrop")
def crop(layer: LayerView) -> Module:
    only_channels_last(layer)
    layer.ignore("seed", "factor")
    cropping = CenterCrop if layer.class_name == "CenterCrop" else RandomCrop
    return Module(call(cropping, layer["height"], layer["width"]))


@constructor("RandomFlip")
def random_flip(layer: LayerView) -> Module:
    _image(layer)
    mode = layer["mode"]
    return Module(call(RandomFlip, **differing({"mode": "horizontal_and_vertical"}, mode=mode)))


def _image(layer: LayerView) -> None:
    only_channels_last(layer)
    layer.ignore("seed", "bounding_box_format")


def _beyond(layer: LayerView) -> dict[str, Any]:
    """Return what stands beyond the edges of an image, and how pixels are mixed."""
    _image(layer)
    return differing(
        {"mode": "reflect", "interpolation": "bilinear", "fill_value": 0.0},
        mode=layer.get("fill_mode", "reflect"), fill_value=layer.get("fill_value", 0.0),
        interpolation=layer.get("interpolation", "bilinear"),
    )  # fmt: skip


@constructor("RandomRotation")
def random_rotation(layer: LayerView) -> Module:
    return Module(call(RandomRotation, layer["factor"], **_beyond(layer)))


@constructor("RandomTranslation")
def random_translation(layer: LayerView) -> Module:
    height, width = layer["height_factor"], layer["width_factor"]
    return Module(call(RandomTranslation, height, width, **_beyond(layer)))


@constructor("RandomZoom")
def random_zoom(layer: LayerView) -> Module:
    width = layer.get("width_factor")
    factors = [layer["height_factor"], *([] if width is None else [width])]
    return Module(call(RandomZoom, *factors, **_beyond(layer)))


@constructor("RandomContrast", "RandomBrightness")
def random_values(layer: LayerView) -> Module:
    _image(layer)
    change = RandomContrast if layer.class_name == "RandomContrast" else RandomBrightness
    given = differing({"value_range": (0, 255)}, value_range=layer.get("value_range", (0, 255)))
    return Module(call(change, layer["factor"], **given))
