"""TensorFlow's names for the operations, as Keras 2 writes them among its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torchtwin.errors import UnsupportedError

FUNCTIONS: Mapping[str, str] = {
    "abs": "Absolute", "acos": "Arccos", "add": "Add", "add_n": "AddN", "argmax": "Argmax",
    "argmin": "Argmin", "asin": "Arcsin", "atan": "Arctan", "cast": "Cast", "ceil": "Ceil",
    "clip_by_value": "Clip", "concat": "Concatenate", "cos": "Cos", "cosh": "Cosh",
    "cumsum": "Cumsum", "depth_to_space": "DepthToSpace", "divide": "Divide", "elu": "Elu",
    "equal": "Equal", "erf": "Erf", "exp": "Exp", "expand_dims": "ExpandDims", "expm1": "Expm1",
    "floor": "Floor", "floordiv": "FloorDivide", "gather": "Take", "ge": "GreaterEqual",
    "gelu": "Gelu", "getitem": "GetItem", "greater": "Greater", "greater_equal": "GreaterEqual",
    "gt": "Greater", "identity": "Identity", "is_finite": "Isfinite", "is_nan": "Isnan",
    "l2_normalize": "L2Normalize", "le": "LessEqual", "leaky_relu": "LeakyRelu", "less": "Less",
    "less_equal": "LessEqual", "log": "Log", "log1p": "Log1p", "log_sigmoid": "LogSigmoid",
    "log_softmax": "LogSoftmax", "logical_and": "LogicalAnd", "logical_not": "LogicalNot",
    "logical_or": "LogicalOr", "logical_xor": "LogicalXor", "lt": "Less", "matmul": "Matmul",
    "maximum": "Maximum", "minimum": "Minimum", "mod": "Mod", "mul": "Multiply",
    "multiply": "Multiply", "ne": "NotEqual", "neg": "Negative", "negative": "Negative",
    "not_equal": "NotEqual", "ones_like": "OnesLike", "pow": "Power", "reciprocal": "Reciprocal",
    "reduce_all": "All", "reduce_any": "Any", "reduce_logsumexp": "Logsumexp", "reduce_max": "Max",
    "reduce_mean": "Mean", "reduce_min": "Min", "reduce_prod": "Prod", "reduce_std": "Std",
    "reduce_sum": "Sum", "reduce_variance": "Var", "relu": "Relu", "relu6": "Relu6",
    "reshape": "Reshape", "round": "Round", "rsqrt": "Rsqrt", "selu": "Selu",
    "sigmoid": "Sigmoid", "sign": "Sign", "silu": "Silu", "sin": "Sin", "sinh": "Sinh",
    "softmax": "Softmax", "softplus": "Softplus", "softsign": "Softsign", "split": "Split",
    "sqrt": "Sqrt", "square": "Square", "squared_difference": "SquaredDifference",
    "squeeze": "Squeeze", "stack": "Stack", "sub": "Subtract", "subtract": "Subtract",
    "swish": "Silu", "tan": "Tan", "tanh": "Tanh", "tile": "Tile", "transpose": "Transpose",
    "truediv": "Divide", "unstack": "Unstack", "where": "Where", "zeros_like": "ZerosLike",
}  # fmt: skip
"""By the last part of a function's name: "math.reduce_mean", "__operators__.add"."""

REVERSED = {"radd": "Add", "rmul": "Multiply", "rsub": "Subtract", "rtruediv": "Divide",
            "rpow": "Power"}  # fmt: skip

PARAMETERS: Mapping[str, Sequence[str]] = {
    "Add": ("x", "y"), "Argmax": ("input", "axis"), "Argmin": ("input", "axis"),
    "Cast": ("x", "dtype"), "Clip": ("t", "clip_value_min", "clip_value_max"),
    "Concatenate": ("values", "axis"), "DepthToSpace": ("input", "block_size", "data_format"),
    "Gelu": ("features", "approximate"), "LeakyRelu": ("features", "alpha"),
    "Max": ("input_tensor", "axis", "keepdims"), "Pow": ("x", "y"), "Reshape": ("tensor", "shape"),
    "Softmax": ("logits", "axis"), "LogSoftmax": ("logits", "axis"),
    "Split": ("value", "num_or_size_splits", "axis"), "Stack": ("values", "axis"),
    "Squeeze": ("input", "axis"), "Tile": ("input", "multiples"),
    "Transpose": ("a", "perm"), "Matmul": ("a", "b"), "ExpandDims": ("input", "axis"),
    "Take": ("params", "indices"), "Where": ("condition", "x", "y"),
}  # fmt: skip

RENAMED: Mapping[str, Mapping[str, str]] = {
    "Clip": {"clip_value_min": "x_min", "clip_value_max": "x_max"},
    "Concatenate": {"values": "xs"},
    "Reshape": {"shape": "newshape"},
    "Transpose": {"perm": "axes"},
    "Tile": {"multiples": "repeats"},
    "LeakyRelu": {"alpha": "negative_slope"},
    "GetItem": {"slice_spec": "key"},
}
BINARY = frozenset([
    "Add", "Subtract", "Multiply", "Divide", "FloorDivide", "Mod", "Power", "Maximum", "Minimum",
    "Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalOr",
    "LogicalXor", "Matmul",
])  # fmt: skip
FIRST = ("x", "input", "input_tensor", "tensor", "a", "t", "features", "logits", "params", "value")
"""TensorFlow's names of the first argument."""

NODES: Mapping[str, str] = {
    "AddV2": "Add", "Add": "Add", "BiasAdd": "Add", "Sub": "Subtract", "Mul": "Multiply",
    "RealDiv": "Divide", "Div": "Divide", "Maximum": "Maximum", "Minimum": "Minimum",
    "Pow": "Power", "FloorDiv": "FloorDivide", "FloorMod": "Mod", "Greater": "Greater",
    "GreaterEqual": "GreaterEqual", "Less": "Less", "LessEqual": "LessEqual",
    "LogicalAnd": "LogicalAnd", "LogicalOr": "LogicalOr", "LogicalNot": "LogicalNot",
    "Abs": "Absolute", "Ceil": "Ceil", "Cos": "Cos", "Elu": "Elu", "Erf": "Erf", "Exp": "Exp",
    "Floor": "Floor", "Identity": "Identity", "Log": "Log", "Log1p": "Log1p", "Neg": "Negative",
    "Reciprocal": "Reciprocal", "Relu": "Relu", "Relu6": "Relu6", "Rsqrt": "Rsqrt", "Selu": "Selu",
    "Sigmoid": "Sigmoid", "Sign": "Sign", "Sin": "Sin", "Softmax": "Softmax",
    "Softplus": "Softplus", "Softsign": "Softsign", "Sqrt": "Sqrt", "Square": "Square",
    "Tan": "Tan", "Tanh": "Tanh",
    "Max": "Max", "Min": "Min", "Mean": "Mean", "Sum": "Sum", "Prod": "Prod",
    "Reshape": "Reshape", "ExpandDims": "ExpandDims", "Squeeze": "Squeeze", "Tile": "Tile",
    "Transpose": "Transpose", "ConcatV2": "Concatenate", "DepthToSpace": "DepthToSpace",
}  # fmt: skip
"""By the operation of a TensorFlowOpLayer's node."""

REDUCTIONS = frozenset({"Max", "Min", "Mean", "Sum", "Prod", "Any", "All", "Logsumexp"})


def operation_of(function: str) -> str:
    """Return the operation that a TFOpLambda calls."""
    last = function.rpartition(".")[2]
    found = FUNCTIONS.get(last) or REVERSED.get(last)
    if found is None:
        raise UnsupportedError(f"the TensorFlow function {function} is not translated")
    return found


def arguments(
    function: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a TensorFlow call as those of the operation."""
    name = operation_of(function)
    given = {k: v for k, v in kwargs.items() if v is not None and k != "name"}
    order = PARAMETERS.get("Max" if name in REDUCTIONS else name, ())
    renamed = RENAMED.get(name, {})
    result = list(args)
    if name in BINARY:
        result += [given.pop(k) for k in ("y", "b") if k in given]
        if function.rpartition(".")[2] in REVERSED:
            result.reverse()
        given = {k: v for k, v in given.items() if not (k.startswith("transpose_") and not v)}
    if not result:
        first = next((k for k in FIRST if k in given), None)
        result = [given.pop(first)] if first else []
    named = {renamed.get(k, k): v for k, v in given.items()}
    positional = [*result[:1], *([] if name not in BINARY else result[1:])]
    for key, value in zip(order[1:], result[1:] if name not in BINARY else [], strict=False):
        named[renamed.get(key, key)] = value
    if name == "Split":
        return _split(positional, named)
    return positional, named


def _split(args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    sizes = kwargs.pop("num_or_size_splits")
    if not isinstance(sizes, int):
        sizes = [sum(sizes[: k + 1]) for k in range(len(sizes) - 1)]
    return args, {**kwargs, "indices_or_sections": sizes}


def node_arguments(
    node: Mapping[str, Any], tensors: Sequence[Any], constants: Mapping[str, Any]
) -> tuple[str, list[Any], dict[str, Any]]:
    """Return operation and arguments of a node of TensorFlow's graph, some inputs constant."""
    name = NODES.get(str(node["op"]))
    if name is None:
        raise UnsupportedError(f"the TensorFlow operation {node['op']} is not translated")
    count = len(tensors) + len(constants)
    free = iter(tensors)
    args = [constants[str(k)] if str(k) in constants else next(free) for k in range(count)]
    attributes = node.get("attr") or {}
    if name in REDUCTIONS:
        return name, args[:1], {"axis": args[1], "keepdims": _flag(attributes.get("keep_dims"))}
    if name == "Concatenate":
        return name, [args[:-1]], {"axis": args[-1]}
    if name == "Squeeze":
        axes = (attributes.get("squeeze_dims") or {}).get("list", {}).get("i")
        return name, args, {"axis": tuple(int(k) for k in axes) if axes else None}
    if name == "DepthToSpace":
        if (attributes.get("data_format") or {}).get("s", "TkhXQw==") != "TkhXQw==":  # NHWC
            raise UnsupportedError("DepthToSpace of channels-first data is not translated")
        return name, args, {"block_size": int(attributes["block_size"]["i"])}
    return name, args, {}


def _flag(attribute: Any) -> bool:
    return bool(attribute and attribute.get("b"))
