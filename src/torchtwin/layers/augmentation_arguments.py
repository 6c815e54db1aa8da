"""The arguments of layers that change images -> those of the modules of nn that do.

A saved model and a program that is translated have them alike.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, call
from torchtwin.nn.augment import CenterCrop, RandomCrop, RandomFlip, bounds_of
from torchtwin.nn.histogram import AutoContrast, Equalization, EqualizedTiles
from torchtwin.nn.policies import AugMix, RandAugment
from torchtwin.nn.recolor import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomContrast,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomPosterization,
    RandomSaturation,
    RandomSharpness,
    Solarization,
)
from torchtwin.nn.regions import CutMix, MixUp, RandomErasing, RandomGaussianBlur
from torchtwin.nn.warp import (
    RandomElasticTransform,
    RandomPerspective,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from torchtwin.view import LayerView

Arguments = dict[str, Any]

FILLS = ("reflect", "wrap", "constant", "nearest")


def first(layer: LayerView) -> bool:
    """Tell whether a layer's images have their channels first."""
    form = layer.get("data_format")
    if form not in (None, "channels_last", "channels_first"):
        raise UnsupportedError("a data_format that is computed is not translated")
    return bool(form == "channels_first")


def numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(map(numeric, value))


def factor(layer: LayerView, name: str = "factor", lowest: float = -1.0, usual: Any = ...) -> Any:
    """Return the bounds of a random number, as one number where that says the same."""
    value = layer[name] if usual is ... else layer.get(name, usual)
    if isinstance(value, Expr) or numeric(value):
        return value
    if not _pair(value):
        raise UnsupportedError(f"{layer.class_name}({name}={value!r}) is not translated")
    return value[1] if bounds_of(value[1], lowest) == value else value


def known(layer: LayerView, name: str, usual: str, allowed: tuple[str, ...]) -> Any:
    """Return a word that must be one of some."""
    value = layer.get(name, usual)
    if not isinstance(value, Expr) and value not in allowed:
        raise UnsupportedError(f"{layer.class_name}({name}={value!r}) is not translated")
    return value


def number(layer: LayerView, name: str, usual: Any) -> Any:
    value = layer.get(name, usual)
    if not (isinstance(value, Expr) or numeric(value)):
        raise UnsupportedError(f"{layer.class_name}({name}={value!r}) is not translated")
    return value


def value_range(layer: LayerView) -> dict[str, Any]:
    value: Any = layer.get("value_range", (0, 255))
    if not isinstance(value, Expr) and not _pair(value):
        raise UnsupportedError(f"{layer.class_name}(value_range={value!r}) is not translated")
    return {"value_range": value}


def pixels(layer: LayerView, *more: str) -> dict[str, Any]:
    """Return how pixels are mixed, and what stands beyond the edges of an image."""
    fills = (*FILLS, *more)
    return {
        "mode": known(layer, "fill_mode", "reflect", fills),
        "interpolation": known(layer, "interpolation", "bilinear", ("nearest", "bilinear")),
        "fill_value": number(layer, "fill_value", 0.0),
    }


def flat_dims(layer: LayerView) -> dict[str, Any]:
    """Keras takes the axes 1 and 2 for height and width, where channels are first too."""
    return {"dims": (1, 2) if first(layer) else (2, 3)}


def flip(layer: LayerView) -> Arguments:
    modes = ("horizontal", "vertical", "horizontal_and_vertical")
    return {"mode": known(layer, "mode", modes[2], modes)}


def sizes(layer: LayerView) -> Arguments:
    return {name: number(layer, name, None) for name in ("height", "width")}


def perspective(layer: LayerView) -> Arguments:
    options = pixels(layer)
    options.pop("mode")
    return {
        "factor": factor(layer, lowest=0.0, usual=1.0), "scale": number(layer, "scale", 1.0),
        **options,
    }  # fmt: skip


def elastic(layer: LayerView) -> Arguments:
    given = {name: factor(layer, name, 0.0, 1.0) for name in ("factor", "scale")}
    return {**given, **pixels(layer, "mirror"), **value_range(layer)}


def erasing(layer: LayerView) -> Arguments:
    fill: Any = layer.get("fill_value")
    if isinstance(fill, tuple) and (first(layer) or len(fill) != 3 or not all(map(numeric, fill))):
        raise UnsupportedError("RandomErasing with such a list as fill_value is not translated")
    fill = fill if isinstance(fill, Expr | tuple | None) else number(layer, "fill_value", None)
    given = {"factor": factor(layer, lowest=0.0, usual=1.0),
             "scale": factor(layer, "scale", 0.0, (0.02, 0.33))}  # fmt: skip
    return {**given, "fill_value": fill, **value_range(layer)}


def blur(layer: LayerView) -> Arguments:
    size: Any = layer.get("kernel_size", 3)
    if not isinstance(size, Expr | int) and not _pair(size):
        raise UnsupportedError(f"kernel_size={size!r} is not translated")
    size = size[0] if isinstance(size, tuple) and size[0] == size[1] else size
    given = {name: factor(layer, name, 0.0, 1.0) for name in ("factor", "sigma")}
    return {**given, "kernel_size": size, **value_range(layer)}


def tiles(layer: LayerView) -> Arguments:
    grid: Any = layer.get("tile_grid_size", (8, 8))
    if not (_pair(grid) and all(isinstance(n, int) and n > 0 for n in grid)):
        raise UnsupportedError(f"tile_grid_size={grid!r} is not translated")
    return {
        **value_range(layer), "clip_limit": number(layer, "clip_limit", 4.0), "tiles": grid,
    }  # fmt: skip


def mixing(layer: LayerView) -> Arguments:
    words = {"num_ops": "count", "num_chains": "chains", "chain_depth": "depth",
             "alpha": "alpha"}  # fmt: skip
    given = {word: number(layer, name, layer.defaults[name])
             for name, word in words.items() if name in layer.defaults}  # fmt: skip
    if "all_ops" in layer.defaults:
        every: Any = layer["all_ops"]
        given["all_kinds"] = every if isinstance(every, Expr) else bool(every)
    usual = 0.3 if layer.class_name == "AugMix" else 0.5
    interpolation = known(layer, "interpolation", "bilinear", ("nearest", "bilinear"))
    return {
        **value_range(layer), **given, "factor": factor(layer, lowest=0.0, usual=usual),
        "interpolation": interpolation, **flat_dims(layer),
    }  # fmt: skip


def by(lowest: float, *names: str, usual: Any = ...) -> Callable[[LayerView], Arguments]:
    """Return what reads a factor, or some of these names, and the range of values."""

    def read(layer: LayerView) -> Arguments:
        given = {name: factor(layer, name, lowest, usual) for name in names or ("factor",)}
        return {**given, **value_range(layer)}

    return read


def moving(*names: str, usual: Any = ...) -> Callable[[LayerView], Arguments]:
    """Return what reads some factors, and how pixels are moved."""

    def read(layer: LayerView) -> Arguments:
        given = {name: factor(layer, name, usual=usual) for name in names}
        return {**given, **pixels(layer)}

    return read


def zoom(layer: LayerView) -> Arguments:
    narrow = layer.get("width_factor") is None
    return moving("height_factor", *([] if narrow else ["width_factor"]))(layer)


ARGUMENTS: Mapping[str, tuple[Any, Callable[[LayerView], Arguments]]] = {
    "AugMix": (AugMix, mixing),
    "AutoContrast": (AutoContrast, lambda layer: value_range(layer) | flat_dims(layer)),
    "CenterCrop": (CenterCrop, sizes),
    "ContrastLimitedAdaptiveHistogramEqualization": (EqualizedTiles, tiles),
    "CutMix": (CutMix, lambda layer: {"factor": factor(layer, lowest=0.0, usual=1.0)}),
    "Equalization": (
        Equalization, lambda layer: value_range(layer) | {"bins": number(layer, "bins", 256)}
    ),
    "MixUp": (MixUp, lambda layer: {"alpha": number(layer, "alpha", 0.2)}),
    "RandAugment": (RandAugment, mixing),
    "RandomBrightness": (RandomBrightness, by(-1.0)),
    "RandomColorDegeneration": (RandomColorDegeneration, by(-1.0)),
    "RandomContrast": (RandomContrast, by(0.0)),
    "RandomCrop": (RandomCrop, sizes),
    "RandomElasticTransform": (RandomElasticTransform, elastic),
    "RandomErasing": (RandomErasing, erasing),
    "RandomFlip": (RandomFlip, flip),
    "RandomGaussianBlur": (RandomGaussianBlur, blur),
    "RandomGrayscale": (RandomGrayscale, lambda layer: {"factor": number(layer, "factor", 0.5)}),
    "RandomHue": (RandomHue, by(0.0)),
    "RandomInvert": (RandomInvert, by(0.0, usual=1.0)),
    "RandomPerspective": (RandomPerspective, perspective),
    "RandomPosterization": (RandomPosterization, by(1)),
    "RandomRotation": (RandomRotation, moving("factor")),
    "RandomSaturation": (RandomSaturation, by(-1.0)),
    "RandomSharpness": (RandomSharpness, by(0.0)),
    "RandomShear": (RandomShear, moving("x_factor", "y_factor", usual=0.0)),
    "RandomTranslation": (RandomTranslation, moving("height_factor", "width_factor")),
    "RandomZoom": (RandomZoom, zoom),
    "Solarization": (Solarization, by(0.0, "addition_factor", "threshold_factor", usual=0.0)),
}  # fmt: skip


def changes(layer: LayerView, **options: Any) -> Call:
    """Return what makes the module of a layer; `options` are more arguments of it."""
    module, read = ARGUMENTS[layer.class_name]
    layer.ignore("seed", "bounding_box_format", "factor")
    return concise(module, **read(layer), **options)


def concise(module: Any, **given: Any) -> Call:
    """Return a call with the arguments that a module must have in front, without those at defaults.

    A module hands options to the classes it comes from, whose defaults count too.
    """
    found = {
        p.name: p.default
        for base in reversed(module.__mro__)
        if "__init__" in vars(base)
        for p in inspect.signature(base.__init__).parameters.values()
    }
    own = inspect.signature(module).parameters.values()
    needed = [given.pop(p.name) for p in own if p.default is p.empty and p.name in given]
    return call(module, *needed, **{
        name: value for name, value in given.items()
        if isinstance(value, Expr) or name not in found or value != found[name]
    })  # fmt: skip


def color_changes(layer: LayerView, **options: Any) -> Call:
    """Return the parts of a RandomColorJitter, which take channels to be last, one after another.

    Keras does not tell them where the channels are.
    """
    parts = []
    for name in ("Brightness", "Contrast", "Saturation", "Hue"):
        given: Any = layer.get(f"{name.lower()}_factor")
        if given is not None:
            config = {"factor": given, **value_range(layer)}
            parts.append(changes(LayerView(f"Random{name}", config, ()), **options))
    layer.ignore("seed", "factor", "data_format")
    return call(nn.Sequential, *parts)
