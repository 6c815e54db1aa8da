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
]  # fmt: skip
IMAGES = f(2, 6, 7, 2)
CONVOLUTION = [
    row("Conv", IMAGES, f(3, 2, 2, 4)), row("Conv", f(2, 9, 4), f(3, 4, 5), 2, "same"),
    row("Conv", IMAGES, f(3, 2, 2, 4), strides=(2, 1), padding="same", dilation_rate=1),
    row("Conv", IMAGES, f(3, 2, 2, 4), dilation_rate=(2, 1)), row("Conv", f(2, 4, 5, 6, 2), f(2, 2, 2, 2, 3)),
    row("Conv", f(1, 5, 5, 4), f(2, 2, 2, 6)), row("Conv", f(2, 2, 6, 7), f(3, 3, 2, 4), data_format="channels_first"),
    row("DepthwiseConv", IMAGES, f(3, 3, 2, 2), 1, "same"), row("DepthwiseConv", f(2, 8, 3), f(3, 3, 1), 2),
    row("SeparableConv", IMAGES, f(3, 3, 2, 2), f(1, 1, 4, 3), 2, "same"),
    row("ConvTranspose", IMAGES, f(3, 3, 4, 2), 2, "same"), row("ConvTranspose", IMAGES, f(2, 3, 4, 2), strides=(3, 2)),
    row("ConvTranspose", f(2, 5, 3), f(4, 2, 3), 2, "same", 1), row("ConvTranspose", f(2, 5, 3), f(2, 2, 3), 1, dilation_rate=3),
    row("MaxPool", IMAGES, 2, 2), row("MaxPool", IMAGES, (3, 2), 2, "same"), row("MaxPool", f(2, 7, 3), 2, 2, padding="same"),
    row("MaxPool", f(2, 3, 7), 2, 1, data_format="channels_first"), row("MaxPool", f(1, 4, 4, 4, 2), 2, (1, 2, 1)),
    row("AveragePool", IMAGES, 2, 2), row("AveragePool", IMAGES, (3, 2), 2, "same"), row("AveragePool", f(2, 7, 3), 3, 1, "same"),
    row("AdaptiveAveragePool", IMAGES, 4), row("AdaptiveMaxPool", IMAGES, (4, 3)), row("AdaptiveMaxPool", f(2, 7, 3), 3),
    row("ExtractPatches", IMAGES, 2), row("ExtractPatches", IMAGES, (3, 2), 2, padding="same"),
    row("ExtractPatches", IMAGES, (3, 2), (1, 2), dilation_rate=2), row("ExtractPatches", IMAGES[0], 2),
    row("ExtractPatches", f(2, 2, 6, 7), 2, data_format="channels_first"),
    row("ExtractPatches", f(1, 4, 4, 4, 2), (2, 2, 2)), row("ExtractPatches", f(1, 4, 4, 4, 2), (2, 1, 2), padding="same"),
    row("Unfold", f(2, 3, 5, 6), 2), row("Unfold", f(2, 3, 5, 6), (2, 3), 1, 1, 2), row("Fold", f(2, 12, 20), (5, 6), 2),
    row("Fold", f(1, 8, 4), 4, 2, stride=2),
]  # fmt: skip
PROBABLE = abs(f(4, 3)) / abs(f(4, 3)).sum(-1, keepdims=True) * 0.3 + 0.1
HOT = np.eye(3, dtype="float32")[[0, 2, 1, 1]]
POSITIVE = f(3, 3) * 0.1 + 2 * np.eye(3, dtype="float32")
POSITIVE = POSITIVE @ POSITIVE.T
NORMALIZING = [
    row("Moments", X, [1]), row("Moments", X, axes=(0, 2), keepdims=True), row("Moments", X, -1),
    row("BatchNorm", X, f(4), abs(f(4)), axis=-1), row("BatchNorm", X, f(3), abs(f(3)), axis=1, offset=f(3), scale=f(3), epsilon=0.1),
    row("LayerNorm", X), row("LayerNorm", X, f(4), f(4)), row("LayerNorm", X, f(4), f(4), -1, 1e-3), row("LayerNorm", X, axis=(1, 2)),
    row("LayerNorm", X, f(3), f(3), axis=1), row("LayerNorm", X, f(4), rms_scaling=True), row("LayerNorm", X, axis=[-1, -2]),
    row("RMSNorm", X), row("RMSNorm", X, f(4)), row("RMSNorm", X, f(4), axis=1, epsilon=0.01), row("RMSNorm", X, axis=(0, 2)),
    row("DotProductAttention", f(2, 5, 2, 4), f(2, 3, 2, 4), f(2, 3, 2, 4)),
    row("DotProductAttention", f(2, 5, 4, 4), f(2, 5, 2, 4), f(2, 5, 2, 4), is_causal=True, scale=0.2),
    row("DotProductAttention", f(2, 5, 2, 4), f(2, 3, 2, 4), f(2, 3, 2, 4), f(1, 2, 5, 3), f(2, 1, 5, 3) > -0.3),
    row("DotProductAttention", f(2, 5, 2, 4), f(2, 5, 2, 4), f(2, 5, 2, 4), mask=np.zeros((2, 1, 5, 5), bool)),
    row("DotProductAttention", f(2, 5, 2, 4), f(2, 5, 2, 4), f(2, 5, 2, 4), mask=f(2, 1, 5, 5) > 0, is_causal=True),
    row("BinaryCrossentropy", HOT, PROBABLE), row("BinaryCrossentropy", HOT, f(4, 3), from_logits=True),
    row("BinaryCrossentropy", HOT, HOT), row("BinaryCrossentropy", i(2, 4, 3), f(4, 3), True),
    row("CategoricalCrossentropy", HOT, PROBABLE), row("CategoricalCrossentropy", HOT, f(4, 3), True),
    row("CategoricalCrossentropy", HOT.T, f(3, 4), from_logits=True, axis=0), row("CategoricalCrossentropy", HOT, PROBABLE, axis=-1),
    row("SparseCategoricalCrossentropy", i(3, 4), PROBABLE), row("SparseCategoricalCrossentropy", i(3, 4), f(4, 3), True),
    row("SparseCategoricalCrossentropy", i(3, 4, 1), f(4, 3), from_logits=True), row("SparseCategoricalCrossentropy", i(3, 2, 4), f(2, 4, 3), True),
    row("PSNR", X, Y, 2.0), row("PSNR", X, Y, max_val=255),
    row("CTCLoss", 1 + i(4, 3, 4), f(3, 9, 5), np.array([4, 2, 3]), np.array([9, 7, 8])),
    row("CTCLoss", i(4, 3, 4), f(3, 9, 5), np.array([4, 2, 3]), np.array([9, 7, 9]), 4),
    row("CTCDecode", f(3, 9, 4), np.array([9, 5, 7])), row("CTCDecode", f(3, 9, 4), np.array([9, 5, 7]), merge_repeated=False, mask_index=3),
]  # fmt: skip
MATRICES = [
    row("Det", f(2, 3, 3)), row("Inv", f(2, 3, 3)), row("Logdet", f(2, 3, 3)), row("Slogdet", f(2, 3, 3)),
    row("Cholesky", POSITIVE), row("Cholesky", POSITIVE, upper=True), row("CholeskyInverse", np.linalg.cholesky(POSITIVE)),
    row("CholeskyInverse", np.linalg.cholesky(POSITIVE).T, True), row("Eig", f(3, 3)),
    row("LuFactor", f(2, 3, 3)), row("Qr", f(4, 3)), row("Qr", f(2, 4, 3), "complete"),
    row("Solve", f(2, 3, 3), f(2, 3, 2)), row("Solve", f(3, 3), f(3)), row("Solve", f(3, 3), f(3, 2)),
    row("SolveTriangular", f(3, 3), f(3, 2)), row("SolveTriangular", f(3, 3), f(3), lower=True),
    row("SVD", f(4, 3), compute_uv=False),
    row("Lstsq", f(5, 3), f(5, 2)), row("Lstsq", f(5, 3), f(5)), row("Lstsq", f(2, 3), f(2)), row("Pinv", f(4, 3)), row("Pinv", f(3, 4), 0.3),
    row("MatrixRank", f(2, 4, 3)), row("MatrixRank", f(4, 3), 0.6), row("MatrixRank", np.ones((3, 3), "float32")),
]  # fmt: skip
A = f(2, 4, 8)
B = f(2, 4, 8)
SIGNAL = f(2, 40)
FOURIER = [
    row("FFT", (A, B)), row("FFT2", (A, B)), row("IFFT2", (A, B)), row("RFFT", A), row("RFFT", A, 6), row("RFFT", A, fft_length=11),
    row("IRFFT", (A, B)), row("IRFFT", (A, B), 10), row("STFT", SIGNAL, 8, 4, 10), row("STFT", SIGNAL, 8, 4, 8, window="hamming", center=False),
    row("STFT", SIGNAL, 8, 3, 8, None),
    row("ISTFT", (f(2, 6, 9), f(2, 6, 9)), 16, 8, 16), row("ISTFT", (f(2, 6, 6), f(2, 6, 6)), 8, 5, 10, length=20, window="hamming"),
    row("ExtractSequences", SIGNAL, 5, 3), row("ViewAsComplex", f(3, 2)), row("ViewAsReal", f(3) + 1j * f(3)), row("Polar", abs(f(3)), f(3)),
]  # fmt: skip
PHOTOS = f(2, 6, 7, 3)
BRIGHT = np.abs(PHOTOS) % 1
POINTS = np.array([[0.0, 0.0], [0.0, 6.0], [5.0, 0.0], [5.0, 6.0]], "float32")
PLACES = np.array([[0.5, 1.0, -0.5], [1.25, 5.5, 0.0], [-7.0, 1.5, 2.5]], "float32")
IMAGE = [
    *(row("Resize", PHOTOS, (4, 9), interpolation=mode, antialias=smooth)
      for mode in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5") for smooth in (False, True) if mode != "bicubic" or smooth),
    row("Resize", PHOTOS[0], (9, 3)), row("Resize", PHOTOS, (4, 9), crop_to_aspect_ratio=True), row("Resize", PHOTOS, (9, 4), crop_to_aspect_ratio=True),
    row("Resize", PHOTOS, (9, 4), pad_to_aspect_ratio=True, fill_value=0.5), row("Resize", PHOTOS, [4, 9], pad_to_aspect_ratio=True),
    row("Resize", f(2, 3, 6, 7), (4, 9), data_format="channels_first"),
    row("PadImages", PHOTOS, 1, 2, target_height=9, target_width=10), row("PadImages", PHOTOS[0], 1, 2, 3, 4),
    row("PadImages", f(2, 3, 6, 7), bottom_padding=1, right_padding=0, target_height=9, target_width=9, data_format="channels_first"),
    row("CropImages", PHOTOS, 1, 2, target_height=3, target_width=2), row("CropImages", PHOTOS, 1, 2, 1, 1), row("CropImages", PHOTOS[0], 0, 2, 1, 0),
    row("RGBToGrayscale", PHOTOS), row("RGBToGrayscale", f(2, 3, 6, 7), data_format="channels_first"), row("RGBToGrayscale", f(2, 6, 7, 1)),
    row("RGBToHSV", BRIGHT), row("RGBToHSV", np.zeros((2, 2, 3), "float32")), row("RGBToHSV", np.round(BRIGHT)), row("HSVToRGB", BRIGHT), row("HSVToRGB", BRIGHT[0]),
    *(row("GaussianBlur", *args, data_format="channels_last") for args in ((PHOTOS,), (PHOTOS, (5, 5), (0.5, 2.0)), (PHOTOS[0], (4, 4)))),
    row("SSIM", BRIGHT, BRIGHT * 0.8, filter_size=5), row("SSIM", f(2, 12, 13, 1), f(2, 12, 13, 1), 2.0), row("SSIM", f(12, 13, 3), f(12, 13, 3), max_val=3.0, k1=0.1),
    *(row("MapCoordinates", X, PLACES, order, mode) for order in (0, 1) for mode in ("constant", "nearest", "wrap", "mirror")),
    row("MapCoordinates", X, PLACES, 1, fill_value=0.5), row("MapCoordinates", i(9, 2, 3, 4), PLACES, order=1),
    *(row("AffineTransform", PHOTOS, np.array([[1, 0.25, -0.5, 0.125, 0.75, 1, 0, 0]] * 2, "float32"), mode, fill)
      for mode, fill in (("bilinear", "constant"), ("nearest", "reflect"), ("bilinear", "nearest"))),
    row("AffineTransform", PHOTOS[0], np.array([0.9, 0.2, 0.5, -0.1, 1.1, 1, 0, 0], "float32"), fill_value=2.0),
    row("AffineTransform", f(2, 3, 6, 7), np.array([[1, 0.25, -0.5, 0.125, 0.75, 1, 0, 0]] * 2, "float32"), data_format="channels_first"),
    row("PerspectiveTransform", PHOTOS, np.stack([POINTS] * 2), np.stack([POINTS * 0.8 + 0.5] * 2)), row("PerspectiveTransform", PHOTOS[0], POINTS, POINTS * 0.83 + 0.11, "nearest"),
    *(row("ScaleAndTranslate", PHOTOS, (2, 8, 5, 3), np.array([1.4, 0.7], "float32"), np.array([0.5, -1.0], "float32"), (1, 2), method)
      for method in ("linear", "cubic", "lanczos5")),
]  # fmt: skip
LATE = [
    *(row("Correlate", f(n), f(m), mode) for n, m in ((7, 3), (3, 7), (6, 4), (4, 6), (5, 5)) for mode in ("valid", "same", "full")),
    row("SaturateCast", np.array([-3.7, 1.2, 300.0], "float32"), "uint8"), row("SaturateCast", np.array([-300, 5], "int32"), "int8"),
    row("View", f(2, 4), "int32"), row("View", i(9, 2, 4), dtype="float32"), row("View", f(3)),
    row("Rearrange", X, "b h c -> b (h c)"), row("Rearrange", f(2, 4, 6, 3), "b (h p) (w q) c -> b (h w) (p q c)", p=2, q=3),
    row("Rearrange", X, "a b c -> c a b"), row("Rearrange", f(2, 6), "b (c d) -> d c b", c=3),
]  # fmt: skip
