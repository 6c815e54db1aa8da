"""Evaluates expressions on tensors; on the meta device this tells shapes and dtypes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from torchtwin.expr import (
    OPERATORS,
    Binary,
    Call,
    Field,
    Invoke,
    Item,
    Member,
    Method,
    Part,
    Unary,
    Var,
)
from torchtwin.nn.recurrent import Recurrence
from torchtwin.nn.text import WordLookup
from torchtwin.program import Class


def evaluate(node: Any, values: Mapping[str, Any], modules: Mapping[str, Any]) -> Any:
    """Return what an expression gives: `values` by name, `modules` by attribute.

    Raises what torch raises when the expression does not fit the values.
    """

    def run(part: Any) -> Any:
        return evaluate(part, values, modules)

    match node:
        case Var():
            return values[node.value]
        case Member():
            return modules[node.attribute]
        case Invoke() | Call():
            function = modules[node.callee.attribute] if isinstance(node, Invoke) else node.function
            return function(*map(run, node.args), **{k: run(v) for k, v in node.kwargs.items()})
        case Method():
            method = getattr(run(node.subject), node.name)
            return method(*map(run, node.args), **{k: run(v) for k, v in node.kwargs.items()})
        case Field():
            return getattr(run(node.subject), node.name)
        case Item():
            return run(node.subject)[run(node.index)]
        case Binary():
            return OPERATORS[node.symbol](run(node.left), run(node.right))
        case Unary():
            operand = run(node.operand)
            return -operand if node.symbol == "-" else ~operand
        case Part():
            whole = run(node.whole.expr)
            for k in node.path:
                whole = whole[k]
            return whole
        case tuple() | list():
            return type(node)(map(run, node))
        case slice():
            return slice(run(node.start), run(node.stop), run(node.step))
    return node


class Runner:
    """A `Class` that can be called like the module it describes, for shapes alone."""

    def __init__(self, program: Class) -> None:
        self.program = program
        self.modules = {sub.attribute: instance(sub.constructor) for sub in program.submodules}

    def __call__(self, *inputs: Any) -> Any:
        values = {a.value: x for a, x in zip(self.program.inputs, inputs, strict=True)}
        for statement in self.program.statements:
            values[statement.value] = evaluate(statement.expr, values, self.modules)
        outputs = tuple(values[o.value] for o in self.program.outputs)
        return outputs[0] if len(outputs) == 1 else outputs


def instance(constructor: Any) -> Any:
    """Return the module that a constructor makes, on the meta device: it takes no memory."""
    if isinstance(constructor, Class):
        return Runner(constructor)
    with torch.device("meta"):
        module = evaluate(constructor, {}, {})
    if not isinstance(module, nn.Module):
        return module
    for part in module.modules():
        if isinstance(part, Recurrence):
            part.forward = _one_step(part.forward)  # type: ignore[method-assign]
        elif isinstance(part, WordLookup):
            part.place = lambda _: 0  # type: ignore[method-assign, assignment]  # meta holds no words
    return module.eval()


def _one_step(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return the `forward` of a Recurrence that walks one step: a loop on meta takes long."""

    def forward_once(x: Any, hx: Any = None, mask: Any = None) -> Any:
        output, state = forward(x[:, :1], hx, mask if mask is None else mask[:, :1])
        sizes = (output.shape[0], x.shape[1], *output.shape[2:])
        return output.expand(sizes).contiguous(), state

    return forward_once


class _OneStep(TorchFunctionMode):
    """Runs recurrent kernels over one step: on the meta device torch walks through all of them.

    F.ctc_loss does not run there at all: it gives a number for each sample. What has as many
    entries as the numbers of a tensor say has `count` of them.
    """

    KERNELS = ("lstm", "gru", "rnn_tanh", "rnn_relu")

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        counted = COUNTED.get(getattr(func, "__name__", ""))
        if counted and args and torch.is_tensor(args[0]) and args[0].is_meta:
            result = counted(self.count, *args, **kwargs)
            if result is not None:
                return result
        if func is F.ctc_loss:
            return args[0].new_empty(args[0].shape[1])
        if getattr(func, "__name__", "") not in self.KERNELS or not isinstance(args[-1], bool):
            return func(*args, **kwargs)
        axis = 1 if args[-1] else 0  # the last argument is batch_first
        steps = args[0].shape[axis]
        output, *states = func(args[0].narrow(axis, 0, 1), *args[1:], **kwargs)
        sizes = [-1, -1, -1]
        sizes[axis] = steps
        return (output.expand(sizes).contiguous(), *states)


def _found(count: int, x: torch.Tensor, *, as_tuple: bool = False) -> Any:
    places = x.new_empty((count, x.dim()), dtype=torch.long)
    return places.unbind(1) if as_tuple else places


def _where(count: int, condition: torch.Tensor, *values: Any) -> Any:
    return None if values else _found(count, condition, as_tuple=True)


def _unique(
    count: int,
    x: torch.Tensor,
    *,
    return_inverse: Any,
    return_counts: Any,
    dim: Any = None,
    **_: Any,
) -> Any:
    shape = [count] if dim is None else [*x.shape]
    shape[dim or 0] = count
    places = x.new_empty(x.shape if dim is None else x.shape[dim], dtype=torch.long)
    counts = x.new_empty(count, dtype=torch.long)
    more = [part for part, asked in ((places, return_inverse), (counts, return_counts)) if asked]
    return (x.new_empty(shape), *more) if more else x.new_empty(shape)


def _chosen(count: int, x: torch.Tensor, index: Any) -> Any:
    if not torch.is_tensor(index) or index.dtype != torch.bool or not index.is_meta:
        return None
    return x.new_empty((count, *x.shape[index.dim() :]))


def _ones(lengths: Sequence[int]) -> Any:
    """Return nested lists of ones, with one entry but on the last axis."""
    if len(lengths) > 1:
        return [_ones(lengths[1:])]
    return [1] * lengths[0] if lengths else 1


COUNTED: Mapping[str, Callable[..., Any]] = {
    "nonzero": _found, "where": _where, "unique": _unique, "__getitem__": _chosen,
    "__int__": lambda count, _: count, "tolist": lambda _, x: _ones(x.shape),
}  # fmt: skip
"""Functions whose results have as many entries as the numbers of a tensor say."""


@contextmanager
def shapes_only(count: int = 7) -> Iterator[None]:
    """Evaluate on the meta device, quickly and without gradients."""
    with torch.no_grad(), _OneStep(count):
        yield
