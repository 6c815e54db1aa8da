"""The functions that a Lambda calls, by their canonical names.

Most are operations of `ops`, under the names and with the arguments of keras.ops, of TensorFlow
or of Keras's old backend, `K`. What gives no tensor, or depends on shapes, is in `special`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torchtwin.bytecode.code import NotUnderstood
from torchtwin.errors import UnsupportedError
from torchtwin.graph import Layout
from torchtwin.lambdas.operators import as_operand
from torchtwin.lambdas.values import Length, Value, applied
from torchtwin.ops.registry import Operation, load_operations
from torchtwin.ops.tensorflow import BINARY, FUNCTIONS, arguments
from torchtwin.view import Tensor

BACKEND: Mapping[str, tuple[str, str]] = {
    "abs": ("Absolute", "x"), "square": ("Square", "x"), "exp": ("Exp", "x"), "log": ("Log", "x"),
    "sign": ("Sign", "x"), "sin": ("Sin", "x"), "cos": ("Cos", "x"), "round": ("Round", "x"),
    "sigmoid": ("Sigmoid", "x"), "tanh": ("Tanh", "x"), "softplus": ("Softplus", "x"),
    "softsign": ("Softsign", "x"), "mean": ("Mean", "x axis keepdims"),
    "sum": ("Sum", "x axis keepdims"), "max": ("Max", "x axis keepdims"),
    "min": ("Min", "x axis keepdims"), "prod": ("Prod", "x axis keepdims"),
    "std": ("Std", "x axis keepdims"), "var": ("Var", "x axis keepdims"),
    "any": ("Any", "x axis keepdims"), "all": ("All", "x axis keepdims"),
    "logsumexp": ("Logsumexp", "x axis keepdims"), "argmax": ("Argmax", "x axis=-1"),
    "argmin": ("Argmin", "x axis=-1"), "cumsum": ("Cumsum", "x axis=0"),
    "cumprod": ("Cumprod", "x axis=0"), "clip": ("Clip", "x min_value:x_min max_value:x_max"),
    "maximum": ("Maximum", "x:x1 y:x2"), "minimum": ("Minimum", "x:x1 y:x2"),
    "pow": ("Power", "x:x1 a:x2"), "equal": ("Equal", "x:x1 y:x2"),
    "not_equal": ("NotEqual", "x:x1 y:x2"), "greater": ("Greater", "x:x1 y:x2"),
    "greater_equal": ("GreaterEqual", "x:x1 y:x2"), "less": ("Less", "x:x1 y:x2"),
    "less_equal": ("LessEqual", "x:x1 y:x2"), "expand_dims": ("ExpandDims", "x axis=-1"),
    "squeeze": ("Squeeze", "x axis"), "concatenate": ("Concatenate", "tensors:xs axis=-1"),
    "stack": ("Stack", "x axis=0"), "softmax": ("Softmax", "x axis=-1"), "elu": ("Elu", "x alpha"),
    "permute_dimensions": ("Transpose", "x pattern:axes"), "transpose": ("Transpose", "x"),
    "tile": ("Tile", "x n:repeats"), "cast": ("Cast", "x dtype"),
    "repeat_elements": ("Repeat", "x rep:repeats axis"), "reverse": ("Flip", "x axes:axis"),
    "zeros_like": ("ZerosLike", "x dtype"), "ones_like": ("OnesLike", "x dtype"),
    "identity": ("Identity", "x"), "reshape": ("Reshape", "x shape:newshape"),
}  # fmt: skip
"""Functions of Keras's backend (tf_keras/src/backend.py): the operation, and for each parameter
its name there, the operation's where it differs, and the default where the operation has another.
"""

TENSORFLOW: Mapping[str, tuple[str, str]] = {
    "concat": ("Concatenate", "values:xs axis"), "expand_dims": ("ExpandDims", "input:x axis"),
    "transpose": ("Transpose", "a:x perm:axes"), "tile": ("Tile", "input:x multiples:repeats"),
    "reshape": ("Reshape", "tensor:x shape:newshape"), "reverse": ("Flip", "tensor:x axis"),
    "pad": ("Pad", "tensor:x paddings:pad_width mode constant_values"),
    "where": ("Where", "condition x:x1 y:x2"), "cumsum": ("Cumsum", "x axis=0"),
    "repeat": ("Repeat", "input:x repeats axis"), "stack": ("Stack", "values:x axis"),
    "unstack": ("Unstack", "value:x num axis"), "gelu": ("Gelu", "features:x approximate=False"),
    "clip_by_value": ("Clip", "t:x clip_value_min:x_min clip_value_max:x_max"),
    "pow": ("Power", "x:x1 y:x2"), "softmax": ("Softmax", "logits:x axis=-1"),
    "log_softmax": ("LogSoftmax", "logits:x axis=-1"), "roll": ("Roll", "input:x shift axis"),
    "matmul": ("Matmul", "a:x1 b:x2"), "atan2": ("Arctan2", "y:x1 x:x2"),
    "concatenate": ("Concatenate", "values:xs axis"),
}  # fmt: skip
"""TensorFlow's functions whose parameters need a look; the others are in `ops.tensorflow`."""

LOWERED = {"sum": "reduce_sum", "mean": "reduce_mean", "max": "reduce_max", "min": "reduce_min"}
SPACES = ("tf.math.", "tf.nn.", "tf.linalg.", "tf.keras.activations.", "tf.image.", "tf.")
KERAS = ("keras.ops.numpy.", "keras.ops.nn.", "keras.ops.math.", "keras.ops.core.", "keras.ops.",
         "keras.activations.")  # fmt: skip
RENAMED = {"keep_dims": "keepdims", "reduction_indices": "axis"}
"""Arguments of TensorFlow 1."""
WITHOUT_NAME = ("name",)
PARTED, MOST = ("Split", "Unstack"), 1000
"""Operations that give several tensors, and how many at most."""


def operation(path: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what an operation with this name gives; refuse one that is not known."""
    if path.startswith("K."):
        return _backend(path.removeprefix("K."), args, kwargs)
    for space in KERAS:
        if path.startswith(space):
            return _keras(path.removeprefix(space), path, args, kwargs)
    for space in SPACES:
        if path.startswith(space):
            return _tensorflow(path.removeprefix(space), path, args, kwargs)
    raise NotUnderstood(f"it calls {path}")


def _backend(word: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """`K` is Keras's backend in all but the newest files, where some write it for keras.ops."""
    if word in BACKEND:
        _refuse_whole(BACKEND[word][0], args, kwargs)
        return _signed(f"K.{word}", BACKEND[word], args, kwargs)
    if operation_name(word) in load_operations():
        return _keras(word, f"K.{word}", args, kwargs)
    raise NotUnderstood(f"it calls K.{word}")


def _refuse_whole(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """TensorFlow's mean of whole numbers is a whole number."""
    given = _flat([*args, *kwargs.values()])
    whole = any(isinstance(v, Value) and "int" in v.tensor.dtype for v in given)
    if name in ("Mean", "Std", "Var") and whole:
        raise UnsupportedError(f"{name} of whole numbers is not translated")


def operation_name(word: str) -> str:
    """Return the class of keras.ops for one of its functions: expand_dims is ExpandDims."""
    return "".join(part[:1].upper() + part[1:] for part in word.split("_"))


def _keras(word: str, path: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    name = operation_name(word)
    if name not in load_operations():
        raise NotUnderstood(f"it calls {path}")
    return run(name, args, kwargs)


def _tensorflow(word: str, path: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    if word in TENSORFLOW:
        return _signed(path, TENSORFLOW[word], args, kwargs)
    if word not in FUNCTIONS or FUNCTIONS[word] not in load_operations():
        raise NotUnderstood(f"it calls {path}")
    name = FUNCTIONS[word]
    kwargs = {RENAMED.get(k, k): v for k, v in kwargs.items()}
    _refuse_whole(name, args, kwargs)
    if name in ("Argmax", "Argmin") and len(args) < 2 and "axis" not in kwargs:
        kwargs = {**kwargs, "axis": 0}  # TensorFlow's default
    args, kwargs = arguments(word, args, kwargs)
    return run(name, args, kwargs)


def _signed(
    path: str, signature: tuple[str, str], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Call an operation with the arguments of another function."""
    name, text = signature
    words: list[str] = []
    given: dict[str, Any] = {}
    renamed: dict[str, str] = {}
    for part in text.split():
        word, _, default = part.partition("=")
        word, _, own = word.partition(":")
        words.append(word)
        renamed[word] = own or word
        if default:
            given[renamed[word]] = {"False": False}.get(default, default)
            if default.lstrip("-").isdigit():
                given[renamed[word]] = int(default)
    if len(args) > len(words):
        raise UnsupportedError(f"{path} with {len(args)} arguments is not translated")
    for word, value in zip(words, args, strict=False):
        given[renamed[word]] = value
    for word, value in kwargs.items():
        if word in WITHOUT_NAME:
            continue
        if word not in renamed:
            raise UnsupportedError(f"{path}({word}=...) is not translated")
        given[renamed[word]] = value
    return run(name, (), {k: v for k, v in given.items() if v is not None or k in ("axis", "axes")})


def run(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what an operation makes of values."""
    found = load_operations()[name]
    kwargs = dict(kwargs)
    if name in PARTED and any(isinstance(n, int) and n > MOST for n in (*args, *kwargs.values())):
        raise UnsupportedError(f"{name} into so many parts is not translated")
    if name in BINARY:
        args, kwargs = _operands(args, kwargs)
    if name == "Reshape":
        return _reshaped(args, kwargs)
    if not any(isinstance(v, Value) for v in _flat([*args, *kwargs.values()])):
        raise UnsupportedError(f"{name} of plain values is not translated")
    wanted = _layout(found, args, kwargs)
    if wanted is None:
        return applied(lambda *a, **k: found(a, k), *args, **kwargs)
    back = tuple(wanted.index(axis) for axis in range(len(wanted)))

    def moved(x: Tensor, *more: Any, **named: Any) -> Any:
        inside = replace(x, expr=x.expr.permute(*wanted), layout=wanted)
        return found((inside, *more), named).permute(*back)

    return applied(moved, *args, **kwargs)


def _layout(found: Operation, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Layout | None:
    """Return the order of axes that an operation wants, None for Keras's."""
    if not callable(found.layout) or not args or not isinstance(args[0], Value):
        return None
    wanted = found.layout(kwargs, len(args[0].shape))
    return tuple(wanted) if isinstance(wanted, tuple) else None


def _operands(args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    if len(args) == 2:
        return (as_operand(args[0], args[1]), as_operand(args[1], args[0])), kwargs
    if "x1" in kwargs and "x2" in kwargs:
        first, second = kwargs["x1"], kwargs["x2"]
        both = {"x1": as_operand(first, second), "x2": as_operand(second, first)}
        return args, {**kwargs, **both}
    return args, kwargs


def _reshaped(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A length that is free is what is left over, if no other is."""
    given = {**dict(zip(("x", "newshape"), args, strict=False)), **kwargs}
    lengths, x = given.get("newshape"), given.get("x")
    if isinstance(lengths, int):
        lengths = (lengths,)
    if not isinstance(lengths, list | tuple) or len(given) != 2 or not isinstance(x, Value):
        raise UnsupportedError("a reshape to this shape is not translated")
    if not all(isinstance(n, int | Length) for n in lengths):
        raise UnsupportedError("a reshape to this shape is not translated")
    free = sum(isinstance(n, Length) for n in lengths)
    if free == 1 and -1 not in lengths:
        lengths = [-1 if isinstance(n, Length) else n for n in lengths]
    return applied(lambda t, to: t.expr.reshape(*to), x, list(lengths))


def _flat(values: Any) -> list[Any]:
    if isinstance(values, list | tuple):
        return [part for value in values for part in _flat(value)]
    return [values]
