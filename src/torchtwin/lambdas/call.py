"""Calls a stored function on tensors."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from torchtwin.bytecode.decompile import Decompiled
from torchtwin.errors import UnsupportedError
from torchtwin.lambdas import images, making, noise, products, python
from torchtwin.lambdas.evaluate import Context, Scope
from torchtwin.lambdas.special import function
from torchtwin.lambdas.stored import Stored
from torchtwin.lambdas.values import Value

TABLES = (images, making, noise, products, python)
"""Modules whose import adds functions that a Lambda can call."""


def called(stored: Stored, inputs: Any, arguments: Mapping[str, Any]) -> Any:
    """Return what a function makes of its first argument and of those in the layer's config."""
    beside = first_tensor(inputs)

    def call(path: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return function(path, args, kwargs, beside)

    context = Context(call, python.method, old_division=stored.function.old_division)
    around = Scope(context, stored.closure, None)
    names = around.names | bound(stored, inputs, arguments)
    return Scope(context, names, None).run(stored.function.body)


def named_function(path: str, inputs: Any, arguments: Mapping[str, Any]) -> Any:
    """Return what a function of Keras's or TensorFlow's own makes of the inputs."""
    return function(path, (inputs,), arguments, first_tensor(inputs))


def first_tensor(inputs: Any) -> Value | None:
    while isinstance(inputs, list | tuple) and inputs:
        inputs = inputs[0]
    return inputs if isinstance(inputs, Value) else None


def bound(stored: Stored, inputs: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the function's parameters."""
    node = stored.function.arguments
    words = parameters(stored.function)
    if node.vararg or node.kwonlyargs:
        raise UnsupportedError("a function with *args or keyword-only arguments")
    if not words or (unknown := [k for k in arguments if k not in words[1:] and not node.kwarg]):
        extra = ", ".join(unknown) if words else "any"
        raise UnsupportedError(f"its function does not take the argument {extra}")
    last = words[len(words) - len(stored.defaults) :]
    given = {**dict(zip(last, stored.defaults, strict=True)), words[0]: inputs}
    given |= {k: v for k, v in arguments.items() if k in words}
    if missing := [word for word in words if word not in given]:
        raise UnsupportedError(f"its argument {missing[0]} has no value in the file")
    return given


def parameters(function: Decompiled) -> list[str]:
    node: ast.arguments = function.arguments
    return [arg.arg for arg in (*node.posonlyargs, *node.args)]
