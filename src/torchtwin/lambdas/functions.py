"""The functions that a Lambda calls, by their canonical names.

Most are operations of `ops`, under the names and with the arguments of keras.ops, of TensorFlow
or of Keras's old backend, `K`. What gives no tensor, or depends on shapes, is in `special`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torchtwin.bytecode.code import NotUnderstood
from torchtwin.errors import UnsupportedError
from torchtwin.graph import Layout
from torchtwin.lambdas.operators import as_operand
from torchtwin.lambdas.values import Length, Value, applied
from torchtwin.ops.functions import is_known, operation_for, resolved
from torchtwin.ops.registry import Operation, load_operations
from torchtwin.ops.tensorflow import BINARY
from torchtwin.view import Tensor

SPACES = (
    ("K.", "keras.backend."),
    ("keras.ops.numpy.", "keras.ops."),
    ("keras.ops.nn.", "keras.ops."),
    ("keras.ops.math.", "keras.ops."),
    ("keras.ops.core.", "keras.ops."),
    ("tf.keras.activations.", "keras.activations."),
)
"""Beginnings of names, and those of `ops.functions` for them."""
PARTED, MOST = ("Split", "Unstack"), 1000
"""Operations that give several tensors, and how many at most."""


def operation(path: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what a function with this name gives; refuse one that is not known."""
    name = path
    for beginning, ours in SPACES:
        if path.startswith(beginning):
            name = ours + path.removeprefix(beginning)
    # K is Keras's backend in all but the newest files, where some write it for keras.ops.
    later = "keras.ops." + path.removeprefix("K.")
    if path.startswith("K.") and not is_known(name) and is_known(later):
        name = later
    if not is_known(name):
        raise NotUnderstood(f"it calls {path}")
    found = resolved(name, args, kwargs)
    if found is None:
        return applied(lambda *a, **k: operation_for(name, a, k), *args, **kwargs)
    if not name.startswith("keras.ops."):
        _refuse_whole(found[0], args, kwargs)
    given = dict(found[1])
    first = next(iter(inspect.signature(load_operations()[found[0]].function).parameters))
    before = (given.pop(first),) if first in given else ()
    return run(found[0], before, given)


def _refuse_whole(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """TensorFlow's mean of whole numbers is a whole number."""
    given = _flat([*args, *kwargs.values()])
    whole = any(isinstance(v, Value) and "int" in v.tensor.dtype for v in given)
    if name in ("Mean", "Std", "Var") and whole:
        raise UnsupportedError(f"{name} of whole numbers is not translated")


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
