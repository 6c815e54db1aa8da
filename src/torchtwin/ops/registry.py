"""What an operation is: a function from tensors and plain values to an expression.

    @op("Mean", layout=reduced_layout)
    def mean(x: Tensor, axis=None, keepdims=False): ...

Its parameters are those of the function in keras.ops, so that binding them refuses whatever it
does not know. A parameter annotated `Tensor` gets one whatever stands there: numbers and names of
a program become tensors. Other names for the same operations are in `functions.py`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.ops.operands import tensor
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
        signature = inspect.signature(self.function)
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise UnsupportedError(f"{self.name}: {error}") from error
        for name, value in bound.arguments.items():
            if signature.parameters[name].annotation == "Tensor":
                bound.arguments[name] = tensor(value)
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
    """Return a tensor's expression, or a plain value as it is; of structures their parts."""
    if isinstance(value, list | tuple):
        return type(value)(map(expr, value))
    return value.expr if isinstance(value, Tensor) else value


def is_floating(value: Any) -> bool:
    """Tell whether a value is floating point; a tensor of which nothing is known counts as such."""
    if isinstance(value, Tensor):
        return not value.dtype or value.dtype.startswith(("float", "bfloat", "complex"))
    return isinstance(value, float)


def floating(x: Tensor) -> Any:
    """Return the expression of a tensor, as floating point where it holds whole numbers."""
    return x.expr if is_floating(x) else x.expr.float()


def boolean(x: Tensor) -> Any:
    """Return the expression of a tensor as booleans; what PyTorch is given is not always one."""
    return x.expr if x.dtype in ("bool", "") else x.expr.bool()


def axes_of(axis: Any, rank: int) -> tuple[int, ...]:
    """Return Keras's axes, all of them for None, counted from the front."""
    if axis is None:
        return tuple(range(rank))
    axes = axis if isinstance(axis, list | tuple) else (axis,)
    if not all(isinstance(k, int) and -rank <= k < rank for k in axes):
        raise UnsupportedError(f"axis {axis} of a tensor of rank {rank}")
    return tuple(k % rank for k in axes)


__all__ = ["ANY", "OPERATIONS", "Operation", "axes_of", "boolean", "expr", "floating", "op"]
