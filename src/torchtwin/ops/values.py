"""What operations ask of their arguments, in a graph and in the source of a program.

In a graph shapes and dtypes are known and plain arguments are values. In source a tensor may be
known by its name only, and any plain argument may be an expression (`Source`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Field, Source, call
from torchtwin.nn.axes import dtype_named
from torchtwin.view import Tensor

SCALAR = re.compile(r"[\w.()]*\.shape\[-?\d+\]|len\(\w+\)|-?\d+")
"""Source that is surely a whole number: the length of an axis."""
TYPE = re.compile(r"^torch\.\w+$|\.dtype$|get_default_dtype\(\)$")
"""Source that is surely a dtype of PyTorch's."""


def tensor(value: Any, like: Any = None) -> Tensor:
    """Return an operand as a tensor of which nothing may be known.

    Numbers and lists of numbers become tensors, on the device of `like` where there is one.
    """
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Source) and value.tensors:  # TensorFlow stacks them by itself
        return Tensor(call(torch.stack, value), (), "", known=False)
    if isinstance(value, Expr):
        return Tensor(value, (), "", known=False)
    if is_number(value) or (isinstance(value, list | tuple) and value):
        return constant(value, like)
    raise UnsupportedError(f"{value!r} stands where a tensor is wanted")


def constant(value: Any, like: Any = None, dtype: Any = None) -> Tensor:
    """Return numbers as a tensor: Keras's whole numbers have 32 bits, PyTorch's 64."""
    flat = list(flattened(value))
    if not all(is_number(v) or isinstance(v, Expr | Tensor) for v in flat):
        raise UnsupportedError(f"{value!r} stands where a tensor is wanted")
    if any(isinstance(v, Expr | Tensor) for v in flat):
        return Tensor(call(torch.as_tensor, exprs(value), **kind(dtype)), (), "", known=False)
    name = dtype or kind_of(flat)
    own = {"float32": float, "bool": bool}.get(name)  # PyTorch would choose the same
    more = {} if own is not None and any(isinstance(v, own) for v in flat) else kind(name)
    if isinstance(like, Tensor):
        more["device"] = Field(like.expr, "device")
    return Tensor(call(torch.tensor, value, **more), lengths(value), name)


def kind_of(values: Sequence[Any]) -> str:
    if any(isinstance(v, float) for v in values):
        return "float32"
    return "bool" if all(isinstance(v, bool) for v in values) else "int32"


def lengths(value: Any) -> tuple[int, ...]:
    """Return the shape of nested lists."""
    if not isinstance(value, list | tuple):
        return ()
    shapes = {lengths(part) for part in value}
    if len(shapes) > 1:
        raise UnsupportedError("lists of different lengths are no tensor")
    return (len(value), *(shapes.pop() if shapes else ()))


def flattened(value: Any) -> Any:
    if isinstance(value, list | tuple):
        for part in value:
            yield from flattened(part)
    else:
        yield value


def exprs(value: Any) -> Any:
    """Return a structure with the expressions of its tensors."""
    if isinstance(value, Tensor):
        return value.expr
    if isinstance(value, list | tuple):
        return type(value)(exprs(part) for part in value)
    return value


def is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float | complex)


def is_whole(value: Any) -> bool:
    """Tell whether a value is a whole number that is known now."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_length(value: Any) -> bool:
    """Tell whether a value is surely a whole number, now or when the program runs."""
    return is_whole(value) or (isinstance(value, Source) and bool(SCALAR.fullmatch(value.text)))


def torch_type(name: Any) -> Any:
    """Return torch's dtype of this name, or an expression of it; refuse others."""
    if isinstance(name, Expr):
        known = isinstance(name, Field) or (isinstance(name, Source) and TYPE.search(name.text))
        return name if known else call(dtype_named, name)  # it may be a word as Keras's are
    dtype = getattr(torch, str(name), None)
    if not isinstance(dtype, torch.dtype):
        raise UnsupportedError(f"the dtype {name} is not translated")
    return dtype


def kind(dtype: Any) -> dict[str, Any]:
    """Return the keyword argument `dtype`, empty for None."""
    return {} if dtype is None else {"dtype": torch_type(dtype)}


def static(name: str, **given: Any) -> None:
    """Refuse arguments that PyTorch needs to be known and that the program computes."""
    for key, value in given.items():
        if any(isinstance(v, Expr | Tensor) for v in flattened(value)):
            raise UnsupportedError(f"{name} with {key} computed by the program is not translated")
