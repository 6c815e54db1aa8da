"""The functions of Keras and TensorFlow, by name: which operation each is, with which arguments.

    operation_for("tf.reduce_mean", [x], {"axis": -1})

Most are rows of the tables in `names`; what needs more than other names for its arguments is a
function of its own:

    @named("tf.argmax")
    def argmax(input: Tensor, axis=None, output_type="int64"): ...

whose parameters are those of the function. An argument that neither knows must have the value
that it has by default.
"""

from __future__ import annotations

import functools as ft
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Source
from torchtwin.ops import names
from torchtwin.ops.registry import Operation, load_operations
from torchtwin.ops.signatures import REQUIRED, Signature, bound, functions, own_name, signature
from torchtwin.view import Tensor

DTYPES = frozenset(["dtype", "output_type", "out_type", "out_idx"])
NAMED: dict[str, Callable[..., Any]] = {}
"""Functions that are no rows, by their own names."""


def named(*paths: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register what functions with these names give."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for path in paths:
            name = own_name(path)
            if NAMED.get(name, function) is not function:
                raise ValueError(f"two functions {name}")
            NAMED[name] = function
        return function

    return register


@dataclass(frozen=True)
class Row:
    """An operation, other names for its arguments, and arguments that are always the same."""

    operation: str
    renamed: Mapping[str, str]
    fixed: Mapping[str, Any]


def operation_for(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what a call of a function gives, by the function's canonical name.

    Arguments are literals, tensors, or a program's own expressions. Raises UnsupportedError for
    a function or an argument that is not translated.
    """
    operations = load_operations()
    own = today(own_name(name))
    given = bound(name, args, kwargs)
    if given is not None:
        given |= {k: _dtype(v) for k, v in given.items() if k in DTYPES}
    if own in NAMED:
        return _of_function(name, own, dict(kwargs) if given is None else given, args)
    row = row_of(own)
    if row is None or row.operation not in operations or given is None:
        raise UnsupportedError(f"{name} is not translated")
    found = _signature(name)
    more = given.pop(found.more, [])
    return operations[row.operation](more, _renamed(name, row, found, given))


def _dtype(value: Any) -> Any:
    """Return the name of a dtype that a program has in PyTorch's words already."""
    known = (
        isinstance(value, Source) and value.text.startswith("torch.") and value.text[6:].isalnum()
    )
    return value.text[6:] if known else value


def today(own: str) -> str:
    """Return the name under which a function of TensorFlow 1 is known, if its own is not."""
    if own in NAMED or row_of(own) is not None or not own.startswith("tf.compat.v1."):
        return own
    return own_name("tf." + own.removeprefix("tf.compat.v1."))


def is_known(name: str) -> bool:
    """Tell whether a function is translated, with some arguments at least."""
    operations, own = load_operations(), today(own_name(name))
    row = row_of(own)
    return own in NAMED or (
        row is not None and row.operation in operations and signature(own_name(name)) is not None
    )


def resolved(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return operation and arguments of a function that is a row, None for any other."""
    own = today(own_name(name))
    row = None if own in NAMED else row_of(own)
    if row is None or row.operation not in load_operations():
        return None
    given = bound(name, args, kwargs)
    if given is None:
        return None
    return row.operation, _renamed(name, row, _signature(name), given)


def _signature(name: str) -> Signature:
    found = signature(own_name(name))
    assert found is not None
    return found


def _of_function(name: str, own: str, given: dict[str, Any], args: Sequence[Any]) -> Any:
    function = NAMED[own]
    known = inspect.signature(function).parameters
    found = signature(own_name(name))
    if found is None:  # TensorFlow no longer has it
        return Operation(name, function, None, ())(args, given)
    kept = {}
    for key, value in given.items():
        if key in known:
            kept[key] = value
        elif not _harmless(value, found.parameters.get(key, REQUIRED)):
            raise UnsupportedError(f"{name}({key}=...) is not translated")
    return Operation(name, function, None, ())((), kept)


def _harmless(value: Any, default: Any) -> bool:
    if value is None:
        return True
    if isinstance(value, Expr | Tensor):
        return False
    return type(value) is type(default) and bool(value == default)


def _renamed(name: str, row: Row, found: Signature, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a function under the names of an operation's parameters."""
    wanted = inspect.signature(load_operations()[row.operation].function).parameters
    places = _places(row, found, list(wanted))
    result: dict[str, Any] = dict(row.fixed)
    for key, default in found.parameters.items():
        place = places.get(key)
        if key in given and place is None:
            if not _harmless(given[key], default):
                raise UnsupportedError(f"{name}({key}=...) is not translated")
        elif key in given:
            if given[key] is not None or default is not None or wanted[str(place)].default is None:
                result[str(place)] = given[key]
        elif place is None or default in (REQUIRED, ..., None):
            continue
        elif default != wanted[place].default:
            result[place] = default
    rest = any(p.kind is p.VAR_KEYWORD for p in wanted.values())
    for key in given.keys() - found.parameters.keys():  # taken by **kwargs
        if key not in wanted and not rest:
            raise UnsupportedError(f"{name}({key}=...) is not translated")
        result[key] = given[key]
    return result


def _places(row: Row, found: Signature, wanted: list[str]) -> dict[str, str]:
    """Return the operation's name for each argument: renamed, the same, or the next in order."""
    places = {k: v for k, v in row.renamed.items() if v}
    taken = {*places.values(), *row.fixed}
    for key in found.parameters:
        if key in wanted and key not in row.renamed and key not in taken:
            places[key] = key
            taken.add(key)
    left = [key for key in wanted if key not in taken]
    for key, default in found.parameters.items():
        if default is REQUIRED and key not in places and key not in row.renamed and left:
            places[key] = left.pop(0)
    return places


@ft.cache
def row_of(own: str) -> Row | None:
    """Return the row of a function by its own name; for keras.ops that of its class."""
    text = _rows().get(own)
    if text is None and own.startswith("keras.ops."):
        word = own.rpartition(".")[2]
        camel = "".join(part[:1].upper() + part[1:] for part in word.split("_"))
        text = functions()["operations"].get(own, camel)
    if text is None:
        return None
    operation, *parts = text.split()
    renamed = dict(part.split(":") for part in parts if ":" in part)
    fixed = dict(part.split("=") for part in parts if "=" in part)
    return Row(operation, renamed, {k: names.VALUES[v] for k, v in fixed.items()})


@ft.cache
def _rows() -> Mapping[str, str]:
    rows: dict[str, str] = {}
    for space, table in names.TABLES.items():
        for word, text in table.items():
            own = own_name(f"{space}.{word}")
            if rows.setdefault(own, text) != text:
                raise ValueError(f"two rows for {own}")
    return rows
