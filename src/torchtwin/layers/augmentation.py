"""Layers that change images at random in training mode -> the modules of nn that do.

Keras's random numbers are not PyTorch's: the twin draws its own, and does the same with them. In
evaluation most layers return what they are given, some as floating point.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call
from torchtwin.graph import Layout
from torchtwin.layers.augmentation_arguments import ARGUMENTS, changes, color_changes, first
from torchtwin.layers.spatial import lengths
from torchtwin.rule import Case, Piece, channels_first, extra_cases, rule
from torchtwin.view import LayerView

ALWAYS = ("AutoContrast", "CenterCrop", "ContrastLimitedAdaptiveHistogramEqualization")
"""Layers that act in evaluation too."""


def _layout(config: Mapping[str, Any], rank: int) -> Layout | None:
    """Channels go first in a batch of images; a single image stays as it is."""
    last = config.get("data_format") != "channels_first"
    return channels_first(4) if rank == 4 and last else None


def _last(layer: LayerView) -> dict[str, bool]:
    """Return the option for images whose channels are last."""
    if len(layer.inputs) != 1 or layer.input.rank not in (3, 4):
        raise UnsupportedError(f"{layer.class_name} of a tensor of rank {layer.input.rank}")
    last = not first(layer)
    return {"channels_last": last and layer.input.rank == 3}


def _switched(layer: LayerView, module: Call) -> Piece:
    """Return the module's piece, where the layer's call does not fix the mode."""
    training = layer.call("training")
    if training is None or layer.class_name in ALWAYS:
        return Piece(module=module)
    if training is False:
        return Piece(layer.x)
    raise UnsupportedError(
        f"{layer.class_name} that is called with training={training!r} is not translated",
        hint="call it without, and the twin's train() and eval() decide",
    )


@rule("CenterCrop", layout=_layout)
def center_crop(layer: LayerView) -> Piece:
    """A batch of images that are large enough is sliced."""
    old = lengths(layer) if layer.input.rank == 4 else (None, None)
    new = (layer["height"], layer["width"])
    floats = layer.input.dtype.startswith(("float", "bfloat"))
    if not floats or any(n is None or n < m for n, m in zip(old, new, strict=True)):
        return augmentation(layer)
    _last(layer)
    height, width = new
    top, left = ((n - m) // 2 for n, m in zip(old, new, strict=True))
    return Piece(layer.x[..., top : top + height, left : left + width])


@rule(*(name for name in ARGUMENTS if name != "CenterCrop"), layout=_layout)
def augmentation(layer: LayerView) -> Piece:
    return _switched(layer, changes(layer, **_last(layer)))


@rule("RandomColorJitter", layout=_layout)
def color_jitter(layer: LayerView) -> Piece:
    last = _last(layer)["channels_last"]
    return _switched(layer, color_changes(layer, channels_last=last or first(layer)))


_IMAGES = (2, 4, 5, 3)
_FACTORS: Mapping[str, Mapping[str, Any]] = {
    **{
        name: {"factor": 0.3}
        for name in ARGUMENTS
        if name.startswith("Random") and name not in ("RandomFlip", "RandomCrop")
    },
    "RandomPosterization": {"factor": (2, 5)},
    "RandomTranslation": {"height_factor": 0.3, "width_factor": (0.1, 0.2)},
    "RandomZoom": {"height_factor": 0.3},
    "RandomShear": {"x_factor": 0.3},
    "RandomCrop": {"height": 3, "width": 4},
}
for _name in (*ARGUMENTS, "RandomColorJitter"):
    if _name not in (*ALWAYS, "Equalization"):  # Keras makes a cycle of that in a model
        extra_cases(_name, [Case(_FACTORS.get(_name, {}), _IMAGES)])
extra_cases("AutoContrast", [
    Case({"value_range": (-2, 2)}, _IMAGES),
    Case({"value_range": (-2, 2), "data_format": "channels_first"}, (2, 3, 4, 5), "channels first"),
])  # fmt: skip
extra_cases("ContrastLimitedAdaptiveHistogramEqualization", [
    Case({"value_range": (-2, 2), "tile_grid_size": (2, 3)}, (2, 5, 7, 2), single=True),
])  # fmt: skip
_SIZE = {"height": 4, "width": 4}
extra_cases("CenterCrop", [
    Case(_SIZE, (2, 9, 6, 3)),
    Case({**_SIZE, "data_format": "channels_first"}, (2, 3, 9, 6), "channels first"),
    Case(_SIZE, (2, 3, 7, 3), "of images that are too small"),
    Case(_SIZE, (6, 7, 3), "of a single image"),
])  # fmt: skip
extra_cases("RandomColorJitter", [
    Case({"brightness_factor": 0.2, "hue_factor": 0.1, "data_format": "channels_first"},
         (2, 3, 4, 3), "channels first"),
])  # fmt: skip
extra_cases("RandomRotation", [
    Case({"factor": 0.3}, (2, 4, 3), "a single image"),
    Case({"factor": 0.3}, _IMAGES, "of whole numbers", inputs="int:9", single=True),
])  # fmt: skip
