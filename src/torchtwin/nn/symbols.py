"""Tensors that stand for those to come: what is done with them is noted, to be done again."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)


class BatchSize(int):
    """The number of samples in a symbol: when it is given to a function, that of the batch."""


class Step:
    """A module or function that is applied; `inputs` are its symbols, `results` what it gives."""

    training = None  # the mode in which a module always runs here

    def __init__(self, function, args, kwargs):
        self.function, self.args, self.kwargs = function, args, kwargs
        self.inputs, self.results = symbols_of([args, kwargs]), None

    @property
    def operation(self):
        """What is applied: a module wherever it is, a function only here."""
        return self.function if isinstance(self.function, nn.Module) else self

    def noted(self, result):
        """Return a result as symbols."""
        self.results = renewed(result, lambda x: as_symbol(x, self) if torch.is_tensor(x) else x)
        return self.results


class Symbol(torch.Tensor):
    """A tensor of zeros that stands for one to come; `step` says how that is made."""

    numbers = itertools.count()
    calls: ClassVar[list[Any]] = []
    watched = False

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "")
        if name in ("__bool__", "__int__", "__float__", "__index__", "item", "tolist", "numpy"):
            raise TypeError("a tensor of a model that is being made has no value yet")
        if name in ("__iadd__", "__isub__", "__imul__", "__itruediv__", "__ipow__"):
            function = getattr(torch.Tensor, name.replace("__i", "__"))  # others need it as it is
        with torch._C.DisableTorchFunctionSubclass(), torch.no_grad():
            result = function(*renewed(args, as_plain), **renewed(kwargs or {}, as_plain))
        if isinstance(result, torch.Size) and result:
            return (BatchSize(result[0]), *result[1:])
        if name == "size" and len(args) > 1 and args[1] == 0:
            return BatchSize(result)
        if not flat_tensors(result):
            return result
        return Step(function, args, kwargs or {}).noted(result)

    def __deepcopy__(self, memo):
        return self


def as_symbol(x, step):
    """Return a tensor as a symbol."""
    x = as_plain(x).detach().as_subclass(Symbol)
    x.step, x.key = step, next(Symbol.numbers)
    return x


def as_plain(x):
    """Return a symbol as a tensor."""
    return x.as_subclass(torch.Tensor) if isinstance(x, Symbol) else x


def renewed(values, change):
    """Return a structure with each of its values changed."""
    if isinstance(values, dict):
        return {key: renewed(part, change) for key, part in values.items()}
    if isinstance(values, slice):
        parts = (values.start, values.stop, values.step)
        return slice(*(renewed(part, change) for part in parts))
    if isinstance(values, list | tuple):
        parts = [renewed(part, change) for part in values]
        return values._make(parts) if hasattr(values, "_make") else type(values)(parts)
    return change(values)


def flat_tensors(values):
    """Return the tensors of a structure in order, those of a dict by sorted keys."""
    if torch.is_tensor(values):
        return [values]
    if isinstance(values, slice):
        values = [values.start, values.stop, values.step]
    if isinstance(values, dict):
        values = [values[key] for key in sorted(values, key=str)]
    nested = isinstance(values, list | tuple)
    return [x for part in values for x in flat_tensors(part)] if nested else []


def symbols_of(values):
    """Return the symbols of a structure."""
    return [x for x in flat_tensors(values) if isinstance(x, Symbol)]


def before_call(module, args):
    """Let a module that is given symbols see plain tensors, in evaluation mode."""
    if torch.compiler.is_compiling() or not symbols_of(args):
        return None
    modes = {part: part.training for part in module.modules()}
    Symbol.calls.append((module, args, modes))
    module.eval()
    return renewed(args, as_plain)


def after_call(module, args, kwargs, result=None):
    """Note the module as one step, and leave it as it was; without a result it has failed."""
    if torch.compiler.is_compiling() or not Symbol.calls or Symbol.calls[-1][0] is not module:
        return None
    _, args, modes = Symbol.calls.pop()
    for part in module.modules():
        part.training = modes.get(part, modes[module])
        if callable(reset := getattr(part, "reset_state", None)):  # of a stateful recurrent layer
            reset()
    if result is None:
        return None
    noted = Step(module, args, kwargs).noted(result)
    if not hasattr(module, "output"):
        module.input, module.output = args[0] if len(args) == 1 else args, noted
    return noted


class Given(nn.Module):
    """The place of an input among the modules of a graph."""

    def forward(self, x):
        return x


def symbol(shape, dtype="float32", name=None):
    """Return a symbol for an input with these axes behind the batch; a None may be any size."""
    if not Symbol.watched:  # modules are steps as a whole
        register_module_forward_pre_hook(before_call)
        register_module_forward_hook(after_call, with_kwargs=True, always_call=True)
        Symbol.watched = True
    dtype = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    whole = dtype in (torch.int32, torch.int16, torch.uint8)
    dtype = (
        torch.int64 if whole else torch.get_default_dtype() if dtype.is_floating_point else dtype
    )
    shape = (shape,) if isinstance(shape, int) else shape
    zeros = torch.zeros(2, *(64 if size is None else int(size) for size in shape), dtype=dtype)
    given = Given()
    if name is not None:
        given.name = name
    given.output = Step(given, (), {}).noted(zeros)
    return given.output
