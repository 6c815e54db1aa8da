"""Convolutions and pooling. Kernels are those of Keras: (*sizes, in, out)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Source, call
from torchtwin.nn.convolve import (
    convolve,
    convolve_depthwise,
    convolve_separable,
    convolve_transposed,
    patches_of,
    pool_max,
    pool_mean,
    pool_to,
)
from torchtwin.ops.registry import expr, op
from torchtwin.ops.values import is_whole, static, tensor
from torchtwin.rule import Case

KERNEL = np.random.default_rng(1).integers(-8, 9, (3, 2, 2, 4)) / 8  # the same in any precision
IMAGES = (2, 6, 7, 2)
FIRST = (2, 2, 6, 7)


def layout_of(data_format: Any) -> dict[str, bool]:
    """Return the argument `channels_first`, empty where channels are last."""
    static("an operation on images", data_format=data_format)
    if data_format in (None, "channels_last", "NHWC", "NWC", "NDHWC"):
        return {}
    if data_format in ("channels_first", "NCHW", "NCW", "NCDHW"):
        return {"channels_first": True}
    raise UnsupportedError(f"data_format={data_format!r} is not translated")


def options(**given: Any) -> dict[str, Any]:
    """Return the arguments of a helper; `call` leaves out those at their defaults."""
    return {k: tuple(v) if isinstance(v, list) else expr(v) for k, v in given.items()}


@op("Conv", cases=[
    Case({"kernel": KERNEL}, IMAGES),
    Case({"kernel": KERNEL, "strides": 2, "padding": "same"}, IMAGES),
    Case({"kernel": KERNEL, "dilation_rate": 2, "data_format": "channels_first"}, FIRST),
])  # fmt: skip
def conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    more = options(stride=strides, padding=padding, dilation=dilation_rate)
    x, weight = tensor(inputs).expr, tensor(kernel).expr
    return call(convolve, x, weight, **more, **layout_of(data_format))


@op("DepthwiseConv", cases=[
    Case({"kernel": KERNEL, "strides": 2, "padding": "same"}, IMAGES),
    Case({"kernel": KERNEL, "data_format": "channels_first"}, FIRST),
])  # fmt: skip
def depthwise_conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    more = options(stride=strides, padding=padding, dilation=dilation_rate)
    x, weight = tensor(inputs).expr, tensor(kernel).expr
    return call(convolve_depthwise, x, weight, **more, **layout_of(data_format))


@op("SeparableConv", cases=[
    Case({"depthwise_kernel": KERNEL, "pointwise_kernel": KERNEL.reshape(1, 1, 16, 3)[:, :, :8],
          "padding": "same"}, IMAGES),
])  # fmt: skip
def separable_conv(
    inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = 1,
    padding: Any = "valid", data_format: Any = None, dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    more = options(stride=strides, padding=padding, dilation=dilation_rate)
    given = [tensor(v).expr for v in (inputs, depthwise_kernel, pointwise_kernel)]
    return call(convolve_separable, *given, **more, **layout_of(data_format))


@op("ConvTranspose")
def conv_transpose(
    inputs: Any, kernel: Any, strides: Any = 1, padding: Any = "valid", output_padding: Any = None,
    data_format: Any = None, dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    more = options(
        stride=strides, padding=padding, output_padding=output_padding, dilation=dilation_rate
    )
    x, weight = tensor(inputs).expr, tensor(kernel).expr
    return call(convolve_transposed, x, weight, **more, **layout_of(data_format))


def _pool(function: Any) -> Any:
    def pool(
        inputs: Any, pool_size: Any, strides: Any = None, padding: Any = "valid",
        data_format: Any = None,
    ) -> Any:  # fmt: skip
        more = options(stride=strides, padding=padding)
        size = options(size=pool_size)["size"]
        return call(function, tensor(inputs).expr, size, **more, **layout_of(data_format))

    return pool


_POOLS = [Case({"pool_size": 2, "strides": 2}, IMAGES), Case({"pool_size": (3, 2), "strides": 2,
          "padding": "same"}, IMAGES), Case({"pool_size": 2, "strides": 1,
          "data_format": "channels_first"}, FIRST)]  # fmt: skip
op("MaxPool", cases=_POOLS)(_pool(pool_max))
op("AveragePool", cases=_POOLS)(_pool(pool_mean))


def _adaptive(how: str) -> Any:
    def adaptive(inputs: Any, output_size: Any, data_format: Any = None) -> Any:
        size = options(size=output_size)["size"]
        return call(pool_to, tensor(inputs).expr, size, how=how, **layout_of(data_format))

    return adaptive


op("AdaptiveAveragePool", cases=[Case({"output_size": (4, 2)}, IMAGES)])(_adaptive("mean"))
op("AdaptiveMaxPool", cases=[Case({"output_size": (4, 3)}, IMAGES)])(_adaptive("max"))


@op("ExtractPatches", cases=[
    Case({"size": (3, 2), "strides": 2, "padding": "same"}, IMAGES),
    Case({"size": (2, 1, 2)}, (1, 4, 3, 4, 2)),
])  # fmt: skip
def extract_patches(
    images: Any, size: Any, strides: Any = None, dilation_rate: Any = 1, padding: Any = "valid",
    data_format: Any = None,
) -> Any:  # fmt: skip
    more = options(stride=strides, dilation=dilation_rate, padding=padding)
    cut = options(size=size)["size"]
    return call(patches_of, tensor(images).expr, cut, **more, **layout_of(data_format))


@op("Unfold", cases=[Case({"kernel_size": 2, "stride": 2, "padding": 1}, FIRST)])
def unfold(
    input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1  # noqa: A002
) -> Any:  # fmt: skip
    more = options(dilation=dilation, padding=padding, stride=stride)
    return call(F.unfold, tensor(input).expr, expr(kernel_size), **more)


@op("Fold", cases=[Case({"output_size": (4, 5), "kernel_size": 2}, (2, 8, 12))])
def fold(
    x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Any:
    more = options(dilation=dilation, padding=padding, stride=stride)
    return call(F.fold, tensor(x).expr, expr(output_size), expr(kernel_size), **more)


def inner(values: Any, rank: int) -> Any:
    """Return TensorFlow's strides or sizes without those of the batch and of the channels."""
    if isinstance(values, Expr) or is_whole(values) or values is None:
        return values
    values = tuple(values)
    if len(values) == rank + 2:
        values = values[1:-1] if values[0] == 1 and values[-1] == 1 else values[2:]
    same = len({v.text if isinstance(v, Source) else v for v in values}) == 1
    return values[0] if same else values


def padded(padding: Any) -> Any:
    """Return TensorFlow's padding: a word, or pairs without those of batch and channels."""
    if isinstance(padding, str):
        return padding.lower()
    if isinstance(padding, Sequence):
        pairs = [tuple(pair) for pair in padding]
        return pairs[1:-1] if pairs[-1] == (0, 0) else pairs[2:]
    return padding
