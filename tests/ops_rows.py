"""Calls of keras.ops, by operation: positional arguments, then those by name."""

from __future__ import annotations

from typing import Any

import numpy as np

RNG = np.random.default_rng(5)


def f(*shape: int, dtype: str = "float32") -> Any:
    return np.asarray(RNG.normal(size=shape), dtype)


def i(high: int, *shape: int) -> Any:
    return RNG.integers(0, high, shape).astype("int32")


Row = tuple[str, tuple[Any, ...], dict[str, Any]]


def row(name: str, *args: Any, **kwargs: Any) -> Row:
    return name, args, kwargs


X = f(2, 3, 4)
MOVING = [
    row("Reshape", X, (2, -1)), row("Reshape", X, -1), row("Reshape", X, [4, 3, 2]),
    row("Reshape", f(1), ()), row("Ravel", X),
    row("ExpandDims", X, -1), row("ExpandDims", X, axis=0), row("ExpandDims", X, (0, 2)),
    row("ExpandDims", X, (-1, -3)), row("ExpandDims", X, (-3, -1)),
    row("Squeeze", f(2, 1, 3, 1)), row("Squeeze", f(2, 1, 3, 1), axis=1),
    row("Squeeze", f(2, 1, 3, 1), axis=(1, -1)), row("Squeeze", f(2, 1, 3, 1), axis=[1, 3]),
    row("Transpose", X), row("Transpose", X, (2, 0, 1)), row("Transpose", X, axes=[0, 2, 1]),
    row("Swapaxes", X, 0, -1), row("Moveaxis", X, 0, -1), row("Moveaxis", X, (0, 1), (-1, 0)),
    row("Flip", X), row("Flip", X, axis=-1), row("Flip", X, axis=(0, 2)),
    row("Fliplr", X), row("Flipud", X), row("Roll", X, 2), row("Roll", X, -1, axis=1),
    row("Roll", X, (1, 2), axis=(0, 2)), row("Roll", X, 1, axis=(0, 2)),
    row("Rot90", X), row("Rot90", X, k=2, axes=(1, 2)), row("Rot90", X, k=-1, axes=(0, 2)),
    row("BroadcastTo", f(2, 1, 3), (2, 4, 3)), row("BroadcastTo", f(3), [2, 3]),
    row("Size", X), row("Ndim", X), row("Shape", X),
]  # fmt: skip
Y = f(2, 3, 4)
JOINING = [
    row("Concatenate", [X, Y], axis=-1), row("Concatenate", (X, Y)), row("Concatenate", [X, Y], 1),
    row("Concatenate", [X, i(3, 2, 3, 4)], 1),
    row("Stack", [X, Y], axis=-1), row("Stack", [X, Y]), row("Stack", [X, i(3, 2, 3, 4)], 1),
    row("Hstack", [X, Y]), row("Vstack", [X, Y]), row("Dstack", [X, Y]), row("Hstack", [f(3), f(2)]),
    row("Append", X, Y), row("Append", X, Y, axis=1),
    row("Meshgrid", f(3), f(2)), row("Meshgrid", f(3), f(2), f(4), indexing="ij"),
    row("Tile", X, 2), row("Tile", X, (2, 1)), row("Tile", X, [1, 2, 1, 1]),
    row("Repeat", X, 2), row("Repeat", X, 2, axis=1), row("Repeat", X, np.array([2, 1]), 0),
    row("Repeat", X, np.array([1, 0, 2]), axis=1), row("Repeat", X, np.array([3]), axis=0),
    row("Split", X, 2), row("Split", X, 2, axis=-1), row("Split", X, [1, 3], axis=2),
    row("Split", X, (1,), axis=1), row("ArraySplit", X, 3, axis=2), row("ArraySplit", X, 2, 1),
    row("Vsplit", X, 2), row("Hsplit", X, [1]), row("Dsplit", X, 2),
    row("Unstack", X, axis=1), row("Unstack", X, 4, -1), row("Unstack", X),
    row("Pad", X, 1), row("Pad", X, ((0, 0), (1, 2), (0, 1))), row("Pad", X, ((1, 2),)),
    row("Pad", X, (1, 2)), row("Pad", X, [[0, 0], [0, 0], [3, 1]], constant_values=2.0),
    *(row("Pad", f(3, 4), ((2, 1), (3, 3)), mode=mode)
      for mode in ("reflect", "symmetric", "edge", "wrap")),
    row("Pad", f(3), 7, mode="reflect"), row("Pad", f(3), 7, mode="symmetric"),
    row("Pad", i(5, 3, 2), 1),
]  # fmt: skip
INDEXING = [
    row("Take", X, 1, axis=1), row("Take", X, i(3, 2), axis=1), row("Take", X, i(4, 2, 2), axis=-1),
    row("Take", X, i(3, 2, 2), -2), row("Take", X, [0, 2], axis=1), row("Take", X, -1, axis=-1),
    row("Take", X, [[0, 1], [1, 0]], axis=0), row("Take", X, i(20, 3)), row("Take", X, 5),
    row("Take", X, (2, -1), axis=1),
    row("TakeAlongAxis", X, i(3, 2, 2, 4), axis=1), row("TakeAlongAxis", X, i(4, 2, 3, 1), -1),
    row("TakeAlongAxis", X, i(20, 3)),
    row("GetItem", X, (slice(None), 1)), row("GetItem", X, (..., slice(None, None, -1))),
    row("GetItem", X, (slice(None), slice(None, None, -1), None, 1)),
    row("Slice", X, [0, 1, 1], [2, 2, 2]), row("Slice", X, (0, 2, 0), (1, 2, -1)),
    row("SliceUpdate", X, [0, 1, 2], f(1, 2, 2)), row("SliceUpdate", X, (0, 2, 3), f(1, 2, 2)),
    row("Scatter", np.array([[0, 1], [2, 0], [0, 1]]), f(3), (3, 2)),
    row("Scatter", np.array([[1], [3]]), f(2, 3), (5, 3)),
    *(row("ScatterUpdate", f(4, 3), np.array([[0], [2], [-1]]), f(3, 3), reduction=how)
      for how in (None, "add", "max", "min", "mul")),
    row("ScatterUpdate", f(4, 3), np.array([[0, 1], [2, 2]]), f(2)),
    row("UnravelIndex", i(6, 4), (2, 3)), row("Nonzero", i(2, 3, 4)),
    *(row(f"Segment{how}", f(5, 2), np.array([0, 2, 2, 0, 5]), num_segments=4)
      for how in ("Sum", "Max", "Min", "Prod")),
    row("SegmentSum", f(4), np.array([0, 0, -1, 2]), 3),
    row("SegmentSum", i(9, 4), np.array([0, 0, 1, 2]), 3, sorted=True),
]  # fmt: skip
PRODUCTS = [
    row("Matmul", f(2, 3, 4), f(2, 4, 5)), row("Matmul", f(4), f(4)), row("Matmul", f(2, 3, 4), f(4)),
    row("Matmul", f(3), f(2, 3, 4)), row("Matmul", f(2, 3, 4), f(4, 2)),
    row("Dot", f(2, 3, 4), f(5, 4, 6)), row("Dot", f(3), f(3)), row("Dot", f(2, 3, 4), f(4)),
    row("Dot", f(2, 3), f(3, 5)), row("Dot", f(2, 3), f()),
    row("Einsum", "bij,bjk->bik", f(2, 3, 4), f(2, 4, 5)), row("Einsum", "...i,ij->...j", X, f(4, 2)),
    row("Einsum", "ii", f(3, 3)), row("Einsum", "b i j -> b j i", X),
    row("Tensordot", X, f(3, 4, 2)), row("Tensordot", X, f(4, 2), axes=1),
    row("Tensordot", X, f(4, 3), axes=([1, 2], [1, 0])), row("Tensordot", X, f(3, 2), axes=(1, 0)),
    row("Tensordot", X, f(2, 3), axes=[[0, 1], [0, 1]]), row("Tensordot", f(2), f(3), axes=0),
    row("Inner", f(2, 3), f(4, 3)), row("Inner", f(3), f(3)), row("Outer", f(2, 3), f(4)),
    row("Vdot", f(2, 3), f(2, 3)), row("Kron", f(2, 3), f(2, 2)),
    row("Cross", f(2, 3), f(2, 3)), row("Cross", f(3, 2), f(3, 2), axis=0),
    row("Cross", f(3, 2), f(2, 3), axisa=0), row("Cross", f(2, 3), f(2, 3), axisc=0),
    row("CDist", f(2, 3, 4), f(2, 5, 4)), row("CDist", f(3, 4, dtype="float64"), f(5, 4, dtype="float64")),
    row("Tril", X, -1), row("Triu", X, k=1), row("Tril", X), row("Diag", f(3)), row("Diag", f(3, 4), 1),
    row("Diagflat", f(2, 2), -1), row("Diagonal", X), row("Diagonal", X, 1, 1, 2),
    row("Diagonal", X, offset=-1, axis1=2, axis2=0), row("Trace", X), row("Trace", X, 1, 2, 1),
]  # fmt: skip
MAKING = [
    row("Zeros", (2, 3)), row("Zeros", 3), row("Zeros", [2], dtype="int32"), row("Ones", (2, 3), "bool"),
    row("Full", (2, 3), 2), row("Full", (2,), 2.5), row("Full", (2,), 3, dtype="int32"),
    row("Full", (2, 3), f(3)),
    row("Eye", 3), row("Eye", 3, 4), row("Eye", 3, 4, 1), row("Eye", 4, k=-1, dtype="float64"),
    row("IdentityMatrix", 3), row("Tri", 3), row("Tri", 3, 4, 1), row("Tri", 3, k=-1, dtype="int32"),
    row("Arange", 5), row("Arange", 2, 8), row("Arange", 2, 8, 3), row("Arange", 0.0, 1.0, 0.25),
    row("Arange", 3, dtype="float32"), row("Arange", 5, step=2), row("Arange", 5, 0, -1),
    row("Arange", 1.0, 4.0, dtype="float32"),
    row("Linspace", 0.0, 1.0, 5), row("Linspace", 0, 10, num=4), row("Linspace", 0.0, 1.0, 4, endpoint=False),
    row("Linspace", f(2), f(2), 3), row("Linspace", f(2), f(2), 3, axis=-1), row("Linspace", 0, 1, 1),
    row("Linspace", 0, 5, 6, dtype="int32"), row("Logspace", 0.0, 2.0, 4), row("Logspace", 0, 1, 3, False, 2),
    row("Geomspace", 1.0, 8.0, 4), row("Geomspace", -1.0, -8.0, 3, endpoint=False),
    row("ZerosLike", X), row("OnesLike", i(3, 2), dtype="float32"), row("FullLike", X, 2),
    row("FullLike", i(3, 2), 2, dtype="float32"), row("Vander", f(3)), row("Vander", f(3), 2, True),
    row("Bartlett", 5), row("Blackman", 6), row("Hamming", 5), row("Hanning", 5), row("Kaiser", 5, 8.0),
    row("Cast", X, "int32"), row("Cast", i(2, 3), "bool"), row("Cast", f(3), "float64"), row("Cast", 3, "float32"),
    row("ConvertToTensor", [1.0, 2.0]), row("ConvertToTensor", [[1, 2], [3, 4]]), row("ConvertToTensor", 2.0),
    row("ConvertToTensor", X), row("ConvertToTensor", [1, 2], dtype="float32"), row("Array", [True, False]),
    row("Array", X, "float64"), row("Copy", X), row("StopGradient", X), row("ConvertToNumpy", X),
    row("OneHot", i(6, 3), 4), row("OneHot", i(4, 2, 3), 4, axis=1), row("OneHot", i(4, 3), 4, dtype="int32"),
    row("OneHot", np.array([-1, 2, 7]), num_classes=3), row("OneHot", [0, 2], 3),
    row("MultiHot", i(4, 3), 5), row("MultiHot", i(4, 2, 3), 5), row("MultiHot", i(4, 2, 3), 5, axis=1),
    row("DepthToSpace", f(2, 3, 4, 8), 2), row("SpaceToDepth", f(2, 4, 6, 3), 2),
    row("DepthToSpace", f(2, 8, 3, 4), 2, data_format="channels_first"),
    row("SpaceToDepth", f(2, 3, 4, 6), 2, data_format="channels_first"),
]  # fmt: skip
