"""Operations that turn numbers of classes into vectors, and blocks of pixels into channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Field, call, equal
from torchtwin.nn.encoding import blocks_to_depth, depth_to_blocks, multi_hot_rows
from torchtwin.ops.registry import expr, op
from torchtwin.ops.values import kind, static, tensor
from torchtwin.rule import Case

LABELS = [Case({"num_classes": 4}, (2, 3), inputs="int:6"),
          Case({"num_classes": 4, "axis": 1}, (2, 3), inputs="int:4"),
          Case({"num_classes": 4, "dtype": "int32"}, (2, 3), inputs="int:4")]  # fmt: skip


@op("OneHot", cases=[Case(c.config, c.shape, inputs=c.inputs, single=True) for c in LABELS])
def one_hot(
    x: Any, num_classes: Any, axis: Any = -1, dtype: Any = None, sparse: Any = False
) -> Any:
    """F.one_hot stops at numbers beyond the classes; Keras gives them zeros."""
    if sparse:
        raise UnsupportedError("sparse tensors are not translated")
    labels = tensor(x)
    whole = labels.expr
    if labels.known and labels.dtype.startswith(("float", "bfloat")):
        whole = whole.long()
    classes = call(torch.arange, expr(num_classes), device=Field(labels.expr, "device"))
    hot = typed(equal(whole[..., None], classes), dtype)
    return hot if axis == -1 else hot.movedim(-1, expr(axis))


def typed(x: Any, dtype: Any) -> Any:
    """Return truth values in a dtype, by default that of Keras's floating point."""
    if dtype in (None, "float32"):
        return x.float()
    return x if dtype == "bool" else x.to(**kind(dtype))


@op("OneHotValues")
def one_hot_values(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: Any = None,
    dtype: Any = None,
) -> Any:  # fmt: skip
    """tf.one_hot, with other values than 1 and 0."""
    axis = -1 if axis is None else axis
    if on_value is None and off_value is None:
        return one_hot(indices, depth, axis, dtype)
    values = (1.0 if on_value is None else on_value, 0.0 if off_value is None else off_value)
    more = {} if dtype is None else kind(dtype)
    chosen = call(torch.where, one_hot(indices, depth, axis, "bool"), *map(expr, values))
    return chosen.to(**more) if more else chosen


@op("MultiHot", cases=[Case({"num_classes": 4}, (2, 3), inputs="int:4", single=True),
                       Case({"num_classes": 4, "axis": 1}, (2, 3, 2), inputs="int:4", single=True),
                       ])  # fmt: skip
def multi_hot(
    inputs: Any, num_classes: Any, axis: Any = -1, dtype: Any = None, sparse: Any = False
) -> Any:
    """Which classes occur along the axis behind which Keras one-hots."""
    if sparse:
        raise UnsupportedError("sparse tensors are not translated")
    x = tensor(inputs)
    return typed(call(multi_hot_rows, x.expr, expr(num_classes), axis=expr(axis)), dtype)


def first_moved(x: Any, data_format: Any) -> Any:
    """Return images with their channels last, and where these were, None for last already.

    In channels-first images Keras on TensorFlow counts the places of a block before channels too.
    """
    static("a block of pixels", data_format=data_format)
    if data_format in (None, "channels_last", "NHWC"):
        return None
    if data_format not in ("channels_first", "NCHW"):
        raise UnsupportedError(f"data_format={data_format!r} is not translated")
    return x.movedim(1, -1)


def channels_in_front(config: Mapping[str, Any], rank: int) -> Any:
    return (0, 3, 1, 2) if config.get("data_format") != "channels_first" and rank == 4 else None


@op("DepthToSpace", layout=channels_in_front,
    cases=[Case({"block_size": 2}, (2, 3, 4, 8)),
           Case({"block_size": 2}, (2, 3, 4, 4))])  # fmt: skip
def depth_to_space(x: Any, block_size: Any, data_format: Any = None) -> Any:
    """Keras counts channels last, behind the places of a block; pixel_shuffle counts them first."""
    x = tensor(x)
    if (moved := first_moved(x.expr, data_format)) is not None:
        return call(depth_to_blocks, moved, expr(block_size)).movedim(-1, 1)
    if not x.layout:
        return call(depth_to_blocks, x.expr, expr(block_size))
    if x.shape[3] == block_size**2:
        return call(F.pixel_shuffle, x.expr, block_size)
    channels = x.expr.unflatten(1, (block_size**2, -1)).transpose(1, 2).flatten(1, 2)
    return call(F.pixel_shuffle, channels, block_size)


@op("SpaceToDepth", layout=channels_in_front,
    cases=[Case({"block_size": 2}, (2, 4, 6, 3))])  # fmt: skip
def space_to_depth(x: Any, block_size: Any, data_format: Any = "channels_last") -> Any:
    x = tensor(x)
    if (moved := first_moved(x.expr, data_format)) is not None:
        return call(blocks_to_depth, moved, expr(block_size)).movedim(-1, 1)
    if not x.layout:
        return call(blocks_to_depth, x.expr, expr(block_size))
    blocks = call(F.pixel_unshuffle, x.expr, block_size)
    return blocks.unflatten(1, (-1, block_size**2)).transpose(1, 2).flatten(1, 2)
