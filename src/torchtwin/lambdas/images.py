"""Functions of images in a Lambda; images there have their channels last."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.lambdas.special import known_as
from torchtwin.lambdas.values import Value, applied
from torchtwin.layers.resizing import resized
from torchtwin.view import Tensor


def _image(value: Any) -> Value:
    if not isinstance(value, Value) or len(value.shape) != 4 or value.tensor.dtype != "float32":
        raise UnsupportedError("what is resized is no batch of images of float32")
    return value


def _to(x: Any, size: Any, mode: str, antialias: bool) -> Any:
    given = tuple(size) if isinstance(size, list | tuple) else ()
    if len(given) != 2 or not all(isinstance(n, int) for n in given):
        raise UnsupportedError("a resize to a size that is computed is not translated")
    if mode not in ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"):
        raise UnsupportedError(f"a resize with {mode} is not translated")

    def made(t: Tensor) -> Any:
        image = t.expr.permute(0, 3, 1, 2)
        return resized(image, t.shape[1:3], given, mode, antialias=antialias).permute(0, 2, 3, 1)

    return applied(made, _image(x))


@known_as("tf.image.resize")
def resize(
    _beside: Any, images: Any, size: Any, method: Any = "bilinear", *,
    preserve_aspect_ratio: bool = False, antialias: bool = False,
) -> Any:  # fmt: skip
    if preserve_aspect_ratio or not isinstance(method, str):
        raise UnsupportedError("a resize that keeps the ratio is not translated")
    return _to(images, size, method, antialias)


@known_as("keras.ops.image.resize")
def keras_resize(
    _beside: Any, images: Any, size: Any, interpolation: Any = "bilinear", antialias: bool = False,
    data_format: Any = None,
) -> Any:  # fmt: skip
    if data_format not in (None, "channels_last"):
        raise UnsupportedError("a resize of channels-first images is not translated")
    return _to(images, size, interpolation, antialias)


@known_as("K.resize_images")
def resize_images(
    _beside: Any, x: Any, height_factor: Any, width_factor: Any, data_format: Any,
    interpolation: str = "nearest",
) -> Any:  # fmt: skip
    if data_format != "channels_last" or interpolation not in ("nearest", "bilinear"):
        raise UnsupportedError("K.resize_images of these arguments is not translated")
    old = _image(x).shape[1:3]
    if not all(isinstance(n, int) for n in (*old, height_factor, width_factor)):
        raise UnsupportedError("a resize to a size that is computed is not translated")
    new = [n * by for n, by in zip(old, (height_factor, width_factor), strict=True) if n]
    return _to(x, new, interpolation, False)


@known_as("tf.image.rgb_to_grayscale")
def rgb_to_grayscale(_beside: Any, images: Any) -> Any:
    """The weights are those of tensorflow/python/ops/image_ops_impl.py."""
    weights = [0.2989, 0.5870, 0.1140]
    return applied(
        lambda t: (t.expr * t.expr.new_tensor(weights)).sum(-1, keepdim=True), _image(images)
    )


@known_as("tf.image.resize_bilinear", "K.tf.image.resize_bilinear")
def resize_bilinear(_beside: Any, images: Any, size: Any, align_corners: bool = False) -> Any:
    """TensorFlow 1's: with its corners aligned it is PyTorch's, otherwise it is nobody else's."""
    given = tuple(size) if isinstance(size, list | tuple) else ()
    if not align_corners or len(given) != 2 or not all(isinstance(n, int) for n in given):
        raise UnsupportedError("this resize of TensorFlow 1 is not translated")

    def made(t: Tensor) -> Any:
        image = t.expr.permute(0, 3, 1, 2)
        resized = call(F.interpolate, image, size=given, mode="bilinear", align_corners=True)
        return resized.permute(0, 2, 3, 1)

    return applied(made, _image(images))


@known_as("tf.space_to_depth", "tf.nn.space_to_depth")
def space_to_depth(_beside: Any, input: Any, block_size: Any) -> Any:  # noqa: A002
    """Channels count within the places of a block; pixel_unshuffle counts them the other way."""
    if not isinstance(block_size, int):
        raise UnsupportedError("blocks whose size is computed")

    def made(t: Tensor) -> Any:
        rows = t.expr.unflatten(1, (-1, block_size)).unflatten(3, (-1, block_size))
        return rows.transpose(2, 3).flatten(3)

    return applied(made, _image(input))


@known_as("tf.nn.local_response_normalization", "tf.nn.lrn")
def local_response_normalization(
    _beside: Any, input: Any, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0,  # noqa: A002
    beta: float = 0.5,
) -> Any:  # fmt: skip
    """TensorFlow multiplies the sum by alpha, PyTorch the mean."""
    size = 2 * depth_radius + 1

    def made(t: Tensor) -> Any:
        image = t.expr.permute(0, 3, 1, 2)
        done = call(
            F.local_response_norm, image, size, alpha=float(alpha * size), beta=beta, k=float(bias)
        )
        return done.permute(0, 2, 3, 1)

    return applied(made, _image(input))


@known_as("tf.image.flip_left_right")
def flip_left_right(_beside: Any, image: Any) -> Any:
    return applied(lambda t: t.expr.flip(2), _image(image))


@known_as("tf.image.flip_up_down")
def flip_up_down(_beside: Any, image: Any) -> Any:
    return applied(lambda t: t.expr.flip(1), _image(image))
