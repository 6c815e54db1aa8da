"""Inputs, outputs and targets: one tensor, or several in a list or a dict."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn


def mapped(function, values):
    """Return a structure with `function` applied to each of its tensors or arrays."""
    if isinstance(values, dict):
        return {key: mapped(function, part) for key, part in values.items()}
    if isinstance(values, list | tuple):
        return type(values)(mapped(function, part) for part in values)
    return None if values is None else function(values)


def by_name(given, known):
    """Return what names stand for, in lists and dicts too; what is no name stays as it is."""
    return mapped(lambda x: copy.deepcopy(known[x]) if isinstance(x, str) else x, given)


def flat(values, names=None):
    """Return the parts of a structure as a list, those of a dict by `names` or sorted keys."""
    if isinstance(values, dict):
        keys = names if names and set(values) <= set(names) else sorted(values)
        return [part for key in keys for part in flat(values.get(key))]
    if isinstance(values, list | tuple):
        return [part for value in values for part in flat(value)]
    return [values]


def for_each(given, names):
    """Return what is given for each output, by place or by name: one for all, or None."""
    if isinstance(given, dict):
        if len(names) == 1:
            return [*given.values()] or [None]
        unknown = [name for name in given if name not in names]
        if unknown:
            raise ValueError(f"no output has the name {unknown[0]!r}, only {names}")
        return [given.get(name) for name in names]
    if isinstance(given, list | tuple):
        return list(given)
    return [given] * len(names)


def samples_of(values):
    """Return the number of samples of a structure."""
    return len(next(part for part in flat(values) if part is not None))


def as_array(values):
    """Return what can be indexed by sample: a numpy array, or a tensor as it is."""
    if hasattr(values, "to_numpy"):  # a table of pandas
        values = values.to_numpy()
    return values if torch.is_tensor(values) else np.asarray(values)


def as_tensor(values, like):
    """Return a tensor on the device of `like`: whole numbers as int64, all else in its dtype."""
    values = as_array(values)
    if not torch.is_tensor(values):
        values = values.astype("int64") if values.dtype.kind == "u" else values
        values = torch.from_numpy(np.ascontiguousarray(values))
    whole = not values.is_floating_point() and values.dtype != torch.bool
    return values.to(like.device, torch.int64 if whole else like.dtype)


def as_input(values, module):
    """Return a tensor for a module: one without an Embedding has whole numbers as floats."""
    floats = torch.is_tensor(values) and values.is_floating_point()
    if floats or isinstance(values, bool | int | float):
        return values
    lazy = nn.parameter.UninitializedParameter
    weights = [p for p in module.parameters() if not isinstance(p, lazy)]
    like = next((p for p in weights if p.is_floating_point()), torch.empty(0))
    looked_up = any(isinstance(part, nn.Embedding) for part in module.modules())
    values = as_tensor(values, like)
    return values if looked_up else values.to(like.dtype)


def joined(batches):
    """Return the outputs of all batches as one, in their structure."""
    first = batches[0]
    if isinstance(first, dict):
        return {key: joined([batch[key] for batch in batches]) for key in sorted(first)}
    if isinstance(first, list | tuple):
        return type(first)(joined(list(parts)) for parts in zip(*batches, strict=True))
    return np.concatenate(batches)
