"""Modules that are given by their inputs and outputs: what leads from the ones to the others."""

from __future__ import annotations

import functools

import torch
from torch import nn

from torchtwin.nn.mode import in_mode
from torchtwin.nn.symbols import BatchSize, Given, Symbol, flat_tensors, renewed, symbols_of


class Graph(nn.Module):
    """The module that leads from some symbols to others: the steps in between are done again.

    `inputs` and `outputs` are symbols, or lists or dicts of them. `parts` are the modules on the
    way: the farther from the outputs, the earlier.
    """

    def __init__(self, inputs, outputs):
        super().__init__()
        self.inputs_given, self.outputs_given = inputs, outputs
        steps, met = walked(inputs, outputs)
        self.plan = [planned(step) for step in steps if not isinstance(step.function, Given)]
        self.places = [(place_of(x), tuple(x.shape), is_whole(x)) for x in symbols_of(inputs)]
        self.result = renewed(only(outputs), place_of)
        found = in_order(steps, met, symbols_of(inputs))
        self.parts = nn.ModuleList(each for each in found if isinstance(each, nn.Module))

    def forward(self, inputs):
        tensors = self.arranged(inputs)
        if len(tensors) != len(self.places):
            raise ValueError(f"the model takes {len(self.places)} inputs, not {len(tensors)}")
        values = {"count": len(tensors[0])}
        for tensor, (place, *wanted) in zip(tensors, self.places, strict=True):
            values[place.key] = fitting(tensor, *wanted)
        for function, args, kwargs, places in self.plan:
            result = function(*filled(args, values), **filled(kwargs, values))
            for place, tensor in zip(places, flat_tensors(result), strict=True):
                values[place.key] = tensor
        return filled(self.result, values)

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
        return with_names((f"layer_{name}", part) for name, part in self.parts.named_children())

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


def with_names(modules):
    """Return modules, each with a name: the one that comes with it where it has none."""
    found = []
    for name, module in modules:
        found.append(module if hasattr(module, "name") else named(module, name))
    return found


def named(module, name):
    """Return a module with a name, by which a model's outputs and modules are found."""
    module.name = name
    return module


class Place:
    """Where the value of a symbol stands, or the size of the batch."""

    def __init__(self, key):
        self.key = key


def place_of(x):
    """Return the place of a symbol or of the size of a batch, anything else as it is."""
    if isinstance(x, Symbol):
        return Place(x.key)
    return Place("count") if isinstance(x, BatchSize) else x


def filled(values, known):
    """Return a structure with what is known for the places in it."""
    return renewed(values, lambda x: known[x.key] if isinstance(x, Place) else x)


def planned(step):
    """Return what a step does: its function, the arguments, and the places of the results."""
    args, kwargs = renewed(step.args, place_of), renewed(step.kwargs, place_of)
    function = step.function
    if step.training is not None:
        function = functools.partial(in_mode, step.training, function)
    return function, args, kwargs, [place_of(x) for x in symbols_of(step.results)]


def step_in_mode(training, module, *args, **kwargs):
    """Call a module in a mode; a graph of which this is a step always calls it so."""
    result = in_mode(training, module, *args, **kwargs)
    for symbol in symbols_of(result):
        symbol.step.training = training
    return result


def is_whole(x):
    """Tell whether a tensor has whole numbers."""
    return not x.is_floating_point()


def fitting(value, shape, whole):
    """Return a tensor with the rank, and with whole numbers or not, that a graph is made for.

    A last axis of length one may be missing or too many.
    """
    if whole == value.is_floating_point():
        value = value.to(torch.int64 if whole else torch.get_default_dtype())
    if value.dim() == len(shape) - 1 and shape[-1] == 1:
        value = value.unsqueeze(-1)
    elif value.dim() == len(shape) + 1 and value.shape[-1] == 1:
        value = value.squeeze(-1)
    if value.dim() != len(shape):
        raise ValueError(f"an input has {value.dim()} axes, the model takes {len(shape)}")
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
