"""TensorFlow's functions of images."""

from __future__ import annotations

from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.nn.colors import (
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    hsv_to_rgb,
    rgb_to_hsv,
    standardize_images,
    to_grayscale,
    total_variation,
)
from torchtwin.nn.filtering import sobel_of
from torchtwin.nn.images import crop_or_pad, crop_to_middle, resize_images, resize_padded
from torchtwin.ops.functions import named
from torchtwin.ops.images import MODES, pair
from torchtwin.ops.registry import OPERATIONS, expr
from torchtwin.ops.values import is_number, static
from torchtwin.view import Tensor


def run(name: str, *args: Any, **kwargs: Any) -> Any:
    return OPERATIONS[name](args, kwargs)


def _mode(method: Any) -> str:
    static("a resize", method=method)
    word = str(method).rpartition(".")[2].lower()
    word = {"0": "bilinear", "1": "nearest", "2": "bicubic", "3": "area", "nearest_neighbor":
            "nearest"}.get(word, word)  # fmt: skip
    if word not in MODES:
        raise UnsupportedError(f"a resize with {method!r} is not translated")
    return word


@named("tf.image.resize")
def resize(
    images: Tensor, size: Any, method: Any = "bilinear", preserve_aspect_ratio: Any = False,
    antialias: Any = False,
) -> Any:  # fmt: skip
    if preserve_aspect_ratio is not False:
        raise UnsupportedError("a resize that keeps the ratio is not translated")
    more = {"mode": _mode(method), "antialias": expr(antialias)}
    return call(resize_images, images.expr, pair(size), **more)


@named("tf.image.resize_with_pad")
def resize_with_pad(
    image: Tensor, target_height: Any, target_width: Any, method: Any = "bilinear",
    antialias: Any = False,
) -> Any:  # fmt: skip
    more = {"mode": _mode(method), "antialias": expr(antialias)}
    return call(resize_padded, image.expr, expr(target_height), expr(target_width), **more)


@named("tf.image.resize_with_crop_or_pad")
def resize_with_crop_or_pad(image: Tensor, target_height: Any, target_width: Any) -> Any:
    return call(crop_or_pad, image.expr, expr(target_height), expr(target_width))


@named("tf.image.central_crop")
def central_crop(image: Tensor, central_fraction: Any) -> Any:
    return call(crop_to_middle, image.expr, expr(central_fraction))


@named("tf.image.crop_to_bounding_box")
def crop_to_bounding_box(
    image: Tensor, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    top, left, height, width = map(expr, (offset_height, offset_width, target_height, target_width))
    rows, columns = slice(top or None, top + height), slice(left or None, left + width)
    return image.expr[..., rows, columns, slice(None)]


@named("tf.image.pad_to_bounding_box")
def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    return run("PadImages", image, offset_height, offset_width, target_height=target_height,
               target_width=target_width)  # fmt: skip


@named("tf.image.flip_left_right")
def flip_left_right(image: Tensor) -> Any:
    return image.expr.flip(-2)


@named("tf.image.flip_up_down")
def flip_up_down(image: Tensor) -> Any:
    return image.expr.flip(-3)


@named("tf.image.rot90")
def rot90(image: Tensor, k: Any = 1) -> Any:
    return call(torch.rot90, image.expr, expr(k), (-3, -2))


@named("tf.image.transpose")
def transpose(image: Tensor) -> Any:
    return image.expr.transpose(-3, -2)


def _plain(function: Any) -> Any:
    def plain(images: Tensor) -> Any:
        return call(function, images.expr)

    return plain


named("tf.image.rgb_to_grayscale")(_plain(to_grayscale))
named("tf.image.rgb_to_hsv")(_plain(rgb_to_hsv))
named("tf.image.hsv_to_rgb")(_plain(hsv_to_rgb))
named("tf.image.total_variation")(_plain(total_variation))


@named("tf.image.grayscale_to_rgb")
def grayscale_to_rgb(images: Tensor) -> Any:
    return images.expr.repeat_interleave(3, dim=-1)


@named("tf.image.per_image_standardization")
def per_image_standardization(image: Tensor) -> Any:
    return call(standardize_images, image.expr)


@named("tf.image.sobel_edges")
def sobel_edges(image: Tensor) -> Any:
    return call(sobel_of, image.expr)


@named("tf.image.adjust_brightness")
def adjust_brightness(image: Tensor, delta: Any) -> Any:
    _floating(image)
    return image.expr + expr(delta)


def _floating(image: Tensor) -> None:
    if image.dtype and not image.dtype.startswith(("float", "bfloat")):
        raise UnsupportedError("images of whole numbers, which TensorFlow scales, not translated")


def _adjusted(function: Any, word: str) -> Any:
    def adjusted(image: Tensor, factor: Any) -> Any:
        _floating(image)
        return call(function, image.expr, expr(factor))

    adjusted.__name__ = word
    return adjusted


@named("tf.image.adjust_contrast")
def contrast(images: Tensor, contrast_factor: Any) -> Any:
    return _adjusted(adjust_contrast, "contrast")(images, contrast_factor)


@named("tf.image.adjust_saturation")
def saturation(image: Tensor, saturation_factor: Any) -> Any:
    return _adjusted(adjust_saturation, "saturation")(image, saturation_factor)


@named("tf.image.adjust_hue")
def hue(image: Tensor, delta: Any) -> Any:
    return _adjusted(adjust_hue, "hue")(image, delta)


@named("tf.image.adjust_gamma")
def adjust_gamma(image: Tensor, gamma: Any = 1, gain: Any = 1) -> Any:
    power = image.expr ** expr(gamma)
    return power if is_number(gain) and gain == 1 else expr(gain) * power


@named("tf.image.convert_image_dtype")
def convert_image_dtype(image: Tensor, dtype: Any, saturate: Any = False) -> Any:
    """Whole numbers, in which images have 0 to 255, become 0 to 1."""
    if dtype != "float32" or saturate is not False:
        raise UnsupportedError(f"convert_image_dtype to {dtype} is not translated")
    if image.dtype.startswith(("float", "bfloat")):
        return run("Cast", image, dtype)
    if image.dtype == "uint8":
        return image.expr / 255
    raise UnsupportedError("convert_image_dtype of images whose dtype is not known")


@named("tf.image.ssim")
def ssim(
    img1: Any, img2: Any, max_val: Any, filter_size: Any = 11, filter_sigma: Any = 1.5,
    k1: Any = 0.01, k2: Any = 0.03,
) -> Any:  # fmt: skip
    return run("SSIM", img1, img2, max_val, filter_size, filter_sigma, k1, k2)


@named("tf.image.psnr")
def psnr(a: Tensor, b: Tensor, max_val: Any) -> Any:
    """Of each image by itself, where keras.ops.psnr takes all of them together."""
    error = (a.expr - b.expr).square().mean((-3, -2, -1))
    return 10 * (expr(max_val) ** 2 / error).log10()


@named("keras.backend.resize_images")
def backend_resize(
    x: Tensor, height_factor: Any, width_factor: Any, data_format: Any,
    interpolation: Any = "nearest",
) -> Any:  # fmt: skip
    if data_format != "channels_last" or interpolation not in MODES[:2]:
        raise UnsupportedError("K.resize_images of these arguments is not translated")
    shape = [x.expr.size(k) for k in (1, 2)]
    size = tuple(n * expr(by) for n, by in zip(shape, (height_factor, width_factor), strict=True))
    return call(resize_images, x.expr, size, mode=interpolation)
