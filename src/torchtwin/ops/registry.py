"""What an operation is: a function from tensors and plain values to an expression.

    @op("Mean", layout=reduced_layout)
    def mean(x: Tensor, axis=None, keepdims=False): ...

Its parameters are those of the function in keras.ops, so that binding them refuses whatever it
does not know. TensorFlow's names for the same operations are in `tensorflow.py`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.rule import ANY, Case
from torchtwin.view import Tensor


@dataclass(frozen=True)
class Operation:
    """A registered operation. `layout` is a rule's: ANY, None or a function."""

    name: str
    function: Callable[..., Any]
    layout: Any
    cases: Sequence[Case]

    def __call__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return the result's expression; refuse arguments that the operation does not know."""
        try:
            bound = inspect.signature(self.function).bind(*args, **kwargs)
        except TypeError as error:
            raise UnsupportedError(f"{self.name}: {error}") from error
        return self.function(*bound.args, **bound.kwargs)


OPERATIONS: dict[str, Operation] = {}


def op(
    *names: str, layout: Any = "keras", cases: Sequence[Case] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as the operation with these class names in Keras 3."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            if name in OPERATIONS:
                raise ValueError(f"two operations {name}")
            OPERATIONS[name] = Operation(name, function, layout, cases)
        return function

    return register


def load_operations() -> Mapping[str, Operation]:
    """Return every operation, found by walking `torchtwin.ops`."""
    package = importlib.import_module("torchtwin.ops")
    for module in pkgutil.walk_packages(package.__path__, "torchtwin.ops."):
        importlib.import_module(module.name)
    return OPERATIONS


def expr(value: Any) -> Any:
    """Return a tensor's expression, or a plain value as it is."""
    return value.expr if isinstance(value, Tensor) else value


def is_floating(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.dtype.startswith(("float", "bfloat", "complex"))
    return isinstance(value, float)


def floating(x: Tensor) -> Any:
    """Return the expression of a tensor, as floating point where it holds whole numbers."""
    return x.expr if is_floating(x) else x.expr.float()


def boolean(value: Any) -> Any:
    return value.expr.bool() if isinstance(value, Tensor) and value.dtype != "bool" else expr(value)


def axes_of(axis: Any, rank: int) -> tuple[int, ...]:
    """Return Keras's axes, all of them for None, counted from the front."""
    if axis is None:
        return tuple(range(rank))
    axes = (axis,) if isinstance(axis, int) else axis
    if not all(isinstance(k, int) and -rank <= k < rank for k in axes):
        raise UnsupportedError(f"axis {axis} of a tensor of rank {rank}")
    return tuple(k % rank for k in axes)


__all__ = ["ANY", "OPERATIONS", "Operation", "axes_of", "boolean", "expr", "floating", "op"]
