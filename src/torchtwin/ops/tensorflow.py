"""What files of Keras 2 hold of TensorFlow: functions among the layers, nodes of its graphs."""

from __future__ import annotations

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
