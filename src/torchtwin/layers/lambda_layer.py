"""Lambda: its function is read as data, and evaluated over tensors."""

from __future__ import annotations

import ast
import contextlib
import inspect
import re
from collections.abc import Mapping
from typing import Any

import torch

from torchtwin.apply import FREE_LENGTHS, torch_dtype
from torchtwin.bytecode.code import NotUnderstood
from torchtwin.errors import UnreadableModel, UnsupportedError, UntranslatedCode
from torchtwin.expr import call
from torchtwin.lambdas.call import called, named_function, parameters
from torchtwin.lambdas.names import canonical
from torchtwin.lambdas.stored import Named, Stored, plain, stored
from torchtwin.lambdas.values import Value, last
from torchtwin.names import identifier
from torchtwin.rule import ANY, Piece, own_function, rule
from torchtwin.view import LayerView, Tensor

BOOKKEEPING = ("function", "function_type", "module", "output_shape", "output_shape_type",
               "output_shape_module", "mask_type", "mask_module", "arguments")  # fmt: skip
"""`output_shape` tells Keras what it cannot find out; what the function gives is what counts."""

ON_EACH = frozenset([
    "abs", "absolute", "ceil", "clip", "clip_by_value", "cos", "elu", "exp", "floor", "identity",
    "log", "log1p", "maximum", "minimum", "pow", "relu", "relu6", "round", "rsqrt", "sigmoid",
    "sign", "sin", "softplus", "sqrt", "square", "stop_gradient", "swish", "silu", "tanh",
])  # fmt: skip
"""Functions that work on each element, so that the order of axes does not matter."""


FAILURES = (
    RecursionError, MemoryError, AttributeError, LookupError, ArithmeticError, TypeError,
    ValueError, RuntimeError, AssertionError,
)  # fmt: skip
"""What a function from a file can run into when it is evaluated, whatever it is."""


def _layout(config: Mapping[str, Any], _rank: int) -> Any:
    """Return ANY for a function of one tensor that works on each of its elements."""
    try:
        found = stored(config)
    except (UnsupportedError, UnreadableModel):
        return None  # the rule itself says why
    if not isinstance(found, Stored) or config.get("arguments"):
        return None
    match found.function.body, parameters(found.function):
        case [ast.Return(value=ast.expr() as value)], [word]:
            return ANY if _on_each(value, word) else None
    return None


def _on_each(node: ast.expr, word: str) -> bool:
    match node:
        case ast.Name(id=name):
            return name == word
        case ast.Constant(value=value):
            return isinstance(value, int | float)
        case ast.BinOp(left=left, op=op, right=right):
            return (
                not isinstance(op, ast.MatMult) and _on_each(left, word) and _on_each(right, word)
            )
        case ast.UnaryOp(operand=operand):
            return _on_each(operand, word)
        case ast.Call(func=ast.Attribute(attr=name), args=args, keywords=[]) if name in ON_EACH:
            return all(_on_each(arg, word) for arg in args)
    return False


@rule("Lambda", layout=_layout, takes_mask=True)
def lambda_(layer: LayerView) -> Piece:
    layer.ignore(*BOOKKEEPING)
    if layer.get("mask") is not None:
        raise UnsupportedError("a Lambda with a mask of its own is not translated")
    arguments = layer.config.get("arguments") or {}
    if not isinstance(arguments, Mapping):
        raise UnreadableModel("the arguments of a Lambda are no dict")
    given = {str(k): plain(v) for k, v in arguments.items()}
    try:
        found = stored(layer.config)
    except UnsupportedError:
        if (own := _named_after(layer)) is not None:
            return _of_author(own, layer, given)
        raise
    several = len(layer.inputs) > 1  # inside a wrapper there are no arguments
    inputs = _values(layer.args[0] if layer.args else [*layer.inputs] if several else layer.input)
    own = own_function(found.name) if isinstance(found, Named) else None
    if own is not None:
        return _of_author(own, layer, given)
    if isinstance(found, Named):
        return _piece(_of_library(found, inputs, given))
    try:
        if "image.resize" in found.function.source and _before_tensorflow_2(layer.version):
            raise UnsupportedError("TensorFlow 1 resized images in another way")
        given |= _flags(layer, found)
        return _piece(called(found, inputs, given))
    except (NotUnderstood, UnsupportedError, *FAILURES) as error:
        if (own := _named_after(layer)) is not None:
            return _of_author(own, layer, given)
        raise _refusal(layer, found, error) from error


def _named_after(layer: LayerView) -> Any:
    """Return the author's function with the name of a Lambda, which sees axes in Keras's order."""
    if any(x.layout is not None for x in layer.inputs):
        return None
    return own_function(identifier(str(layer.config.get("name"))))


def _of_author(function: Any, layer: LayerView, given: Mapping[str, Any]) -> Piece:
    """Return the call of the function that the author's source defines for a Lambda."""
    several = len(layer.inputs) > 1
    first = layer.args[0] if layer.args else [*layer.inputs] if several else layer.input
    words = inspect.signature(function).parameters
    more = dict(given)
    if "mask" in words and layer.mask is not None:
        more["mask"] = layer.mask
    return Piece(call(function, _exprs(first), **more))


def _exprs(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_exprs(part) for part in value]
    return value.expr if isinstance(value, Tensor) else value


def _before_tensorflow_2(version: str) -> bool:
    """Tell whether a file may be TensorFlow 1's: its tf.keras said 2.2.4 up to TensorFlow 2.1."""
    numbers = [int(part) for part in re.findall(r"\d+", version)[:2]]
    return numbers < ([2, 3] if version.endswith("-tf") else [2, 4])


def _values(inputs: Any) -> Any:
    if isinstance(inputs, list | tuple):
        return [_values(part) for part in inputs]
    if not isinstance(inputs, Tensor):
        return inputs
    lengths = [inputs.shape[k] for k in inputs.layout or range(inputs.rank)]
    runs = [
        torch.empty(
            [free[bool(k)] if n is None else n for k, n in enumerate(lengths)],
            dtype=torch_dtype(inputs.dtype), device="meta",
        )
        for free in FREE_LENGTHS
    ]  # fmt: skip
    tensor = Tensor(inputs.expr, tuple(lengths), inputs.dtype)
    return Value(tensor, (runs[0], runs[1]))


def _flags(layer: LayerView, found: Stored) -> dict[str, Any]:
    """Return what Keras passes to a function that has these parameters."""
    words = parameters(found.function)[1:]
    if "training" in words:
        raise UnsupportedError("it does one thing in training and another afterwards")
    if "mask" not in words:
        return {}
    masks = [None if mask is None else _values(mask) for mask in layer.masks]
    return {"mask": masks if len(layer.inputs) > 1 else masks[0]}


def _of_library(found: Named, inputs: Any, arguments: Mapping[str, Any]) -> Any:
    """Return what a function does that the file only names: one of Keras's, or its author's."""
    module = canonical(found.module)
    # Keras 3 writes functions of its own as built in, and looks for them among its activations.
    space = {"builtins": "keras.activations"}.get(module, module.partition(".")[0])
    if space in ("K", "tf", "keras", "keras.activations") and found.name.isidentifier():
        path = f"{module if space == 'keras' else space}.{found.name}"
        with contextlib.suppress(NotUnderstood):
            return named_function(path, inputs, arguments)
    raise UnsupportedError(
        f"the file names the function {found.name} of this Lambda, and does not hold it",
        hint="give the source that defines it with --custom",
    )


def _piece(result: Any) -> Piece:
    if isinstance(result, Value):
        return Piece(last(result))
    if isinstance(result, list | tuple) and result and all(isinstance(v, Value) for v in result):
        return Piece(tuple(value.tensor.expr for value in result))
    raise UnsupportedError("it returns something that is no tensor")


def _refusal(layer: LayerView, found: Stored, error: Exception) -> UntranslatedCode:
    reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
    if isinstance(error, FAILURES) and not isinstance(error, RecursionError):
        reason = f"it does not run ({type(error).__name__}: {reason})"
    function = found.function
    word = str(layer.config.get("name") or "function")
    return UntranslatedCode(
        f"this Lambda is not translated: {(reason or 'it does not run').splitlines()[0]}",
        hint="write its function in Keras in a file of your own, and give it with --custom",
        code=f"{function.source}\n{function.listing}",
        stub=stub(function.name if function.name != "<lambda>" else word, parameters(function)),
    )


def stub(name: str, words: list[str]) -> str:
    """Return a function to fill in by hand."""
    body = "    raise NotImplementedError  # what the Lambda computes, in Keras"
    return f"def {identifier(name)}({', '.join(words)}):\n{body}"
