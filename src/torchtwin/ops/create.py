"""Operations that make new tensors."""

from __future__ import annotations

import re
from typing import Any

import torch

from torchtwin.emit.expressions import printed
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Field, Source, call
from torchtwin.nn.making import geometric_between, linear_between
from torchtwin.ops.registry import ANY, expr, is_floating, op
from torchtwin.ops.shape import size
from torchtwin.ops.values import flattened, is_number, is_whole, kind, tensor
from torchtwin.rule import Case
from torchtwin.view import Tensor

OWNER = re.compile(r"(\w+(?:\.\w+)*)\.shape\b")
"""Source that speaks of the shape of a tensor."""


def device(*values: Any) -> dict[str, Any]:
    """Return the argument `device`: where the tensor lies of whose shape the arguments speak."""
    for value in flattened(values):
        if isinstance(value, Tensor):
            return {"device": Field(value.expr, "device")}
        if isinstance(value, Source) and (owner := OWNER.match(value.text)):
            return {"device": Source(f"{owner[1]}.device")}
    return {}


def of_type(dtype: Any) -> dict[str, Any]:
    """Return the argument `dtype`, empty for PyTorch's default."""
    return {} if dtype == "float32" else kind(dtype)


def made(function: Any, *args: Any, dtype: Any = None) -> Any:
    return call(function, *args, **of_type(dtype), **device(*args))


@op("Zeros")
def zeros(shape: Any, dtype: Any = None) -> Any:
    return made(torch.zeros, size(shape), dtype=dtype)


@op("Ones")
def ones(shape: Any, dtype: Any = None) -> Any:
    return made(torch.ones, size(shape), dtype=dtype)


@op("Empty")
def empty(shape: Any, dtype: Any = None) -> Any:
    return made(torch.empty, size(shape), dtype=dtype)


@op("Full")
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """Keras fills with floating point whatever the value, PyTorch with the value's own kind."""
    if is_number(fill_value) and dtype is None:
        fill_value = float(fill_value)
    if isinstance(fill_value, list | tuple | Tensor):
        given = tensor(fill_value).expr
        given = given.to(**kind(dtype)) if dtype is not None else given
        return given.expand(size(shape))
    more = kind(dtype or "float32") if isinstance(fill_value, Expr) else of_type(dtype)
    return call(torch.full, size(shape), fill_value, **more, **device(shape))


@op("Fill")
def fill(dims: Any, value: Any) -> Any:
    """tf.fill: of the kind of its value."""
    more = {"dtype": torch.int32} if is_whole(value) else {}
    return call(torch.full, size(dims), expr(value), **more, **device(dims))


@op("Eye")
def eye(N: Any, M: Any = None, k: Any = 0, dtype: Any = None) -> Any:
    sizes = [expr(N)] if M is None else [expr(N), expr(M)]
    if k == 0:
        return made(torch.eye, *sizes, dtype=dtype)
    square = size((N, N if M is None else M))
    return made(torch.ones, square, dtype=dtype).tril(expr(k)).triu(expr(k))


@op("IdentityMatrix")
def identity_matrix(n: Any, dtype: Any = None) -> Any:
    return eye(n, dtype=dtype)


@op("EyeBatch")
def eye_batch(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = None
) -> Any:
    """tf.eye."""
    square = eye(num_rows, num_columns, dtype=dtype)
    if batch_shape is None:
        return square
    if not isinstance(batch_shape, list | tuple):
        return square.repeat(Source(f"*{printed(expr(batch_shape))}"), 1, 1)
    return square.repeat(*size(batch_shape), 1, 1)


@op("Tri")
def tri(N: Any, M: Any = None, k: Any = 0, dtype: Any = None) -> Any:
    ones_ = made(torch.ones, size((N, N if M is None else M)), dtype=dtype)
    return ones_.tril(expr(k)) if k != 0 else ones_.tril()


@op("Arange")
def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """Keras counts in 32 bits, PyTorch in 64: the values are the same, and index tensors."""
    ends = [start] if stop is None else [start, stop]
    if step is not None and step != 1:
        ends = [0, start] if stop is None else ends
        ends = [*ends, step]
    if is_number(ends[0]) and ends[0] == 0 and len(ends) == 2:
        ends = ends[1:]
    floats = dtype == "float32" and any(isinstance(v, float) for v in ends)
    more = {} if dtype is None or floats else kind(dtype)
    return call(torch.arange, *map(expr, ends), **more, **device(*ends))


@op("Linspace")
def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False,
    dtype: Any = None, axis: Any = 0,
) -> Any:  # fmt: skip
    if retstep:
        raise UnsupportedError("linspace that returns its step is not translated")
    if all(map(is_number, (start, stop))) and endpoint is True:
        return call(torch.linspace, start, stop, expr(num), **of_type(dtype))
    more = {k: expr(v) for k, v in (("endpoint", endpoint), ("axis", axis))}
    line = call(linear_between, expr(start), expr(stop), expr(num), **more)
    return line if dtype is None else line.to(**kind(dtype))


@op("Logspace")
def logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10, dtype: Any = None,
    axis: Any = 0,
) -> Any:  # fmt: skip
    line = expr(base) ** linspace(start, stop, num, endpoint, axis=axis)
    return line if dtype is None else line.to(**kind(dtype))


@op("Geomspace")
def geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, dtype: Any = None, axis: Any = 0
) -> Any:
    more = {k: expr(v) for k, v in (("endpoint", endpoint), ("axis", axis))}
    line = call(geometric_between, expr(start), expr(stop), expr(num), **more)
    return line if dtype is None else line.to(**kind(dtype))


def _like(function: Any) -> Any:
    def like(x: Any, dtype: Any = None) -> Any:
        return call(function, tensor(x).expr, **kind(dtype))

    return like


_KINDS = [Case({"dtype": "bool"}, (2, 5)), Case({}, (2, 5))]
op("ZerosLike", layout=ANY, cases=_KINDS)(_like(torch.zeros_like))
op("OnesLike", layout=ANY, cases=_KINDS)(_like(torch.ones_like))


@op("EmptyLike", layout=ANY)
def empty_like(x: Any, dtype: Any = None) -> Any:
    """Keras's are zeros on JAX and TensorFlow: a model that reads them sees those."""
    function = torch.zeros_like if tensor(x).known else torch.empty_like
    return call(function, tensor(x).expr, **kind(dtype))


@op("FullLike", layout=ANY, cases=[Case({"fill_value": 2}, (2, 3))])
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    if isinstance(fill_value, list | tuple | Tensor):
        shape, wanted = tensor(x).expr, kind(dtype)
        given = tensor(fill_value, x).expr
        given = given.to(**wanted) if wanted else given.type_as(shape)
        return given.expand_as(shape)
    return call(torch.full_like, tensor(x).expr, expr(fill_value), **kind(dtype))


@op("Vander")
def vander(x: Any, N: Any = None, increasing: Any = False) -> Any:
    x = tensor(x)
    more = {} if N is None else {"N": expr(N)}
    powers = call(torch.vander, x.expr, **more, increasing=expr(increasing))
    return powers if not x.known or is_floating(x) else powers.to(**kind(x.dtype))


WINDOWS = {"Bartlett": torch.bartlett_window, "Blackman": torch.blackman_window,
           "Hamming": torch.hamming_window, "Hanning": torch.hann_window}  # fmt: skip


def _window(function: Any) -> Any:
    def window(x: Any) -> Any:
        return call(function, expr(x), periodic=False)

    return window


for _name, _function in WINDOWS.items():
    op(_name)(_window(_function))


@op("Kaiser")
def kaiser(x: Any, beta: Any) -> Any:
    return call(torch.kaiser_window, expr(x), periodic=False, beta=expr(beta))
