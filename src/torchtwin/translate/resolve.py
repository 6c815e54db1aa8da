"""A call of a name of Keras or TensorFlow, by the rule that knows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import libcst as cst

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Binary, Expr, Field, Source
from torchtwin.ops.functions import operation_for
from torchtwin.translate.activation import module_with_activation
from torchtwin.translate.builtin import general
from torchtwin.translate.calls import CallView, tensor_of
from torchtwin.translate.devices import on_device
from torchtwin.translate.infer_lengths import joins_lengths
from torchtwin.translate.known import HOMES, MATH
from torchtwin.translate.lengths import joined
from torchtwin.translate.program import Program
from torchtwin.translate.ranks import check_product
from torchtwin.translate.registry import call_rule_of, constructor_of
from torchtwin.translate.values import arguments_of, plain, source_of, text_of
from torchtwin.understood import understood
from torchtwin.upgrade.arguments import shown, wanted_for
from torchtwin.view import LayerView, lists

BASE = frozenset({
    "name", "input_shape", "input_dim", "input_length", "batch_input_shape", "batch_shape",
    "batch_size", "autocast", "implementation", "time_major",
})  # fmt: skip
"""Arguments of every layer that say nothing about what it computes."""
DOTS = ("keras.backend.dot", "keras.ops.dot")


def translated_call(
    program: Program, name: str, original: cst.Call, updated: cst.Call, device: Expr | None
) -> Expr | None:
    """Return a call in PyTorch; raise UnsupportedError where no rule knows it.

    New tensors are made on `device`, where that is known. Arguments that a rule cannot take, such
    as a name where Keras wants a number, are such an error too.
    """
    with understood(f"this call of {name}", UnsupportedError):
        return _translated(program, name, original, updated, device)


def _translated(
    program: Program, name: str, original: cst.Call, updated: cst.Call, device: Expr | None
) -> Expr | None:
    home, _, last = name.rpartition(".")
    if home == "keras.layers" and constructor_of(last) is not None:
        return layer(program, last, original, updated)
    if last == "unstack" and _is_shape(program, original):
        return source_of(updated.args[0].value)  # a shape's lengths are its parts
    if joins_lengths(program.kinds, original):
        return joined(updated)
    args, kwargs = arguments(program, original, updated)
    rule = call_rule_of(name)
    if rule is not None:
        result: Expr | None = rule(CallView(name, args, kwargs))
        return result
    numbers = [program.kinds.of(a.value).what == "number" for a in original.args]
    numbers = numbers[:1] if last == "cast" else numbers
    if home in HOMES and last in MATH and numbers and all(numbers):
        return _of_numbers(last, args, kwargs)
    if home == "keras.layers":
        raise UnsupportedError(f"{last} is not translated")
    check_product(program, name, [arg.value for arg in original.args])
    if (
        last == "transpose"
        and home in HOMES
        and len(original.args) == 1
        and _has_rank(program, original, 2)
    ):
        return Field(tensor_of(args[0]), "T")
    if name in DOTS and len(args) == 2 and program.kinds.of(original.args[1].value).rank == 2:
        name = "keras.ops.matmul"  # the same with a matrix
    made: Expr = on_device(operation_for(name, args, kwargs), device)
    return made


def _is_shape(program: Program, call: cst.Call) -> bool:
    others = [text_of(arg.keyword) for arg in call.args[1:] if arg.keyword]
    plain = len(others) == len(call.args) - 1 and set(others) <= {"num", "name"}
    return plain and program.kinds.of(call.args[0].value).what == "shape"


def arguments(
    program: Program, original: cst.Call, updated: cst.Call
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for before, after in zip(original.args, updated.args, strict=True):
        value = program.values.of(before.value, after.value)
        if before.star:
            raise UnsupportedError(f"{text_of(original.func)}(*...) is not translated")
        if before.keyword is not None:
            kwargs[before.keyword.value] = value
        else:
            args.append(value)
    return args, kwargs


def layer(program: Program, name: str, original: cst.Call, updated: cst.Call) -> Expr | None:
    """Return the module that a layer of Keras becomes, with its activation."""
    order = arguments_of("layers", name)
    config = program.values.bound(original, updated, order or [])
    if config is None:
        return _handed_on(program, name, updated)
    own = order or []
    known = {k: plain(v) for k, v in config.items() if k not in BASE or k in own}
    known.pop("seed", None)
    known.pop("name", None)
    known.pop("dtype", None) if _is_own_dtype(known.get("dtype")) else None
    if known.get("trainable") is True:
        known.pop("trainable")
    return constructed(program, name, known)


def constructed(program: Program, name: str, known: Mapping[str, Any]) -> Expr | None:
    """Return the module that a layer of Keras with these arguments becomes."""
    called = {"mask": True} if "mask" in program.code else {}
    view = LayerView(name, known, [], kwargs=called)  # Softmax may be called with a mask
    rule = constructor_of(name)
    if rule is None:
        raise UnsupportedError(f"{name} is not translated")
    _check_literals(name, known, view.defaults)
    made = rule(view)
    unread = [k for k, v in known.items() if k not in view.read and _says(v, view.defaults.get(k))]
    if unread:
        raise UnsupportedError(f"{name}({', '.join(unread)}=...) is not translated")
    return None if made is None else module_with_activation(made)


def _check_literals(name: str, known: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Raise UnsupportedError for a literal that Keras would not take; a flag may be 0 or 1."""
    for argument, value in known.items():
        if not _is_literal(value):
            continue
        flag = isinstance(defaults.get(argument), bool) and value in (0, 1)
        wanted = None if flag else wanted_for(name, argument, lists(value), defaults)
        if wanted:
            given = f"{argument}={shown(value)}"
            raise UnsupportedError(f"{name} has {given}, where Keras takes {wanted}")


def _is_literal(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_literal, value))
    return value is None or isinstance(value, int | float | str)


def _has_rank(program: Program, call: cst.Call, rank: int) -> bool:
    """Tell whether a call is given a tensor that surely has so many axes."""
    arg = call.args[0]
    return arg.keyword is None and program.kinds.of(arg.value).rank == rank


def _is_own_dtype(dtype: Any) -> bool:
    """Tell whether a layer is asked for the dtype that all have: float32, or the outer layer's."""
    if isinstance(dtype, Source):
        return dtype.text in ("self.dtype_policy", "self.dtype", "torch.get_default_dtype()")
    return dtype in (None, "float32")


def _handed_on(program: Program, name: str, updated: cst.Call) -> Expr:
    """A layer made with options that are not known here: `Conv2D(**kwargs)`."""
    cls = general(f"keras.layers.{name}")
    if cls is None:
        raise UnsupportedError(f"{name}(*...) is not translated", hint="name the arguments")
    program.helpers[cls.__name__] = cls
    handed: Expr = source_of(updated.with_changes(func=cst.Name(cls.__name__)))
    return handed


def _says(value: Any, default: Any) -> bool:
    return isinstance(value, Expr) or value != default


def _of_numbers(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Expr:
    """A function of plain numbers, which PyTorch's functions do not take."""
    values = [a if isinstance(a, Expr) else Source(repr(a)) for a in [*args, *kwargs.values()]]
    symbols = {"add": "+", "multiply": "*", "subtract": "-", "divide": "/", "truediv": "/",
               "floordiv": "//", "floor_divide": "//"}  # fmt: skip
    match name:
        case "cast":
            kind = str(args[1] if len(args) > 1 else kwargs.get("dtype"))
            whole = kind.startswith(("int", "uint"))
            return Source(f"{'int' if whole else 'float'}({_text(values[0])})")
        case "square":
            return Binary("**", values[0], 2)
        case "rsqrt":
            return Binary("**", values[0], -0.5)
    if name in symbols:
        return Binary(symbols[name], values[0], values[1])
    return Source(f"{MATH[name]}({', '.join(map(_text, values))})")


def _text(value: Any) -> str:
    return str(value.text) if isinstance(value, Source) else repr(value)
