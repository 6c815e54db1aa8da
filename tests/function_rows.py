"""Calls of functions of Keras and TensorFlow: positional arguments, then those by name."""

from __future__ import annotations

import numpy as np

from ops_rows import Row, f, i, row

X, Y, POSITIVE = f(2, 3, 4), f(2, 3, 4), np.abs(f(2, 3)) + 0.5
NAN = X.copy()
NAN[0, 1] = NAN[1, :, 2] = np.nan
TIES = i(3, 4, 6)
BITS = i(9, 2, 3)
TRUE, OTHER = X > 0, Y > 0
SMALL = np.tanh(X)

ONE = ["abs", "absolute", "angle", "arccos", "arcsin", "arctan", "arctanh", "arcsinh", "cbrt",
       "ceil", "conj", "copy", "cos", "cosh", "deg2rad", "erf", "erfinv", "exp", "exp2", "expm1",
       "fabs", "floor", "i0", "imag", "isfinite", "isinf", "isnan", "isneginf", "isposinf",
       "isreal", "negative", "nan_to_num", "rad2deg", "real", "reciprocal", "round", "sign",
       "signbit", "sin", "sinc", "sinh", "square", "tan", "tanh", "trunc", "relu", "relu6",
       "sigmoid", "silu", "softplus", "softsign", "hard_sigmoid", "hard_silu", "hard_swish",
       "swish", "log_sigmoid", "selu", "elu", "gelu", "celu", "softmax", "log_softmax", "sparsemax",
       "sparse_plus", "sparse_sigmoid", "tanh_shrink", "hard_tanh", "hard_shrink", "soft_shrink",
       "glu", "squareplus", "leaky_relu", "logical_not"]  # fmt: skip
TWO = ["add", "subtract", "multiply", "divide", "true_divide", "floor_divide", "mod", "maximum",
       "minimum", "greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "arctan2",
       "fmax", "fmin", "fmod", "hypot", "logaddexp", "logaddexp2", "heaviside", "nextafter",
       "divide_no_nan", "isclose", "allclose", "logical_and", "logical_or", "logical_xor"]  # fmt: skip
WHOLE = ["bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift",
         "left_shift", "right_shift", "gcd", "lcm"]  # fmt: skip
REDUCED = ["sum", "mean", "max", "min", "amax", "amin", "prod", "std", "var", "any", "all",
           "logsumexp", "median", "ptp"]  # fmt: skip
WITHOUT_NAN = ["nanmax", "nanmin", "nanmean", "nanmedian", "nanprod", "nanstd", "nansum", "nanvar"]

KERAS: list[Row] = [
    *(row(name, SMALL) for name in ONE), *(row(name, POSITIVE) for name in
      ("sqrt", "rsqrt", "log", "log2", "log10", "log1p", "arccosh")),
    *(row(name, X, Y) for name in TWO), *(row(name, X, 0.5) for name in TWO[:14]),
    *(row(name, 2.0, POSITIVE) for name in TWO[:14]), row("power", POSITIVE, 2),
    row("power", 2.0, X), row("divide_no_nan", X, np.where(Y > 0, Y, 0)),
    *(row(name, BITS, BITS[::-1].copy()) for name in WHOLE), row("bitwise_not", BITS),
    row("bitwise_invert", BITS), row("ldexp", X, i(4, 2, 3, 4)),
    *(row(name, X, **more) for name in REDUCED for more in
      ({}, {"axis": -1}, {"axis": (0, 2), "keepdims": True}, {"keepdims": True}, {"axis": [1]})),
    *(row(name, NAN, **more) for name in WITHOUT_NAN for more in
      ({}, {"axis": 1}, {"axis": (0, 1), "keepdims": True})),
    row("max", X, initial=0.3), row("min", X, axis=1, initial=0.3),
    row("nanargmax", NAN[..., :2], axis=-1), row("nanargmin", NAN[1:], axis=1), row("nanargmax", NAN),
    row("nancumsum", NAN, axis=1), row("nancumprod", NAN, axis=-1),
    row("cumsum", X, axis=1), row("cumsum", X), row("cumprod", X, axis=-1),
    row("count_nonzero", TIES), row("count_nonzero", TIES, axis=1),
    row("average", X, axis=1), row("average", X, 1, weights=f(3)), row("average", X, weights=Y * Y),
    row("argmax", X), row("argmax", X, axis=1), row("argmin", X, axis=-1, keepdims=True),
    row("argmax", TIES, axis=1), row("argsort", TIES, axis=1), row("argsort", X, axis=None),
    row("sort", X), row("sort", X, axis=0), row("sort", X, axis=None),
    row("top_k", X, 2), row("top_k", TIES, k=3), row("in_top_k", i(4, 3), f(3, 4), 2),
    row("in_top_k", i(6, 4), TIES.astype("float32"), k=1),
    row("searchsorted", np.sort(f(5)), f(2, 3)), row("digitize", X, np.sort(f(5))),
    row("searchsorted", np.array([0.0, 1.0, 1.0]), np.array([1.0, 0.5]), side="right"),
    row("digitize", X, [-1.0, 0.0, 0.5]), row("bincount", i(5, 9)), row("bincount", i(5, 9), minlength=8),
    row("bincount", i(5, 6), weights=f(6)), row("histogram", f(9)), row("histogram", f(9), bins=4, range=(-1, 1)),
    row("unique", TIES), row("unique", TIES, size=5, fill_value=7),
    row("unique", TIES, size=5, return_index=True, return_counts=True), row("unique", TIES, size=2),
    row("unique", TIES, return_index=True, return_inverse=True, return_counts=True),
    row("quantile", X, 0.3), row("quantile", X, [0.2, 0.5], axis=1),
    row("quantile", X, 0.6, axis=-1, method="lower", keepdims=True),
    row("percentile", X, 30, axis=1), row("percentile", X, [20, 50]),
    row("nanquantile", NAN, 0.3, axis=1), row("nanpercentile", NAN, 30, axis=-1),
    row("diff", X), row("diff", X, n=2, axis=1), row("trapezoid", X), row("trapezoid", X, dx=0.5, axis=1),
    row("trapezoid", X, x=np.arange(4.0, dtype="float32")), row("corrcoef", f(3, 5)),
    row("norm", X), row("norm", X, axis=-1), row("norm", X, ord=1, axis=1, keepdims=True),
    row("norm", X, ord="fro", axis=(1, 2)), row("norm", X, ord=np.inf, axis=1),
    row("norm", X, axis=(0, 2)), row("normalize", X), row("normalize", X, axis=1, order=3),
    row("moments", X, axes=[0, 1]), row("moments", X, [1], keepdims=True),
    row("where", TRUE, X, Y), row("where", TRUE, X, 0.0), row("where", TRUE, 1.0, Y),
    row("where", TRUE, 1, 0), row("where", X, X, Y),
    row("select", [TRUE, OTHER], [X, Y], 9.0), row("clip", X, -0.5, 0.5), row("clip", X, -Y * Y, Y * Y),
    row("isin", TIES, np.array([0, 2], "int32")), row("isin", TIES, np.array([0, 2]), invert=True),
    row("round", X, decimals=2), row("softmax", X, axis=1), row("softmax", X, axis=None),
    row("elu", X, 0.5), row("gelu", X, approximate=False), row("leaky_relu", X, 0.1),
    row("threshold", X, 0.1, 0.7), row("isclose", X, Y, rtol=0.5, atol=0.2),
]  # fmt: skip

TF_ONE = ["abs", "acos", "asin", "atan", "math.ceil", "cos", "cosh", "math.erf", "math.erfc", "exp",
          "math.expm1", "floor", "math.is_finite", "math.is_nan", "negative", "round", "sigmoid",
          "sign", "sin", "sinh", "square", "tan", "tanh", "nn.relu", "nn.relu6", "nn.selu",
          "nn.elu", "nn.gelu", "nn.silu", "nn.swish", "nn.softplus", "nn.softsign", "nn.softmax",
          "nn.log_softmax", "nn.leaky_relu", "nn.sigmoid", "nn.tanh", "nn.crelu", "nn.l2_loss",
          "math.log_sigmoid", "math.softplus", "math.zero_fraction", "identity", "math.digamma",
          "math.bessel_i0", "math.rint", "reduce_mean",
          "reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_logsumexp",
          "math.reduce_std", "math.reduce_variance", "norm", "math.reduce_euclidean_norm",
          "math.cumulative_logsumexp", "cumsum", "math.cumprod", "argmax", "argmin", "sort",
          "argsort", "math.l2_normalize", "math.reciprocal_no_nan"]  # fmt: skip
TF_TWO = ["add", "subtract", "multiply", "divide", "truediv", "math.floordiv", "math.floormod",
          "maximum", "minimum", "equal", "not_equal", "greater", "greater_equal", "less",
          "less_equal", "math.atan2", "math.divide_no_nan", "math.squared_difference",
          "math.multiply_no_nan", "math.xdivy", "truncatemod"]  # fmt: skip
LABELS = np.eye(4, dtype="float32")[i(4, 5)]
TENSORFLOW: list[Row] = [
    *(row(f"tf.{name}", X) for name in TF_ONE), *(row(f"tf.{name}", X, Y) for name in TF_TWO),
    *(row(f"tf.math.{name}", POSITIVE) for name in ("log", "log1p", "sqrt", "rsqrt", "lgamma")),
    row("tf.math.reciprocal", POSITIVE),
    row("tf.pow", POSITIVE, 2.0), row("tf.math.xlogy", POSITIVE, POSITIVE),
    *(row(name, X, **more) for name in ("tf.reduce_mean", "tf.reduce_sum", "tf.math.reduce_max",
      "tf.reduce_logsumexp", "tf.math.reduce_std", "tf.norm", "tf.nn.l2_normalize") for more in
      ({"axis": -1}, {"axis": [0, 2]}, {"axis": 1, **({} if "l2" in name else {"keepdims": True})})),
    row("tf.reduce_any", TRUE, axis=1), row("tf.reduce_all", TRUE), row("tf.logical_not", TRUE),
    row("tf.logical_and", TRUE, OTHER), row("tf.math.logical_xor", TRUE, OTHER),
    row("tf.argmax", X, axis=-1), row("tf.argmin", X, 1, output_type="int32"),
    row("tf.sort", X, direction="DESCENDING"), row("tf.argsort", TIES, axis=0),
    row("tf.cumsum", X, axis=1, exclusive=True), row("tf.cumsum", X, 1, reverse=True),
    row("tf.cumsum", X, axis=2, exclusive=True, reverse=True), row("tf.math.cumprod", X, 1, reverse=True), row("tf.math.cumprod", X, -1, exclusive=True), row("tf.math.cumprod", X, 1, True, True),
    row("tf.math.count_nonzero", TIES, axis=1), row("tf.math.count_nonzero", TIES, dtype="int32"),
    row("tf.math.count_nonzero", TIES, axis=1, keepdims=True),
    row("tf.math.top_k", X, k=2), row("tf.nn.top_k", TIES, 3), row("tf.math.in_top_k", i(4, 3), f(3, 4), k=2),
    row("tf.searchsorted", np.sort(f(5)), f(6), side="right"), row("tf.unique", i(5, 9)),
    row("tf.unique_with_counts", i(5, 9)), row("tf.math.bincount", i(5, 9)), row("tf.math.bincount", i(5, 9), maxlength=3),
    row("tf.norm", X, ord=1), row("tf.norm", X, ord=1, axis=1, keepdims=True), row("tf.norm", X, "euclidean", -1),
    row("tf.linalg.normalize", X, axis=-1), row("tf.clip_by_norm", X, 0.5), row("tf.clip_by_norm", X, 0.5, axes=[1]),
    row("tf.clip_by_value", X, -0.5, 0.5), row("tf.clip_by_global_norm", [X, Y], 0.5), row("tf.add_n", [X, Y, X]),
    row("tf.where", TRUE), row("tf.where", TRUE, X, Y), row("tf.where", TRUE, X, 0.0), row("tf.where", TRUE, x=1.0, y=0.0),
    row("tf.nn.moments", X, [0, 1]), row("tf.nn.moments", X, axes=[1], keepdims=True),
    row("tf.nn.silu", X, 0.5), row("tf.nn.leaky_relu", X, alpha=0.1), row("tf.nn.gelu", X, approximate=True),
    row("tf.nn.softmax", X, axis=1), row("tf.nn.bias_add", X, f(4)),
    row("tf.nn.batch_normalization", X, f(4), POSITIVE[0, :1], f(4), f(4), 1e-3),
    row("tf.nn.batch_normalization", X, mean=f(4), variance=POSITIVE[0, :1], offset=None, scale=None, variance_epsilon=1e-3),
    row("tf.nn.sigmoid_cross_entropy_with_logits", labels=TRUE.astype("float32"), logits=X),
    row("tf.nn.weighted_cross_entropy_with_logits", labels=TRUE.astype("float32"), logits=X, pos_weight=2.0),
    row("tf.nn.softmax_cross_entropy_with_logits", labels=LABELS, logits=f(5, 4)),
    row("tf.nn.sparse_softmax_cross_entropy_with_logits", labels=i(4, 2, 3), logits=X),
    row("tf.nn.embedding_lookup", f(5, 3), i(5, 2, 2)),
    row("tf.expand_dims", X, -1), row("tf.concat", [X, Y], axis=-1), row("tf.concat", values=[X, Y], axis=0),
    row("tf.stack", [X, Y], axis=1), row("tf.reshape", X, [-1, 4]), row("tf.reshape", tensor=X, shape=(2, 12)),
    row("tf.transpose", X), row("tf.transpose", X, perm=[0, 2, 1]), row("tf.transpose", a=X, perm=(1, 0, 2)),
    row("tf.squeeze", X[:, :1], axis=1), row("tf.squeeze", X[:, :1], [1]), row("tf.tile", X, [1, 2, 1]), row("tf.tile", input=X, multiples=(2, 1, 1)),
    row("tf.repeat", X, 2, axis=1), row("tf.reverse", X, axis=[1]), row("tf.roll", X, shift=1, axis=1),
    row("tf.split", X, 2, axis=-1), row("tf.split", X, [1, 3], axis=2), row("tf.split", value=X, num_or_size_splits=3, axis=1),
    row("tf.unstack", X, axis=1), row("tf.gather", X, i(4, 2), axis=-1), row("tf.gather", params=X, indices=i(2, 3)),
    row("tf.gather", X, i(3, 2, 5), axis=1, batch_dims=1), row("tf.gather_nd", X, i(2, 3, 2)),
    row("tf.matmul", X, f(2, 4, 3)), row("tf.matmul", X, Y, transpose_b=True), row("tf.matmul", a=X, b=Y, transpose_a=True),
    row("tf.linalg.matmul", X, Y, transpose_b=True), row("tf.einsum", "bij,bkj->bik", X, Y),
    row("tf.tensordot", X, f(4, 2), axes=1), row("tf.tensordot", X, f(4, 2), [[2], [0]]),
    row("tf.one_hot", i(4, 2, 3), 4), row("tf.one_hot", indices=i(4, 2, 3), depth=4, axis=1),
    row("tf.one_hot", i(4, 3), depth=4, on_value=2.0, off_value=-1.0, dtype="float32"),
    row("tf.zeros_like", X), row("tf.ones_like", X, dtype="int32"), row("tf.zeros", (2, 3)), row("tf.ones", [2, 3], dtype="int32"),
    row("tf.fill", [2, 3], 0.5), row("tf.eye", 3), row("tf.eye", 2, num_columns=3), row("tf.range", 5), row("tf.range", 1, 9, 2),
    row("tf.range", start=0, limit=4, delta=1, dtype="float32"), row("tf.linspace", 0.0, 1.0, 5),
    row("tf.constant", [1.0, 2.0]), row("tf.constant", 3.0), row("tf.constant", [1, 2], dtype="float32"),
    row("tf.constant", 0.5, shape=(2, 3)), row("tf.cast", X, "int32"), row("tf.cast", X > 0, dtype="float32"),
    row("tf.convert_to_tensor", [1.0, 2.0]), row("tf.boolean_mask", X, TRUE), row("tf.pad", X, [[0, 0], [1, 2], [0, 1]]),
    row("tf.pad", X, paddings=[[0, 0], [1, 1], [1, 1]], mode="REFLECT"), row("tf.pad", X, [[0, 0], [0, 0], [1, 0]], constant_values=2.0),
    row("tf.broadcast_to", f(3, 1), [2, 3, 4]), row("tf.stop_gradient", X), row("tf.scatter_nd", i(4, 3, 1), f(3), [4]),
    row("tf.linalg.band_part", f(4, 4), -1, 0), row("tf.linalg.diag", f(2, 3)), row("tf.linalg.diag_part", f(2, 3, 3)),
    row("tf.math.segment_sum", f(4, 2), np.array([0, 0, 1, 2], "int32")), row("tf.linalg.trace", f(2, 3, 3)),
    row("tf.math.unsorted_segment_sum", f(4, 2), np.array([0, 2, 1, 2], "int32"), 3), row("tf.linalg.matrix_transpose", X),
    row("tf.math.unsorted_segment_mean", data=f(4, 2), segment_ids=np.array([0, 2, 1, 2], "int32"), num_segments=4),
    row("tf.size", X), row("tf.rank", X), row("tf.meshgrid", f(3), f(2)), row("tf.meshgrid", f(3), f(2), indexing="ij"),
    row("tf.compat.v1.reduce_sum", X, reduction_indices=[1], keep_dims=True), row("tf.compat.v1.div", X, Y),
    row("tf.compat.v1.log", POSITIVE), row("tf.compat.v1.to_float", i(4, 3)), row("tf.compat.v1.nn.softmax", X, dim=1),
    row("tf.truncatediv", BITS, BITS[::-1].copy() + 1), row("tf.linalg.adjoint", X), row("tf.identity_n", [X, Y]),
    row("tf.math.invert_permutation", np.array([2, 0, 1], "int32")), row("tf.math.polyval", [1.0, -2.0, 0.5], X),
    row("tf.math.lbeta", POSITIVE), row("tf.math.polygamma", 1.0, POSITIVE), row("tf.scalar_mul", 2.0, X),
    row("tf.math.confusion_matrix", i(3, 6), i(3, 6), 3), row("tf.math.confusion_matrix", i(3, 6), i(3, 6), num_classes=3, weights=i(3, 6)),
    row("tf.histogram_fixed_width", X, [-1.0, 1.0], nbins=5), row("tf.nn.weighted_moments", X, [0, 1], POSITIVE[0, :1]),
    row("tf.nn.weighted_moments", X, axes=[1], frequency_weights=np.abs(X), keepdims=True), row("tf.nn.log_poisson_loss", POSITIVE, f(2, 3)),
    row("tf.linalg.matrix_rank", X), row("tf.unravel_index", i(6, 4), dims=[2, 3]), row("tf.ensure_shape", X, [None, 3, 4]),
    row("tf.debugging.check_numerics", X, "message"), row("tf.linalg.lstsq", f(4, 2), f(4, 1)), row("tf.executing_eagerly"),
    row("tf.compat.v1.argmax", X, dimension=1), row("tf.compat.v1.expand_dims", X, dim=1),
]  # fmt: skip

K_ONE = ["abs", "all", "any", "argmax", "argmin", "batch_flatten", "cos", "cumsum", "cumprod", "elu",
         "exp", "expand_dims", "flatten", "hard_sigmoid", "l2_normalize", "max", "mean", "min",
         "ones_like", "prod", "relu", "round", "sigmoid", "sign", "sin", "softmax", "softplus",
         "softsign", "sqrt", "square", "std", "sum", "tanh", "transpose", "var", "zeros_like",
         "stop_gradient", "get_value", "eval", "ndim", "count_params", "cast_to_floatx"]  # fmt: skip
K_TWO = ["maximum", "minimum", "equal", "not_equal", "greater", "greater_equal", "less",
         "less_equal"]  # fmt: skip
PROBABLE = np.exp(f(5, 4)) / np.exp(f(5, 4)).max() / 3
BACKEND: list[Row] = [
    *(row(name, X) for name in K_ONE), *(row(name, X, Y) for name in K_TWO), row("log", POSITIVE),
    *(row(name, X, axis=1, keepdims=True) for name in ("sum", "mean", "max", "min", "prod", "std", "var")),
    *(row(name, X, -1) for name in ("sum", "mean", "max", "argmax", "l2_normalize", "softmax", "cumsum")),
    row("any", X > 1, axis=1), row("pow", POSITIVE, 2), row("clip", X, -0.5, 0.5), row("clip", X, min_value=0, max_value=None),
    row("concatenate", [X, Y]), row("concatenate", [X, Y], axis=1), row("stack", [X, Y], axis=1),
    row("dot", f(2, 3), f(3, 4)), row("dot", X, f(4, 2)), row("batch_dot", X, f(2, 4, 3)), row("batch_dot", f(5, 3), f(5, 3), axes=1),
    row("batch_dot", X, Y, axes=2), row("batch_dot", X, Y, axes=(1, 1)), row("batch_dot", f(5, 3), f(5, 3)),
    row("permute_dimensions", X, (0, 2, 1)), row("repeat", f(2, 3), 4), row("repeat_elements", X, 2, axis=1), row("reverse", X, axes=1),
    row("reshape", X, (2, 12)), row("squeeze", X[:, :1], 1), row("tile", X, [1, 2, 1]), row("gather", X, i(2, 3)),
    row("one_hot", i(4, 2, 3), 4), row("relu", X, alpha=0.1), row("relu", X, max_value=0.5), row("relu", X, threshold=0.2),
    row("relu", X, alpha=0.1, max_value=0.5, threshold=0.1), row("elu", X, 0.5), row("arange", 5), row("arange", 1, 7, 2, dtype="float32"),
    row("constant", [1, 2]), row("constant", 2.0), row("zeros", (2, 3)), row("ones", (2, 3)), row("cast", X, "int32"),
    row("switch", np.array([True, False, True, False]), X, Y), row("switch", X[..., 0] > 0, X, Y), row("switch", np.array(True), X, Y), row("switch", TRUE, X, Y), row("temporal_padding", X, (1, 2)),
    row("spatial_2d_padding", f(2, 3, 3, 1)), row("spatial_2d_padding", f(2, 3, 3, 1), ((1, 0), (0, 2))), row("bias_add", X, f(4)),
    row("binary_crossentropy", TRUE.astype("float32"), np.abs(SMALL)), row("binary_crossentropy", TRUE.astype("float32"), X, from_logits=True),
    row("categorical_crossentropy", LABELS, PROBABLE), row("categorical_crossentropy", LABELS, f(5, 4), from_logits=True),
    row("sparse_categorical_crossentropy", i(4, 5), PROBABLE), row("sparse_categorical_crossentropy", i(4, 5), f(5, 4), True),
    row("in_top_k", f(3, 4), i(4, 3), 2), row("int_shape", X),
    row("spatial_3d_padding", f(1, 2, 2, 2, 1)),
    row("batch_normalization", X, f(4), POSITIVE[0, :1], f(4), f(4)),
]  # fmt: skip

ACTIVATIONS: list[Row] = [
    *(row(name, X) for name in ("relu", "elu", "selu", "gelu", "silu", "swish", "sigmoid", "tanh",
      "softmax", "softplus", "softsign", "exponential", "linear", "hard_sigmoid", "leaky_relu", "mish",
      "relu6", "log_softmax", "glu", "celu", "hard_silu", "sparse_plus", "squareplus", "log_sigmoid")),
    row("relu", X, negative_slope=0.1), row("relu", X, max_value=0.5), row("relu", X, threshold=0.2),
    row("relu", X, 0.1, 0.5, 0.1), row("gelu", X, approximate=True), row("elu", X, alpha=0.5),
    row("leaky_relu", X, 0.1), row("softmax", X, axis=1),
]  # fmt: skip

MANY = 4000
RANDOM: list[Row] = [
    row("keras.random.normal", (MANY,)), row("keras.random.normal", (MANY, 2), mean=1.0, stddev=2.0),
    row("keras.random.normal", shape=[MANY], mean=2.0, seed=1), row("keras.random.uniform", (MANY,)),
    row("keras.random.uniform", (MANY,), -2.0, 3.0), row("keras.random.truncated_normal", (MANY,), 1.0, 0.5),
    row("keras.random.randint", (MANY,), 2, 7), row("keras.random.gamma", (MANY,), 2.0),
    row("keras.random.beta", (MANY,), 2.0, 3.0), row("keras.random.binomial", (MANY,), 5.0, 0.3),
    row("keras.random.categorical", np.log(np.array([[0.1, 0.5, 0.4]], "float32")), MANY),
    row("tf.random.normal", (MANY,)), row("tf.random.normal", [MANY], 1.0, stddev=0.1, seed=4),
    row("tf.random.uniform", (MANY, 2)), row("tf.random.uniform", (MANY,), minval=-1, maxval=1),
    row("tf.random.uniform", (MANY,), 0, 5, dtype="int32"), row("tf.random.truncated_normal", (MANY,), stddev=0.2),
    row("tf.random.categorical", np.log(np.array([[0.1, 0.5, 0.4]], "float32")), MANY),
    row("tf.random.stateless_normal", (MANY,), seed=[1, 2]), row("tf.random.gamma", (MANY,), 2.0, beta=3.0),
    row("tf.random.poisson", (MANY,), 2.5), row("keras.backend.random_normal", (MANY,), 1.0, 0.5),
    row("keras.backend.random_uniform", (MANY,), -1.0, 1.0), row("keras.backend.truncated_normal", (MANY,)),
    row("keras.backend.random_bernoulli", (MANY,), 0.3),
]  # fmt: skip
