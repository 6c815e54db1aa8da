"""The functions of TensorFlow and of Keras's old backend that are operations.

A row is the operation's name, then `theirs:ours` for an argument that has another name there
(`theirs:` for one that is left out) and `ours=value` for one that is always the same. Arguments
of the same name need no word, and those without a default are taken in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VALUES: Mapping[str, Any] = {"True": True, "False": False, "None": None, "0": 0, "-1": -1,
                             "lower": "lower"}  # fmt: skip

TENSORFLOW: Mapping[str, str] = {
    # of one tensor
    "abs": "Absolute", "acos": "Arccos", "acosh": "Arccosh", "asin": "Arcsin",
    "asinh": "Arcsinh", "atan": "Arctan", "atanh": "Arctanh", "math.angle": "Angle",
    "math.ceil": "Ceil", "math.conj": "Conjugate", "cos": "Cos", "cosh": "Cosh",
    "math.digamma": "Digamma", "math.erf": "Erf", "math.erfc": "Erfc", "math.erfinv": "Erfinv",
    "exp": "Exp", "math.expm1": "Expm1", "floor": "Floor", "identity": "Identity",
    "math.imag": "Imag", "math.is_finite": "Isfinite", "math.is_inf": "Isinf",
    "math.is_nan": "Isnan", "math.lgamma": "Lgamma", "math.log": "Log", "math.log1p": "Log1p",
    "math.log_sigmoid": "LogSigmoid", "logical_not": "LogicalNot", "math.ndtri": "Ndtri",
    "negative": "Negative", "math.real": "Real", "math.reciprocal": "Reciprocal",
    "math.rint": "Round", "round": "Round", "math.rsqrt": "Rsqrt", "sigmoid": "Sigmoid",
    "sign": "Sign", "sin": "Sin", "sinh": "Sinh", "sqrt": "Sqrt", "square": "Square",
    "tan": "Tan", "tanh": "Tanh", "bitwise.invert": "BitwiseInvert",
    "math.bessel_i0": "BesselI0", "math.bessel_i0e": "BesselI0e", "math.bessel_i1": "BesselI1",
    "math.bessel_i1e": "BesselI1e",
    "clip_by_value": "Clip",
    # of two
    "add": "Add", "subtract": "Subtract", "multiply": "Multiply", "math.floordiv": "FloorDivide",
    "math.floormod": "Mod", "pow": "Power", "maximum": "Maximum", "minimum": "Minimum",
    "equal": "Equal", "not_equal": "NotEqual", "greater": "Greater",
    "greater_equal": "GreaterEqual", "less": "Less", "less_equal": "LessEqual",
    "logical_and": "LogicalAnd", "logical_or": "LogicalOr", "math.logical_xor": "LogicalXor",
    "math.atan2": "Arctan2", "math.divide_no_nan": "DivideNoNan", "truncatemod": "Fmod",
    "math.xlogy": "Xlogy",
    "math.xlog1py": "Xlog1py", "math.zeta": "Zeta x:x1 q:x2", "math.igamma": "Igamma",
    "math.igammac": "Igammac", "math.nextafter": "Nextafter",
    "realdiv": "Divide",
    "bitwise.bitwise_and": "BitwiseAnd", "bitwise.bitwise_or": "BitwiseOr",
    "bitwise.bitwise_xor": "BitwiseXor", "bitwise.left_shift": "LeftShift",
    "bitwise.right_shift": "RightShift", "where": "Where x:x1 y:x2",
    # activations
    "nn.elu": "Elu", "nn.gelu": "Gelu", "nn.leaky_relu": "LeakyRelu alpha:negative_slope",
    "nn.log_softmax": "LogSoftmax", "nn.relu": "Relu", "nn.relu6": "Relu6", "nn.selu": "Selu",
    "nn.softmax": "Softmax", "nn.softplus": "Softplus", "nn.softsign": "Softsign",
    # reductions, orders
    "reduce_all": "All", "reduce_any": "Any", "reduce_logsumexp": "Logsumexp",
    "reduce_max": "Max", "reduce_min": "Min", "reduce_sum": "Sum", "reduce_prod": "Prod",
    "math.reduce_std": "Std", "math.reduce_variance": "Var",
    "math.top_k": "TopK", "nn.in_top_k": "InTopK", "nn.moments": "Moments shift:",
    # shapes
    "boolean_mask": "BooleanMask", "broadcast_to": "BroadcastTo", "cast": "Cast",
    "concat": "Concatenate", "convert_to_tensor": "ConvertToTensor",
    "einsum": "Einsum equation:subscripts", "expand_dims": "ExpandDims",
    "eye": "EyeBatch", "fill": "Fill", "gather": "Gather", "gather_nd": "GatherNd",
    "is_tensor": "IsTensor", "linspace": "Linspace", "matmul": "MatmulTransposed",
    "meshgrid": "Meshgrid", "one_hot": "OneHotValues", "ones": "Ones", "ones_like": "OnesLike",
    "pad": "Pad paddings:pad_width", "rank": "Ndim", "repeat": "Repeat", "reshape": "Reshape",
    "reverse": "Flip", "roll": "Roll", "saturate_cast": "SaturateCast", "scatter_nd": "ScatterNd",
    "shape": "Shape", "size": "Size", "split": "SplitSizes", "squeeze": "Squeeze",
    "stack": "Stack", "stop_gradient": "StopGradient", "tensordot": "Tensordot", "tile": "Tile",
    "transpose": "Transpose perm:axes", "unstack": "Unstack", "zeros": "Zeros",
    "zeros_like": "ZerosLike", "nn.depth_to_space": "DepthToSpace",
    "nn.space_to_depth": "SpaceToDepth", "linalg.band_part": "BandPart",
    "linalg.diag": "MatrixDiag padding_value: align:", "linalg.set_diag": "MatrixSetDiag align:",
    "linalg.diag_part": "MatrixDiagPart padding_value: align:", "linalg.trace": "MatrixTrace",
    "linalg.matrix_transpose": "MatrixTranspose", "linalg.det": "Det", "linalg.inv": "Inv",
    "linalg.cholesky": "Cholesky", "linalg.logdet": "Logdet", "linalg.pinv": "Pinv",
    "linalg.cross": "Cross",
    "math.segment_sum": "SortedSegmentSum", "math.segment_mean": "SortedSegmentMean",
    "math.segment_prod": "SortedSegmentProd", "math.segment_max": "SortedSegmentMax",
    "math.segment_min": "SortedSegmentMin", "math.unsorted_segment_sum": "UnsortedSegmentSum",
    "math.unsorted_segment_mean": "UnsortedSegmentMean",
    "math.unsorted_segment_prod": "UnsortedSegmentProd",
    "math.unsorted_segment_max": "UnsortedSegmentMax",
    "math.unsorted_segment_min": "UnsortedSegmentMin", "linalg.matrix_rank": "MatrixRank",
    "unravel_index": "UnravelIndex dims:shape", "scalar_mul": "Multiply",
}  # fmt: skip

BACKEND: Mapping[str, str] = {
    "abs": "Absolute", "all": "All", "any": "Any", "clip": "Clip", "cos": "Cos",
    "concatenate": "Concatenate", "cumprod": "Cumprod", "cumsum": "Cumsum", "elu": "Elu",
    "equal": "Equal", "exp": "Exp", "expand_dims": "ExpandDims", "greater": "Greater",
    "greater_equal": "GreaterEqual", "less": "Less", "less_equal": "LessEqual", "log": "Log",
    "max": "Max", "maximum": "Maximum", "mean": "Mean", "min": "Min", "minimum": "Minimum",
    "not_equal": "NotEqual", "permute_dimensions": "Transpose", "pow": "Power", "prod": "Prod",
    "repeat_elements": "Repeat", "reshape": "Reshape", "reverse": "Flip", "round": "Round",
    "sigmoid": "Sigmoid", "sign": "Sign", "sin": "Sin", "softmax": "Softmax",
    "softplus": "Softplus", "softsign": "Softsign", "square": "Square", "squeeze": "Squeeze",
    "stack": "Stack", "std": "Std", "stop_gradient": "StopGradient", "sum": "Sum",
    "tanh": "Tanh", "tile": "Tile", "transpose": "Transpose", "var": "Var",
    "zeros_like": "ZerosLike", "ones_like": "OnesLike", "cast": "Cast", "flatten": "Ravel",
    "batch_flatten": "BatchFlatten", "relu": "ReluAbove alpha:negative_slope",
    "identity": "Identity", "one_hot": "OneHot", "logsumexp": "Logsumexp",
    "in_top_k": "InTopK", "zeros": "Zeros", "ones": "Ones", "eye": "Eye",
    "int_shape": "Shape", "shape": "Shape", "ndim": "Ndim", "dot": "Dot",
    "batch_dot": "BatchDot", "dtype": "Dtype",
}  # fmt: skip

ACTIVATIONS: Mapping[str, str] = {
    "celu": "Celu", "elu": "Elu", "exponential": "Exp", "gelu": "Gelu approximate:approximate",
    "glu": "Glu", "hard_shrink": "HardShrink", "hard_sigmoid": "HardSigmoid",
    "hard_silu": "HardSilu", "hard_swish": "HardSilu", "hard_tanh": "HardTanh",
    "leaky_relu": "LeakyRelu", "linear": "Identity", "log_sigmoid": "LogSigmoid",
    "log_softmax": "LogSoftmax", "mish": "Mish", "relu": "ReluAbove", "relu6": "Relu6",
    "selu": "Selu", "sigmoid": "Sigmoid", "silu": "Silu", "soft_shrink": "SoftShrink",
    "softmax": "Softmax", "softplus": "Softplus", "softsign": "Softsign",
    "sparse_plus": "SparsePlus", "sparse_sigmoid": "SparseSigmoid", "sparsemax": "Sparsemax",
    "squareplus": "Squareplus", "swish": "Silu", "tanh": "Tanh", "tanh_shrink": "TanhShrink",
    "threshold": "Threshold",
}  # fmt: skip

TABLES: Mapping[str, Mapping[str, str]] = {
    "tf": TENSORFLOW, "keras.backend": BACKEND, "keras.activations": ACTIVATIONS,
}  # fmt: skip
