"""Operations on images, with channels last or first, one or a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.nn.colors import hsv_to_rgb, rgb_to_hsv, to_grayscale
from torchtwin.nn.filtering import blur_images, similarity, sobel_of
from torchtwin.nn.images import frame_images, resize_images
from torchtwin.nn.resize import scale_and_move
from torchtwin.nn.sampling import sample_at, transform_affine, transform_perspective
from torchtwin.ops.convolution import layout_of
from torchtwin.ops.registry import expr, op
from torchtwin.ops.values import static, tensor, torch_type
from torchtwin.rule import Case

IMAGES, FIRST = (2, 6, 7, 3), (2, 3, 6, 7)
MODES = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area")
SIZE = {"size": (4, 9)}
TRANSFORM = np.array([[1.0, 0.25, -0.5, 0.125, 0.75, 1.0, 0, 0]] * 2)
CORNERS = np.array([[[0.0, 0], [0, 6], [5, 0], [5, 6]]] * 2)


@op("Resize", cases=[
    Case(SIZE, IMAGES), Case({**SIZE, "interpolation": "lanczos3", "antialias": True}, IMAGES),
    Case({**SIZE, "interpolation": "nearest", "data_format": "channels_first"}, FIRST),
    Case({**SIZE, "crop_to_aspect_ratio": True}, IMAGES),
    Case({**SIZE, "pad_to_aspect_ratio": True, "fill_value": 0.5}, IMAGES),
])  # fmt: skip
def resize(
    images: Any, size: Any, interpolation: Any = "bilinear", antialias: Any = False,
    crop_to_aspect_ratio: Any = False, pad_to_aspect_ratio: Any = False,
    fill_mode: Any = "constant", fill_value: Any = 0.0, data_format: Any = None,
) -> Any:  # fmt: skip
    static("resize", crop=crop_to_aspect_ratio, pad=pad_to_aspect_ratio, mode=interpolation)
    if interpolation not in MODES or fill_mode != "constant":
        raise UnsupportedError(f"a resize with {interpolation!r} is not translated")
    more = {"antialias": expr(antialias)}
    if crop_to_aspect_ratio or pad_to_aspect_ratio:
        more["ratio"] = "crop" if crop_to_aspect_ratio else "pad"
    if pad_to_aspect_ratio:
        more["fill"] = expr(fill_value)
    x = tensor(images)
    more |= layout_of(data_format)
    resized = call(resize_images, x.expr, pair(size), mode=interpolation, **more)
    if not x.dtype.startswith(("int", "uint")) or interpolation == "nearest":
        return resized
    kind = torch_type(x.dtype)  # whole numbers stay such
    limits = torch.iinfo(kind)
    return resized.round().clamp(limits.min, limits.max).to(kind)


def pair(size: Any) -> Any:
    return tuple(map(expr, size)) if isinstance(size, list | tuple) else expr(size)


def _framed(sign: int) -> Any:
    names = ("top", "left", "bottom", "right")

    def framed(images: Any, *sides: Any, height: Any, width: Any, data_format: Any) -> Any:
        given = {
            k: v if sign > 0 else -v for k, v in zip(names, sides, strict=True) if v is not None
        }
        more = {k: v for k, v in (("height", height), ("width", width)) if v is not None}
        images = tensor(images).expr
        return call(frame_images, images, **given, **more, **layout_of(data_format))

    return framed


@op("PadImages", cases=[
    Case({"top_padding": 1, "left_padding": 2, "target_height": 9, "target_width": 10}, IMAGES),
    Case({"top_padding": 1, "bottom_padding": 2, "right_padding": 0, "left_padding": 3,
          "data_format": "channels_first"}, FIRST),
])  # fmt: skip
def pad_images(
    images: Any, top_padding: Any = None, left_padding: Any = None, bottom_padding: Any = None,
    right_padding: Any = None, target_height: Any = None, target_width: Any = None,
    data_format: Any = None,
) -> Any:  # fmt: skip
    sides = map(expr, (top_padding, left_padding, bottom_padding, right_padding))
    return _framed(1)(
        images, *sides, height=expr(target_height), width=expr(target_width),
        data_format=data_format,
    )  # fmt: skip


@op("CropImages", cases=[
    Case({"top_cropping": 1, "left_cropping": 2, "target_height": 3, "target_width": 2}, IMAGES),
    Case({"bottom_cropping": 1, "right_cropping": 2, "target_height": 3, "target_width": 2},
         IMAGES),
])  # fmt: skip
def crop_images(
    images: Any, top_cropping: Any = None, left_cropping: Any = None, bottom_cropping: Any = None,
    right_cropping: Any = None, target_height: Any = None, target_width: Any = None,
    data_format: Any = None,
) -> Any:  # fmt: skip
    sides = map(expr, (top_cropping, left_cropping, bottom_cropping, right_cropping))
    return _framed(-1)(
        images, *sides, height=expr(target_height), width=expr(target_width),
        data_format=data_format,
    )  # fmt: skip


def _colors(function: Callable[..., Any]) -> Any:
    def colors(images: Any, data_format: Any = None) -> Any:
        return call(function, tensor(images).expr, **layout_of(data_format))

    return colors


_COLORS = [Case({}, IMAGES), Case({"data_format": "channels_first"}, FIRST)]
for _name, _function in {"RGBToGrayscale": to_grayscale, "RGBToHSV": rgb_to_hsv,
                         "HSVToRGB": hsv_to_rgb}.items():  # fmt: skip
    op(_name, cases=_COLORS)(_colors(_function))


@op("SobelEdges")
def sobel_edges(images: Any, data_format: Any = None) -> Any:
    """Beyond the border the image is mirrored, as TensorFlow does, which is Keras's default."""
    return call(sobel_of, tensor(images).expr, **layout_of(data_format))


@op("GaussianBlur", cases=[
    Case({}, IMAGES, single=True),
    Case({"kernel_size": (5, 5), "sigma": (0.5, 2.0)}, IMAGES, single=True),
])  # fmt: skip
def gaussian_blur(
    images: Any, kernel_size: Any = (3, 3), sigma: Any = (1.0, 1.0), data_format: Any = None
) -> Any:
    more = {"kernel_size": pair(kernel_size), "sigma": pair(sigma)}
    return call(blur_images, tensor(images).expr, **more, **layout_of(data_format))


@op("SSIM", cases=[Case({"filter_size": 5}, [(2, 8, 9, 3), (2, 8, 9, 3)])])
def ssim(
    image1: Any, image2: Any, max_val: Any = 1.0, filter_size: Any = 11, filter_sigma: Any = 1.5,
    k1: Any = 0.01, k2: Any = 0.03, data_format: Any = None,
) -> Any:  # fmt: skip
    more = {"max_val": expr(max_val), "size": expr(filter_size), "sigma": expr(filter_sigma)}
    more |= {"k1": expr(k1), "k2": expr(k2), **layout_of(data_format)}
    return call(similarity, tensor(image1).expr, tensor(image2).expr, **more)


FILLS = ("constant", "nearest", "wrap", "mirror", "reflect")


@op("MapCoordinates", cases=[
    Case({"coordinates": np.array([[0.5, 1.0, -0.5], [1.25, 5.5, 0.0], [0.0, 1.0, 2.5]]),
          "order": 1, "fill_mode": mode}, (2, 5, 4)) for mode in FILLS[2:4]
])  # fmt: skip
def map_coordinates(
    inputs: Any, coordinates: Any, order: Any, fill_mode: Any = "constant", fill_value: Any = 0.0
) -> Any:
    static("map_coordinates", order=order, fill_mode=fill_mode)
    if order not in (0, 1) or fill_mode not in FILLS:
        raise UnsupportedError(f"map_coordinates of order {order!r} is not translated")
    if fill_mode == "reflect":
        raise UnsupportedError("map_coordinates that reflects differs between Keras's backends")
    several = isinstance(coordinates, list | tuple)
    where = [tensor(c).expr for c in coordinates] if several else tensor(coordinates).expr
    more = {"order": order, "mode": fill_mode, "fill": _float(fill_value)}
    return call(sample_at, tensor(inputs).expr, where, **more)


def _float(value: Any) -> Any:
    return float(value) if isinstance(value, int) else expr(value)


@op("AffineTransform", cases=[
    Case({"transform": TRANSFORM, "fill_mode": mode}, IMAGES) for mode in FILLS[:1]
])  # fmt: skip
def affine_transform(
    images: Any, transform: Any, interpolation: Any = "bilinear", fill_mode: Any = "constant",
    fill_value: Any = 0, data_format: Any = None,
) -> Any:  # fmt: skip
    _check(interpolation)
    static("affine_transform", fill_mode=fill_mode)
    if fill_mode == "wrap":
        raise UnsupportedError("affine_transform that wraps differs between Keras's backends")
    x = tensor(images)
    more = {"mode": interpolation, "fill_mode": fill_mode, "fill": _float(fill_value)}
    more |= layout_of(data_format)
    return call(transform_affine, x.expr, tensor(transform, x).expr, **more)


@op("PerspectiveTransform")
def perspective_transform(
    images: Any, start_points: Any, end_points: Any, interpolation: Any = "bilinear",
    fill_value: Any = 0, data_format: Any = None,
) -> Any:  # fmt: skip
    _check(interpolation)
    x = tensor(images)
    more = {"mode": interpolation, "fill": _float(fill_value), **layout_of(data_format)}
    points = (tensor(start_points, x).expr, tensor(end_points, x).expr)
    return call(transform_perspective, x.expr, *points, **more)


def _check(interpolation: Any) -> None:
    if interpolation not in ("nearest", "bilinear"):
        raise UnsupportedError(f"interpolation={interpolation!r} is not translated")


@op("ElasticTransform")
def elastic_transform(*_: Any, **__: Any) -> Any:
    raise UnsupportedError("elastic_transform, which draws random numbers, is not translated")


@op("ScaleAndTranslate")
def scale_and_translate(
    images: Any, output_shape: Any, scale: Any, translation: Any, spatial_dims: Any, method: Any,
    antialias: Any = True,
) -> Any:  # fmt: skip
    static("scale_and_translate", method=method)
    x = tensor(images)
    if isinstance(spatial_dims, Expr) or isinstance(output_shape, Expr):
        raise UnsupportedError("scale_and_translate of axes that the program computes")
    given = (tensor(scale, x).expr, tensor(translation, x).expr, tuple(spatial_dims))
    return call(
        scale_and_move, x.expr, pair(output_shape), *given, method, antialias=expr(antialias)
    )
