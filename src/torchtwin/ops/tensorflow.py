"""What files of Keras 2 hold of TensorFlow: functions among the layers, nodes of its graphs."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.ops.functions import operation_for, row_of
from torchtwin.ops.registry import Operation, load_operations
from torchtwin.ops.signatures import own_name

BINARY = frozenset([
    "Add", "Subtract", "Multiply", "Divide", "FloorDivide", "Mod", "Power", "Maximum", "Minimum",
    "Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalOr",
    "LogicalXor", "Matmul",
])  # fmt: skip
OPERATORS: Mapping[str, str] = {
    "add": "Add", "sub": "Subtract", "mul": "Multiply", "truediv": "Divide", "div": "Divide",
    "floordiv": "FloorDivide", "mod": "Mod", "pow": "Power", "matmul": "Matmul", "eq": "Equal",
    "ne": "NotEqual", "lt": "Less", "le": "LessEqual", "gt": "Greater", "ge": "GreaterEqual",
    "and": "LogicalAnd", "or": "LogicalOr", "xor": "LogicalXor", "neg": "Negative",
    "abs": "Absolute", "invert": "LogicalNot", "getitem": "GetItem",
}  # fmt: skip
"""By the name behind "__operators__."; "radd" is "add" with its sides exchanged."""

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
CALLS: Mapping[str, str] = {
    "Acos": "tf.acos x", "Acosh": "tf.acosh x", "Asin": "tf.asin x", "Asinh": "tf.asinh x",
    "Atan": "tf.atan x", "Atanh": "tf.atanh x", "Cosh": "tf.cosh x", "Sinh": "tf.sinh x",
    "Erfc": "tf.math.erfc x", "Expm1": "tf.math.expm1 x", "IsFinite": "tf.math.is_finite x",
    "IsInf": "tf.math.is_inf x", "IsNan": "tf.math.is_nan x", "ZerosLike": "tf.zeros_like input",
    "OnesLike": "tf.ones_like input", "LogSoftmax": "tf.nn.log_softmax logits",
    "LeakyRelu": "tf.nn.leaky_relu features alpha=alpha", "Equal": "tf.equal x y",
    "NotEqual": "tf.not_equal x y", "Atan2": "tf.atan2 y x",
    "DivNoNan": "tf.math.divide_no_nan x y",
    "SquaredDifference": "tf.math.squared_difference x y", "SelectV2": "tf.where condition x y",
    "ClipByValue": "tf.clip_by_value t clip_value_min clip_value_max",
    "Any": "tf.reduce_any input_tensor axis keepdims=keep_dims",
    "All": "tf.reduce_all input_tensor axis keepdims=keep_dims",
    "ArgMax": "tf.argmax input axis output_type=output_type",
    "ArgMin": "tf.argmin input axis output_type=output_type", "Cast": "tf.cast x dtype=DstT",
    "GatherV2": "tf.gather params indices axis batch_dims=batch_dims",
    "MatMul": "tf.matmul a b transpose_a=transpose_a transpose_b=transpose_b",
    "BatchMatMulV2": "tf.matmul a b adjoint_a=adj_x adjoint_b=adj_y",
    "Split": "tf.split axis value num_or_size_splits=num_split",
    "SplitV": "tf.split value num_or_size_splits axis",
    "Unpack": "tf.unstack value num=num axis=axis",
    "Pad": "tf.pad tensor paddings", "PadV2": "tf.pad tensor paddings constant_values",
    "MirrorPad": "tf.pad tensor paddings mode=mode", "ReverseV2": "tf.reverse tensor axis",
    "Slice": "tf.slice input_ begin size", "BroadcastTo": "tf.broadcast_to input shape",
    "Cumsum": "tf.cumsum x axis exclusive=exclusive reverse=reverse",
    "TopKV2": "tf.math.top_k input k sorted=sorted",
    "OneHot": "tf.one_hot indices depth on_value off_value axis=axis",
}  # fmt: skip
"""Nodes that are functions of TensorFlow: their inputs in order, then attributes by name."""

REDUCTIONS = frozenset({"Max", "Min", "Mean", "Sum", "Prod", "Any", "All", "Logsumexp"})


def operation_of(function: str) -> str | None:
    """Return the operation that a TFOpLambda is, None where it is more than one."""
    space, _, word = function.rpartition(".")
    if space == "__operators__":
        return OPERATORS.get(word) or OPERATORS.get(word.removeprefix("r"))
    row = row_of(own_name(path(function)))
    return None if row is None else row.operation


def path(function: str) -> str:
    return function if function.startswith("keras.") else f"tf.{function}"


def called(function: str) -> Operation:
    """Return what the function of a TFOpLambda makes of its arguments."""
    space, _, word = function.rpartition(".")
    if space == "__operators__" and operation_of(function) is not None:
        return Operation(function, _operator(word), None, ())

    def made(*args: Any, **kwargs: Any) -> Any:
        return operation_for(path(function), args, kwargs)

    return Operation(function, made, None, ())


def _operator(word: str) -> Any:
    operation = load_operations()[str(operation_of(f"__operators__.{word}"))]

    def made(x: Any, y: Any = None, slice_spec: Any = None, name: Any = None) -> Any:
        del name
        if word == "getitem":
            return operation((x, y if slice_spec is None else slice_spec), {})
        if y is None:
            return operation((x,), {})
        return operation((x, y) if word in OPERATORS else (y, x), {})

    return made


def node_operation(
    node: Mapping[str, Any], tensors: Sequence[Any], constants: Mapping[str, Any]
) -> tuple[Operation, list[Any], dict[str, Any]]:
    """Return operation and arguments of a node of TensorFlow's graph, some inputs constant."""
    kind, attributes = str(node.get("op")), node.get("attr") or {}
    count = len(tensors) + len(constants)
    free = iter(tensors)
    args = [constants[str(k)] if str(k) in constants else next(free) for k in range(count)]
    if kind in CALLS:
        function, kwargs = _function_of(CALLS[kind], args, attributes)
        return called(function), [], kwargs
    if kind == "StridedSlice":
        return load_operations()["GetItem"], [args[0], _index(args[1:], attributes)], {}
    if kind == "AddN":
        return called("math.add_n"), [args], {}
    if kind == "Pack":
        return load_operations()["Stack"], [args], {"axis": _attribute(attributes.get("axis")) or 0}
    if kind not in NODES:
        raise UnsupportedError(f"the TensorFlow operation {kind} is not translated")
    name, args, kwargs = _arguments(NODES[kind], args, attributes)
    return load_operations()[name], args, kwargs


def _function_of(
    text: str, args: Sequence[Any], attributes: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the function of a row of CALLS, as a TFOpLambda names it, and its arguments."""
    function, *words = text.split()
    names = [word for word in words if "=" not in word]
    kwargs = dict(zip(names, args, strict=False))
    for word in words[len(names) :]:
        name, _, key = word.partition("=")
        if key in attributes:
            kwargs[name] = _attribute(attributes[key])
    return function.removeprefix("tf."), kwargs


def _attribute(value: Any) -> Any:
    """Return an attribute of a node: {"i": "2"}, {"b": true}, {"f": 0.5}, a type or bytes."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    ((kind, content),) = value.items()
    try:
        if kind == "s":
            return base64.b64decode(content, validate=True).decode("ascii")
        if kind == "type":
            return TYPES[content]
        return {"i": int, "f": float, "b": bool}[kind](content)
    except (KeyError, TypeError, ValueError) as error:
        raise UnsupportedError(f"a TensorFlow operation with the attribute {value!r}") from error


TYPES: Mapping[str, str] = {
    "DT_HALF": "float16", "DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_BOOL": "bool",
    "DT_BFLOAT16": "bfloat16", "DT_INT8": "int8", "DT_INT16": "int16", "DT_INT32": "int32",
    "DT_INT64": "int64", "DT_UINT8": "uint8",
}  # fmt: skip


def _index(bounds: Sequence[Any], attributes: Mapping[str, Any]) -> list[Any]:
    """Return the index that a StridedSlice is: bit k of its masks is about part k."""
    if not all(isinstance(v, list | tuple) for v in bounds) or len({*map(len, bounds)}) > 1:
        raise UnsupportedError("a StridedSlice between places that the graph computes")

    def marked(name: str, k: int) -> bool:
        return bool(int(_attribute(attributes.get(f"{name}_mask")) or 0) >> k & 1)

    parts: list[Any] = []
    for k, (begin, end, step) in enumerate(zip(*bounds, strict=True)):
        if marked("ellipsis", k):
            parts.append(...)
        elif marked("new_axis", k):
            parts.append(None)
        elif marked("shrink_axis", k):
            parts.append(begin)
        else:
            first = None if marked("begin", k) else begin
            last = None if marked("end", k) else end
            parts.append(slice(first, last, None if step == 1 else step))
    return parts


def _arguments(
    name: str, args: list[Any], attributes: Mapping[str, Any]
) -> tuple[str, list[Any], dict[str, Any]]:
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
