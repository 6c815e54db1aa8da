"""Calls of functions of TensorFlow, by name: positional arguments, then those by name."""

from __future__ import annotations

import numpy as np

from ops_rows import BRIGHT, PHOTOS, POSITIVE, SIGNAL, Row, X, f, i, row

PLACES = np.array([[0, 1], [2, 0], [1, 1]])
SMALL = f(2, 12, 13, 3)
ARRAYS: list[Row] = [
    row("tensor_scatter_nd_update", f(3, 2), PLACES, f(3)), row("tensor_scatter_nd_add", f(3, 2), np.array([[0], [0]]), f(2, 2)),
    row("tensor_scatter_nd_sub", f(3, 2), PLACES, f(3)), row("tensor_scatter_nd_max", f(3, 2), PLACES, f(3)),
    row("tensor_scatter_nd_min", f(3, 2), PLACES, f(3)), row("scatter_nd", PLACES, f(3), (3, 2)),
    row("gather", X, i(3, 2), axis=1), row("gather", X, i(2, 2, 2)), row("gather", X, i(3, 2, 2), batch_dims=1),
    row("gather", X, i(4, 2, 3, 2), axis=2, batch_dims=2), row("gather", X, i(4, 2, 5), axis=2, batch_dims=1), row("gather", X, [1, 0], axis=-1),
    row("gather_nd", X, np.array([[0, 1], [1, 2]])), row("gather_nd", X, np.array([[[0], [2]], [[1], [1]]]), batch_dims=1),
    row("boolean_mask", X, np.array([True, False])), row("boolean_mask", X, np.array([True, False, True]), axis=1),
    row("slice", X, [0, 1, 1], [2, -1, 2]), row("sequence_mask", np.array([1, 3, 2]), 4), row("sequence_mask", np.array([1, 3, 2]), dtype="float32"),
    row("linalg.solve", POSITIVE, f(3, 2)), row("linalg.solve", f(3, 3), f(3, 2), adjoint=True), row("linalg.svd", f(4, 3), compute_uv=False),
    row("linalg.qr", f(4, 3)), row("linalg.qr", f(4, 3), full_matrices=True), row("linalg.eigvalsh", POSITIVE), row("linalg.slogdet", f(2, 3, 3)),
    row("linalg.expm", f(3, 3)), row("linalg.matvec", f(2, 3, 4), f(2, 4)), row("linalg.matvec", f(4, 3), f(4), transpose_a=True),
    row("linalg.triangular_solve", f(3, 3), f(3, 2)), row("linalg.triangular_solve", f(3, 3), f(3, 2), lower=False),
    row("linalg.tensor_diag", f(3)), row("linalg.tensor_diag_part", f(3, 3)), row("linalg.band_part", X, 1, 0), row("linalg.band_part", X, -1, 1),
    row("linalg.diag", f(2, 3)), row("linalg.diag_part", f(2, 3, 3)), row("linalg.set_diag", f(2, 3, 3), f(2, 3)), row("linalg.trace", f(2, 3, 3)),
    row("linalg.matmul", f(2, 3, 4), f(2, 5, 4), transpose_b=True), row("matmul", f(4, 3), f(4, 5), True), row("eye", 3), row("eye", 3, 4, batch_shape=[2]),
    row("one_hot", i(4, 3), 4), row("one_hot", i(4, 3), 4, on_value=5.0, off_value=-1.0), row("one_hot", i(4, 2, 3), 4, axis=1), row("fill", [2, 3], 2.5), row("fill", (2,), 3),
    row("split", X, 2), row("split", X, [1, 3], axis=2), row("split", X, [1, -1], axis=-1), row("pad", X, [[0, 0], [1, 1], [2, 0]]),
    row("pad", X, [[0, 0], [1, 1], [2, 0]], mode="REFLECT"), row("pad", X, [[0, 0], [1, 1], [2, 0]], "SYMMETRIC"), row("pad", X, [[0, 0], [1, 1], [2, 0]], constant_values=1.5),
    *(row(f"math.unsorted_segment_{how}", f(4, 2), np.array([0, 3, -1, 0]), 4) for how in ("sum", "mean", "prod", "max", "min")),
    *(row(f"math.segment_{how}", f(4, 2), np.array([0, 0, 1, 3])) for how in ("sum", "mean", "prod", "max", "min")),
    row("einsum", "ij,jk->ik", f(2, 3), f(3, 4)), row("tensordot", X, f(4, 2), 1), row("reverse", X, [1]), row("roll", X, 1, 1), row("range", 2, 9, 3),
    row("transpose", X, perm=[1, 0, 2]), row("transpose", X), row("concat", [X, X], -1), row("stack", [X, X], axis=1), row("expand_dims", X, 1), row("squeeze", f(2, 1, 3), [1]),
    row("signal.rfft", SIGNAL), row("signal.rfft", SIGNAL, [16]), row("signal.frame", SIGNAL, 8, 3), row("signal.frame", SIGNAL, 16, 7, pad_end=True, pad_value=1),
    row("signal.stft", SIGNAL, 10, 4), row("signal.stft", SIGNAL, 10, 4, 12, pad_end=True), row("signal.fftshift", f(5)), row("signal.hann_window", 8),
    row("signal.hamming_window", 7, periodic=False), row("complex", f(3), f(3)),
]  # fmt: skip
CONVOLUTIONS: list[Row] = [
    row("nn.conv2d", PHOTOS, f(3, 3, 3, 4), 1, "SAME"), row("nn.conv2d", PHOTOS, f(3, 2, 3, 4), [1, 2, 2, 1], "VALID"), row("nn.conv2d", PHOTOS, f(3, 2, 3, 4), [2, 1], padding="SAME"),
    row("nn.conv2d", PHOTOS, f(3, 3, 3, 4), 1, [[0, 0], [1, 0], [2, 1], [0, 0]]), row("nn.conv2d", PHOTOS, f(2, 2, 3, 4), 1, "SAME", dilations=2),
    row("nn.conv1d", f(2, 9, 3), f(3, 3, 4), 2, "SAME"), row("nn.conv1d", f(2, 9, 3), f(3, 3, 4), stride=1, padding="VALID"),
    row("nn.conv3d", f(1, 4, 5, 4, 2), f(2, 2, 2, 2, 3), [1, 1, 2, 1, 1], "SAME"), row("nn.convolution", PHOTOS, f(2, 2, 3, 4), padding="SAME"),
    row("nn.depthwise_conv2d", PHOTOS, f(3, 3, 3, 2), [1, 2, 2, 1], "SAME"), row("nn.separable_conv2d", PHOTOS, f(3, 3, 3, 2), f(1, 1, 6, 4), [1, 1, 1, 1], "SAME"),
    row("nn.atrous_conv2d", PHOTOS, f(2, 2, 3, 4), 2, "SAME"), row("nn.max_pool2d", PHOTOS, 2, 2, "VALID"), row("nn.max_pool", PHOTOS, [1, 3, 3, 1], [1, 2, 2, 1], "SAME"),
    row("nn.avg_pool2d", PHOTOS, 3, 2, "SAME"), row("nn.avg_pool1d", f(2, 9, 3), 2, 2, "VALID"), row("nn.max_pool1d", f(2, 9, 3), 3, 2, padding="SAME"),
    row("nn.conv2d_transpose", PHOTOS, f(3, 3, 4, 3), (2, 12, 14, 4), 2), row("nn.conv2d_transpose", PHOTOS, f(3, 3, 4, 3), [2, 11, 13, 4], 2, "SAME"),
    row("nn.conv2d_transpose", PHOTOS, f(2, 3, 4, 3), [2, 12, 15, 4], [1, 2, 2, 1], padding="VALID"), row("nn.conv1d_transpose", f(2, 5, 3), f(4, 2, 3), [2, 10, 2], 2),
    row("image.extract_patches", PHOTOS, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID"), row("image.extract_patches", PHOTOS, [1, 3, 2, 1], [1, 1, 2, 1], [1, 2, 1, 1], padding="SAME"),
    row("nn.depth_to_space", f(1, 2, 3, 8), 2), row("nn.space_to_depth", f(1, 4, 6, 2), 2),
]  # fmt: skip
IMAGES: list[Row] = [
    *(row("image.resize", PHOTOS, (9, 4), method) for method in ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5", "area")), row("image.resize", PHOTOS[0], [3, 11], antialias=True),
    row("image.resize", np.arange(48, dtype="uint8").reshape(1, 4, 4, 3), (3, 5)), row("image.resize", PHOTOS, (3, 4), method="area"),
    row("image.resize_with_pad", PHOTOS, 9, 8), row("image.resize_with_pad", PHOTOS[0], 5, 12), row("image.resize_with_crop_or_pad", PHOTOS, 9, 4), row("image.resize_with_crop_or_pad", PHOTOS, 4, 10),
    row("image.resize_with_crop_or_pad", PHOTOS, 3, 10), row("image.central_crop", PHOTOS, 0.5), row("image.central_crop", f(1, 9, 10, 3), 0.8),
    row("image.crop_to_bounding_box", PHOTOS, 1, 2, 3, 4), row("image.pad_to_bounding_box", PHOTOS, 1, 2, 9, 10), row("image.flip_left_right", PHOTOS), row("image.flip_up_down", PHOTOS[0]),
    row("image.rot90", PHOTOS), row("image.rot90", PHOTOS[0], k=3), row("image.transpose", PHOTOS), row("image.rgb_to_grayscale", PHOTOS), row("image.grayscale_to_rgb", f(2, 3, 4, 1)),
    row("image.rgb_to_hsv", BRIGHT), row("image.hsv_to_rgb", BRIGHT), row("image.per_image_standardization", PHOTOS), row("image.per_image_standardization", np.ones((3, 4, 3), "float32")),
    row("image.adjust_brightness", BRIGHT, 0.1), row("image.adjust_contrast", BRIGHT, 1.7), row("image.adjust_saturation", BRIGHT, 1.4), row("image.adjust_hue", BRIGHT, 0.2),
    row("image.adjust_gamma", BRIGHT, 2.0, 0.5), row("image.ssim", SMALL, SMALL * 0.9, 2.0), row("image.psnr", PHOTOS, PHOTOS * 0.9, max_val=1.0), row("image.total_variation", PHOTOS),
    row("image.sobel_edges", PHOTOS),
]  # fmt: skip
