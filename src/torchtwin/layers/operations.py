"""Operations called among the layers: keras.ops in Keras 3, TensorFlow's in Keras 2."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np

from torchtwin.apply import torch_dtype
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Field, call, walk
from torchtwin.graph import Constant
from torchtwin.nn.constant import Constant as ConstantModule
from torchtwin.nn.constant import Constants as ConstantsModule
from torchtwin.ops.registry import ANY, Operation, load_operations
from torchtwin.ops.tensorflow import NODES, called, node_operation, operation_of
from torchtwin.rule import Piece, rule
from torchtwin.source import Array
from torchtwin.view import LayerView, Tensor

OPERATIONS = load_operations()
BOOKKEEPING = ("name", "dtype", "trainable")
OPERANDS = ("x1", "x2")
"""Parameters that are tensors whatever stands there."""


def _piece(
    layer: LayerView, operation: Operation, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Piece:
    """Return the piece of an operation; arrays written in the file become buffers."""
    arrays: list[np.ndarray] = []
    several = _arrays([*args, *kwargs.values()]) > 1
    args = [_plain(layer, value, arrays, several) for value in args]
    kwargs = {name: _plain(layer, value, arrays, several) for name, value in kwargs.items()}
    result = operation(args, kwargs)
    if not any(node is layer.module for node in walk(result)):
        return Piece(result)
    names = [f"value_{k}" if several else "value" for k in range(len(arrays))]
    kinds = tuple(torch_dtype(str(array.dtype)) for array in arrays)
    if several:
        module = call(ConstantsModule, *(array.shape for array in arrays), dtypes=kinds)
    else:
        module = call(ConstantModule, arrays[0].shape, dtype=kinds[0])
    given = {name: _given(name, array) for name, array in zip(names, arrays, strict=True)}
    return Piece(result, module, dict.fromkeys(names, "given"), constants=given)


def _given(name: str, array: np.ndarray) -> Array:
    return Array(name, array.shape, str(array.dtype), lambda: array)


def _arrays(value: Any) -> int:
    """Return how many constant arrays, numbers not counted, arguments hold."""
    if isinstance(value, list | tuple):
        return sum(map(_arrays, value))
    return int(isinstance(value, Constant) and np.ndim(value.value) > 0)


def _plain(layer: LayerView, value: Any, arrays: list[np.ndarray], several: bool) -> Any:
    """Return an argument as a tensor, a plain value, or a structure of them."""
    if isinstance(value, list | tuple):
        return [_plain(layer, part, arrays, several) for part in value]
    if isinstance(value, Mapping) and set(value) == {"start", "stop", "step"}:
        return slice(value["start"], value["stop"], value["step"])
    if not isinstance(value, Constant):
        return value
    short = value.dtype == "bfloat16"  # which NumPy does not have
    array = np.asarray(value.value, dtype="float32" if short else value.dtype)
    if array.ndim == 0:
        return array.item()
    layout = layer.inputs[0].layout if layer.inputs else None
    shape, kind, numbers = array.shape, str(array.dtype), array
    if layout is not None:
        if array.ndim > len(layout):
            raise UnsupportedError("a constant of higher rank than the tensor beside it")
        array = array.reshape((1,) * (len(layout) - array.ndim) + shape).transpose(layout)
        shape = (1,) * (len(layout) - len(shape)) + shape
    name = f"value_{len(arrays)}" if several else "value"
    arrays.append(array)
    place = Field(layer.module, name)
    if short:
        return Tensor(place.bfloat16(), shape, "bfloat16", layout, array=numbers)
    return Tensor(place, shape, kind, layout, array=numbers)


def _keras(layer: LayerView) -> Piece:
    operation = OPERATIONS[layer.class_name.removeprefix("ops.")]
    if any(map(_is_function, (*layer.args, *layer.kwargs.values(), *layer.config.values()))):
        raise UnsupportedError(
            f"keras.{layer.class_name} calls a Python function of the model's author",
            hint="put it into a layer of your own, and give its source: --custom FILE",
        )
    config = {k: layer[k] for k in layer.config if k != "name"}
    known = inspect.signature(operation.function).parameters
    if "dtype" not in known:
        config = {k: v for k, v in config.items() if k not in BOOKKEEPING}
    if "used" in known:
        config["used"] = layer.used
    places = chain(known, repeat(""))
    args = [_operand(name, value) for name, value in zip(places, layer.args, strict=False)]
    called = {name: _operand(name, value) for name, value in _called(layer).items()}
    return _piece(layer, operation, args, {**config, **called})


def _is_function(value: Any) -> bool:
    """Tell whether an argument is a function, of which the file holds bytecode or a name."""
    if isinstance(value, list | tuple):
        return any(map(_is_function, value))
    return isinstance(value, Mapping) and value.get("class_name") in ("__lambda__", "function")


def _operand(name: str, value: Any) -> Any:
    """Return a list of numbers that stands for a tensor as the array that Keras makes of it."""
    if name not in OPERANDS or not isinstance(value, list | tuple) or not value:
        return value
    try:
        array = np.asarray(value)
    except ValueError:
        return value
    wanted = {"b": "bool", "i": "int32", "f": "float32"}.get(array.dtype.kind)
    return value if wanted is None else Constant(array.tolist(), wanted)


def _called(layer: LayerView) -> dict[str, Any]:
    return {name: layer.call(name) for name in layer.kwargs}


for _name, _operation in OPERATIONS.items():
    rule(f"ops.{_name}", layout=_operation.layout, cases=_operation.cases)(_keras)


def _tensorflow_layout(config: Mapping[str, Any], rank: int) -> Any:
    """Return ANY for what works on each element, whatever it is called."""
    node = config.get("node_def")
    node = node if isinstance(node, Mapping) else {}
    function = config.get("function")
    name = operation_of(str(function)) if function else NODES.get(str(node.get("op")))
    operation = OPERATIONS.get(str(name))
    if operation is None:
        return None
    known = {"data_format": "channels_last"} if name == "DepthToSpace" else {}
    layout = operation.layout
    return layout(known, rank) if callable(layout) else ANY if layout == ANY else None


@rule("TFOpLambda", "SlicingOpLambda", layout=_tensorflow_layout)
def tf_op_lambda(layer: LayerView) -> Piece:
    return _piece(layer, called(str(layer.get("function"))), layer.args, _called(layer))


@rule("TensorFlowOpLayer", layout=_tensorflow_layout)
def tensorflow_op_layer(layer: LayerView) -> Piece:
    """One operation of TensorFlow's graph, as TensorFlow 1 and 2.0 to 2.3 wrote it."""
    constants = {str(k): _constant(v) for k, v in (layer.get("constants") or {}).items()}
    node: Any = layer.get("node_def")
    if not isinstance(node, Mapping):
        raise UnsupportedError("a TensorFlow operation without its definition")
    tensors = layer.args[0] if isinstance(layer.args[0], list | tuple) else layer.args
    operation, args, kwargs = node_operation(node, tensors, constants)
    return _piece(layer, operation, args, kwargs)


def _constant(value: Any) -> Any:
    """Return a constant of a node: whole numbers and lists of them as they are."""
    array = np.asarray(value)
    if array.ndim and array.dtype.kind == "f":
        return Constant(value, "float32")
    return value
