"""Layers that walk through the steps of a sequence, (batch, steps, ...), with any cell."""

from __future__ import annotations

import copy
import functools
import inspect

import torch
from torch import nn


def zipped(function, *structures):
    """Return what a function makes of the tensors at the same place in several structures."""
    if torch.is_tensor(structures[0]):
        return function(*structures)
    return [zipped(function, *parts) for parts in zip(*structures, strict=True)]


def states_for(cell, batch, x=None):
    """Return the states of a cell before the first step: its own, or zeros of its sizes.

    The shape of some depends on that of the input of a step, `x`.
    """
    if x is not None and hasattr(cell, "states_for"):
        states = cell.states_for(x)
    elif hasattr(cell, "get_initial_state"):
        states = cell.get_initial_state(batch_size=batch)
    elif isinstance(cell.state_size, int):
        states = torch.zeros(batch, cell.state_size)
    else:
        states = [torch.zeros(batch, size) for size in cell.state_size]
    return states


class Recurrent(nn.Module):
    """Runs a cell over the steps of a sequence.

    The cell is called with the input of a step and a list of states, and returns an output and
    the new states. The result is the last output, or with `return_sequences` those of all steps;
    with `return_state` the final states follow it. At steps where `mask`, (batch, steps), is False
    the states stay and the output repeats the one before (zeros at first, and everywhere with
    `zero_masked`). A `stateful` layer goes on from where its last call ended.
    """

    def __init__(
        self,
        cell,
        *,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        zero_masked=False,
    ):
        super().__init__()
        self.cell = StackedCells(*cell) if isinstance(cell, list | tuple) else cell
        self.units = getattr(cell, "units", None)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.zero_masked = go_backwards, stateful, zero_masked
        self.states = None

    @property
    def state_size(self):
        size = self.cell.state_size
        return [size] if isinstance(size, int) else list(size)

    def get_initial_state(self, batch_size):
        """Return the states before the first step as a list."""
        if torch.is_tensor(batch_size):
            batch_size = len(batch_size) if batch_size.dim() else int(batch_size)
        states = states_for(self.cell, batch_size)
        return list(states) if isinstance(states, list | tuple) else [states]

    def reset_state(self):
        """Forget where the last call ended."""
        self.states = None

    reset_states = reset_state

    def first_states(self, x, initial_state):
        """Return the states to begin with, beside `x` and with its precision."""
        if initial_state is None:
            initial_state = self.states if self.stateful else None
        if initial_state is None:
            initial_state = states_for(self.cell, len(x), x[:, 0])
        states = initial_state if isinstance(initial_state, list | tuple) else [initial_state]
        return zipped(lambda s: s.to(x), list(states))

    def forward(self, sequences, initial_state=None, mask=None):
        x = sequences if sequences.is_floating_point() else sequences.to(torch.get_default_dtype())
        states = self.first_states(x, initial_state)
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        mask = None if mask is None else mask.bool().flatten(1)
        if self.go_backwards:
            x, mask = x.flip(1), None if mask is None else mask.flip(1)
        if can_fuse(self.cell):
            y, states = self.cell.over_steps(x, states, mask)
        else:
            y, states = self.steps(x, states, mask)
        if self.zero_masked and mask is not None:
            y = y.masked_fill(~mask.view(*mask.shape, *[1] * (y.dim() - 2)), 0.0)
        if self.stateful:
            self.states = zipped(torch.Tensor.detach, states)
        y = y if self.return_sequences else y[:, -1]
        return (y, *states) if self.return_state else y

    def steps(self, x, states, mask):
        """Call the cell step by step."""
        outputs = []
        with constant_dropout(self.cell):
            for t, now in enumerate(x.unbind(1)):
                y, after = self.cell(now, states)
                after = list(after) if isinstance(after, list | tuple) else [after]
                if mask is not None:
                    keep = functools.partial(keep_where, mask[:, t])
                    y = keep(y, outputs[-1] if t else torch.zeros_like(y))
                    after = zipped(keep, after, states)
                states = after
                outputs.append(y)
        return torch.stack(outputs, 1), states

    def compute_mask(self, inputs, mask=None):
        """Return the masks of the results: that of the steps goes on with all outputs."""
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        mask = mask if self.return_sequences else None
        return [mask, *[None] * len(self.state_size)] if self.return_state else mask


def keep_where(keep, new, old):
    """Return `new` for the samples of a batch where `keep` is True, else `old`."""
    return torch.where(keep.view(-1, *[1] * (new.dim() - 1)), new, old)


def can_fuse(cell):
    """Tell whether a cell knows how to go over all steps at once, as its `forward` would."""
    if isinstance(cell, StackedCells):
        return all(can_fuse(c) for c in cell.cells)
    fused = getattr(type(cell), "fused_forward", None)
    return fused is not None and type(cell).forward is fused and cell.is_fused()


class constant_dropout:  # noqa: N801
    """Lets cells drop the same features at every step."""

    def __init__(self, cell):
        self.cells = [c for c in cell.modules() if hasattr(c, "dropped")]

    def __enter__(self):
        for cell in self.cells:
            cell.dropped = {}

    def __exit__(self, *_):
        for cell in self.cells:
            cell.dropped = None


class StackedCells(nn.Module):
    """Cells on top of each other, as one cell: its states are a list with those of each."""

    def __init__(self, *cells):
        super().__init__()
        self.cells = nn.ModuleList(cells)

    @property
    def state_size(self):
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self):
        last = self.cells[-1]
        size = getattr(last, "output_size", None) or last.state_size
        return size if isinstance(size, int) else size[0]

    def get_initial_state(self, batch_size=None):
        return [states_for(cell, batch_size) for cell in self.cells]

    def forward(self, inputs, states):
        after = []
        for cell, own in zip(self.cells, states, strict=True):
            several = isinstance(own, list | tuple)
            inputs, new = cell(inputs, list(own) if several else [own])
            after.append(new[0] if not several and isinstance(new, list | tuple) else new)
        return inputs, after[0] if len(after) == 1 else after

    def over_steps(self, x, states, mask):
        """Go over all steps with one cell after the other."""
        after = []
        for cell, own in zip(self.cells, states, strict=True):
            several = isinstance(own, list | tuple)
            x, new = cell.over_steps(x, list(own) if several else [own], mask)
            after.append(new if several else new[0])
        return x, after


class BothWays(nn.Module):
    """Runs a recurrent layer forwards over a sequence and a second one backwards, merged.

    `merge_mode` is "concat", "sum", "mul", "ave", or None for both results. Final states of the
    first and of the second follow, where the layers return them.
    """

    def __init__(self, layer, merge_mode="concat", backward_layer=None):
        super().__init__()
        self.forward_layer = copy.deepcopy(layer)
        self.backward_layer = copy.deepcopy(layer) if backward_layer is None else backward_layer
        if backward_layer is None:
            self.backward_layer.go_backwards = True
        for way in (self.forward_layer, self.backward_layer):
            if hasattr(way, "zero_masked"):
                way.zero_masked = way.return_sequences
        self.merge_mode = merge_mode
        self.return_sequences, self.return_state = layer.return_sequences, layer.return_state
        self.stateful = getattr(layer, "stateful", False)

    def reset_state(self):
        """Forget where the last call ended."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def forward(self, sequences, initial_state=None, mask=None):
        half = 0 if initial_state is None else len(initial_state) // 2
        ahead = {} if initial_state is None else {"initial_state": initial_state[:half]}
        back = {} if initial_state is None else {"initial_state": initial_state[half:]}
        masked = {} if mask is None else {"mask": mask}
        y = self.forward_layer(sequences, **ahead, **masked)
        z = self.backward_layer(sequences, **back, **masked)
        states = ()
        if self.return_state:
            states = (*y[1:], *z[1:])
            y, z = y[0], z[0]
        z = z.flip(1) if self.return_sequences else z
        both = self.merged(y, z)
        if self.merge_mode is None:
            return (*both, *states)
        return (both, *states) if self.return_state else both

    def merged(self, y, z):
        if self.merge_mode == "concat":
            return torch.cat([y, z], -1)
        if self.merge_mode == "sum":
            return y + z
        if self.merge_mode == "ave":
            return (y + z) / 2
        return y * z if self.merge_mode == "mul" else (y, z)

    def compute_mask(self, inputs, mask=None):
        """Return the masks of the results: that of the steps goes on with all outputs."""
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        mask = mask if self.return_sequences else None
        return (mask, mask) if self.merge_mode is None else mask


class StepByStep(nn.Module):
    """Calls a module with each step of its input, (batch, steps, ...)."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, inputs, mask=None):
        takes_mask = mask is not None and "mask" in inspect.signature(self.layer.forward).parameters
        outputs = [
            self.layer(x, mask=mask[:, t]) if takes_mask else self.layer(x)
            for t, x in enumerate(inputs.unbind(1))
        ]
        return torch.stack(outputs, 1)

    def compute_mask(self, inputs, mask=None):
        return mask


class AllSteps(nn.Module):
    """Calls a module once with all steps of its input, (batch, steps, ...), as samples."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, inputs, mask=None):
        return self.layer(inputs.flatten(0, 1)).unflatten(0, inputs.shape[:2])

    def compute_mask(self, inputs, mask=None):
        return mask
