"""Modules that are given by their inputs and outputs: what leads from the ones to the others."""

from __future__ import annotations

import torch
from torch import nn

from torchtwin.nn.symbols import Given, flat_tensors, renewed, symbols_of


class Graph(nn.Module):
    """The module that leads from some symbols to others: the steps in between are done again.

    `inputs` and `outputs` are symbols, or lists or dicts of them. `parts` are the modules on the
    way: the farther from the outputs, the earlier.
    """

    def __init__(self, inputs, outputs):
        super().__init__()
        self.inputs_given, self.outputs_given = inputs, outputs
        steps, met = walked(inputs, outputs)
        self.steps = [step for step in steps if not isinstance(step.function, Given)]
        found = in_order(steps, met, symbols_of(inputs))
        self.parts = nn.ModuleList(each for each in found if isinstance(each, nn.Module))

    def forward(self, inputs):
        given = symbols_of(self.inputs_given)
        tensors = self.arranged(inputs)
        if len(tensors) != len(given):
            raise ValueError(f"{len(tensors)} inputs are given, the model takes {len(given)}")
        pairs = zip(given, tensors, strict=True)
        values = {symbol.key: fitting(value, symbol) for symbol, value in pairs}
        for step in self.steps:
            step.again(values, len(tensors[0]))
        return renewed(only(self.outputs_given), lambda x: values[x.key])

    def arranged(self, inputs):
        """Return the inputs as a list in the order of the symbols; a dict may have their names."""
        if not isinstance(inputs, dict):
            return flat_tensors(inputs)
        if isinstance(self.inputs_given, dict):
            return flat_tensors({key: inputs[key] for key in self.inputs_given})
        return [inputs[name_of(symbol)] for symbol in symbols_of(self.inputs_given)]

    @property
    def layers(self):
        """The modules on the way, the inputs among them."""
        return list(self.parts)

    def get_layer(self, name=None, index=None):
        """Return the module of a name or at an index."""
        if index is not None:
            return self.parts[index]
        found = [part for part in self.parts if getattr(part, "name", None) == name]
        if not found:
            raise ValueError(f"no module is called {name!r}")
        return found[0]

    @property
    def input(self):
        """The symbol of the input, or a structure of them."""
        return only(self.inputs_given)

    @property
    def output(self):
        """The symbol of the output, or a structure of them."""
        return only(self.outputs_given)

    @property
    def inputs(self):
        """The symbols of the inputs as a list."""
        return symbols_of(self.inputs_given)

    @property
    def outputs(self):
        """The symbols of the outputs as a list."""
        return symbols_of(self.outputs_given)

    @property
    def output_names(self):
        """The names of the outputs, where all have one."""
        if isinstance(self.outputs_given, dict):
            return sorted(self.outputs_given)
        names = [name_of(symbol) for symbol in self.outputs]
        return None if None in names else names


def begun(chain, x):
    """Return modules one behind the other that know their symbols, beginning with `x`."""
    chain.input, chain.inputs = x, [x]
    for module in chain:
        x = module(x)
    chain.output, chain.outputs = x, [x]
    return chain


def modules_of(parts):
    """Return the modules of a list; symbols in it only say how large an input is."""
    return [part for part in parts if isinstance(part, nn.Module)]


def only(values):
    """Return the one value of a list, anything else as it is."""
    single = isinstance(values, list | tuple) and len(values) == 1
    return values[0] if single else values


def name_of(symbol):
    """Return the name of the module that gives a symbol, None where it has none."""
    return getattr(symbol.step.function, "name", None)


def named(module, name):
    """Return a module with a name, by which a model's outputs and modules are found."""
    module.name = name
    return module


def fitting(value, symbol):
    """Return a tensor with the kind of numbers and the rank that a symbol has.

    A last axis of length one may be missing or too many.
    """
    if symbol.is_floating_point() != value.is_floating_point():
        default = torch.get_default_dtype()
        value = value.to(default if symbol.is_floating_point() else torch.int64)
    rank = symbol.dim()
    if value.dim() == rank - 1 and symbol.shape[-1] == 1:
        return value.unsqueeze(-1)
    if value.dim() == rank + 1 and value.shape[-1] == 1:
        return value.squeeze(-1)
    return value


def walked(inputs, outputs):
    """Return the steps to the outputs, each behind what it needs, and the order of a way back."""
    given = {symbol.key for symbol in symbols_of(inputs)}
    steps, met, entered = [], {}, set()
    open_ = [(symbol, False) for symbol in reversed(symbols_of(outputs))]
    while open_:
        symbol, done = open_.pop()
        step, known = symbol.step, symbol.key in given
        if done:
            steps.append(step)
        elif step not in entered and (not known or isinstance(step.function, Given)):
            if isinstance(step.function, Given) and not known:
                raise ValueError("an output needs an input that the model is not given")
            entered.add(step)
            met.setdefault(step.operation, len(met))
            open_.append((symbol, True))
            open_ += [(each, False) for each in reversed(step.inputs)]
    return steps, met


def in_order(steps, met, inputs):
    """Return modules and steps: those farther from the outputs first, then as the way back goes."""
    depths, deepest = {}, {}
    for step in reversed(steps):
        depth = max(depths.setdefault(step, 0), deepest.get(step.operation, 0))
        deepest[step.operation] = depths[step] = depth
        for symbol in step.inputs:
            depths[symbol.step] = max(depth + 1, depths.get(symbol.step, 0))
    unused = [symbol.step.operation for symbol in inputs]
    unused = [each for each in unused if isinstance(each, Given) and each not in deepest]
    found = sorted(deepest, key=lambda each: (-deepest[each], met[each]))
    last = next((k for k, each in enumerate(found) if not deepest[each]), len(found))
    return [*found[:last], *unused, *found[last:]]
