"""A module that is built at its first call, when the shape of its input is known."""

from __future__ import annotations

import inspect

import torch
from torch import nn


class LazyModule(nn.Module):
    """A module that makes its parameters at the first call.

    `build` is given the shape of the first input (a list or dict of shapes where that is a list
    or dict of tensors); a `build` with several arguments gets one shape for each input. A state
    dict that is loaded before the first call is kept, and loaded then.
    """

    built = False

    def __call__(self, *args, **kwargs):
        if not self.built:
            self.build_for(*args, **kwargs)
        return super().__call__(*args, **kwargs)

    def build_for(self, *args, **kwargs):
        """Build the module for inputs like these, on their device and with their precision."""
        given = inspect.signature(self.forward).bind(*args, **kwargs).arguments
        count = max(len(inspect.signature(self.build).parameters), 1)
        tensors = [x for x in tensors_of(given) if x.is_floating_point()] or tensors_of(given)
        with torch.device(tensors[0].device):
            self.build(*[shapes_of(x) for x in list(given.values())[:count]])
        self.built = True
        if tensors[0].is_floating_point():
            self.to(tensors[0].dtype)
        if not getattr(self, "trainable", True):
            for parameter in self.parameters():
                parameter.frozen = True  # until it is trainable
                parameter.requires_grad_(False)
        kept = self.__dict__.pop("kept", None)
        if kept is not None:
            self.load_state_dict(kept)
        self.train(self.training)

    def build(self, input_shape):
        """Make the parameters: nothing to do here."""

    def _load_from_state_dict(self, state_dict, prefix, *args):
        if self.built:
            return super()._load_from_state_dict(state_dict, prefix, *args)
        own = {k: v for k, v in state_dict.items() if k.startswith(prefix)}
        self.kept = {k.removeprefix(prefix): v for k, v in own.items()}
        return None


def tensors_of(values):
    """Return the tensors in a structure of lists, tuples and dicts."""
    if torch.is_tensor(values):
        return [values]
    parts = values.values() if isinstance(values, dict) else values
    nested = isinstance(values, dict | list | tuple)
    return [x for part in parts for x in tensors_of(part)] if nested else []


def shapes_of(values):
    """Return the shapes of the tensors in a structure, in the same structure."""
    if torch.is_tensor(values):
        return tuple(values.shape)
    if isinstance(values, dict):
        return {key: shapes_of(part) for key, part in values.items()}
    return [shapes_of(part) for part in values] if isinstance(values, list | tuple) else None


def called_once(module, *args, **kwargs):
    """Return a module whose parameters are made: by a call in eval mode, on inputs like these."""
    with torch.no_grad():
        module.eval()(*args, **kwargs)
    return module.train()
