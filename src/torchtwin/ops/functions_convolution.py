"""Convolutions and pooling under the names of TensorFlow and of Keras's old backend."""

from __future__ import annotations

from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, call
from torchtwin.nn.convolve import convolve_back, patches_of
from torchtwin.nn.ctc import ctc_batch_cost
from torchtwin.ops.convolution import inner, layout_of, options, padded
from torchtwin.ops.functions import named
from torchtwin.ops.registry import OPERATIONS
from torchtwin.ops.values import tensor
from torchtwin.view import Tensor


def run(name: str, *args: Any, **kwargs: Any) -> Any:
    return OPERATIONS[name](args, kwargs)


def _conv(rank: int, name: str = "Conv", strides_name: str = "strides") -> Any:
    def conv(
        input: Any, filters: Any, strides: Any = 1, padding: Any = "VALID",  # noqa: A002
        data_format: Any = None, dilations: Any = None,
    ) -> Any:  # fmt: skip
        dilation = 1 if dilations is None else inner(dilations, rank)
        return run(
            name, input, filters, inner(strides, rank), padded(padding), data_format, dilation
        )

    def conv1d(
        input: Any, filters: Any, stride: Any, padding: Any,  # noqa: A002
        data_format: Any = None, dilations: Any = None,
    ) -> Any:  # fmt: skip
        return conv(input, filters, stride, padding, data_format, dilations)

    return conv1d if strides_name == "stride" else conv


named("tf.nn.conv1d")(_conv(1, strides_name="stride"))
named("tf.nn.conv2d")(_conv(2))
named("tf.nn.conv3d")(_conv(3))


@named("tf.nn.convolution")
def convolution(
    input: Any, filters: Any, strides: Any = None, padding: Any = "VALID",  # noqa: A002
    data_format: Any = None, dilations: Any = None,
) -> Any:  # fmt: skip
    more = {} if strides is None else {"strides": strides}
    more |= {} if dilations is None else {"dilation_rate": dilations}
    return run("Conv", input, filters, padding=padded(padding), data_format=data_format, **more)


@named("tf.nn.depthwise_conv2d")
def depthwise_conv2d(
    input: Any, filter: Any, strides: Any, padding: Any, data_format: Any = None,  # noqa: A002
    dilations: Any = None,
) -> Any:  # fmt: skip
    dilation = 1 if dilations is None else inner(dilations, 2)
    kind = padded(padding)
    return run("DepthwiseConv", input, filter, inner(strides, 2), kind, data_format, dilation)


@named("tf.nn.separable_conv2d")
def separable_conv2d(
    input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any,  # noqa: A002
    padding: Any, data_format: Any = None, dilations: Any = None,
) -> Any:  # fmt: skip
    dilation = 1 if dilations is None else inner(dilations, 2)
    given = (input, depthwise_filter, pointwise_filter, inner(strides, 2), padded(padding))
    return run("SeparableConv", *given, data_format, dilation)


@named("tf.nn.atrous_conv2d")
def atrous_conv2d(value: Any, filters: Any, rate: Any, padding: Any) -> Any:
    return run("Conv", value, filters, 1, padded(padding), None, rate)


def _pool(name: str, rank: int) -> Any:
    def pool(
        input: Any, ksize: Any, strides: Any, padding: Any, data_format: Any = None  # noqa: A002
    ) -> Any:  # fmt: skip
        if not isinstance(padding, str):
            raise UnsupportedError("pooling padded by numbers is not translated")
        sizes = inner(ksize, rank), inner(strides, rank)
        return run(name, input, *sizes, padded(padding), data_format)

    return pool


for _kind, _name in (("max", "MaxPool"), ("avg", "AveragePool")):
    named(f"tf.nn.{_kind}_pool", f"tf.nn.{_kind}_pool2d")(_pool(_name, 2))
    named(f"tf.nn.{_kind}_pool1d")(_pool(_name, 1))
    named(f"tf.nn.{_kind}_pool3d")(_pool(_name, 3))


@named("tf.image.extract_patches")
def extract_patches(images: Tensor, sizes: Any, strides: Any, rates: Any, padding: Any) -> Any:
    """All lists have an entry for the batch and for the channels too."""
    size, stride, rate = (
        v[slice(1, -1)] if isinstance(v, Expr) else inner(v, 2) for v in (sizes, strides, rates)
    )
    more = options(stride=stride, dilation=rate, padding=padded(padding))
    return call(patches_of, images.expr, size, **more)


@named("keras.backend.conv1d", "keras.backend.conv2d", "keras.backend.conv3d")
def backend_conv(
    x: Any, kernel: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    if padding == "causal":
        raise UnsupportedError("K.conv1d(padding='causal') is not translated")
    return run("Conv", x, kernel, strides, padding, data_format, dilation_rate)


@named("keras.backend.depthwise_conv2d")
def backend_depthwise(
    x: Any, depthwise_kernel: Any, strides: Any = 1, padding: Any = "valid",
    data_format: Any = None, dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    given = (x, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return run("DepthwiseConv", *given)


@named("keras.backend.pool2d", "keras.backend.pool3d")
def backend_pool(
    x: Any, pool_size: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = None,
    pool_mode: Any = "max",
) -> Any:  # fmt: skip
    if pool_mode not in ("max", "avg"):
        raise UnsupportedError(f"pool_mode={pool_mode!r} is not translated")
    name = "MaxPool" if pool_mode == "max" else "AveragePool"
    return run(name, x, pool_size, strides, padding, data_format)


@named("keras.backend.ctc_batch_cost")
def backend_ctc(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Call:
    given = [tensor(v).expr for v in (y_true, y_pred, input_length, label_length)]
    return call(ctc_batch_cost, *given)


def _back(rank: int) -> Any:
    def back(
        input: Tensor, filters: Tensor, output_shape: Any, strides: Any,  # noqa: A002
        padding: Any = "SAME", data_format: Any = None,
    ) -> Any:  # fmt: skip
        if layout_of(data_format) or not isinstance(padding, str):
            raise UnsupportedError("this transposed convolution is not translated")
        sizes = options(size=output_shape)["size"]
        sizes = sizes[slice(1, -1)] if isinstance(sizes, tuple | Expr) else sizes
        more = options(stride=inner(strides, rank), padding=padded(padding))
        return call(convolve_back, input.expr, filters.expr, sizes, **more)

    return back


for _rank in (1, 2, 3):
    named(f"tf.nn.conv{_rank}d_transpose")(_back(_rank))
