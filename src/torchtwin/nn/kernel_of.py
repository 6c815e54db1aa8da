"""The weights of a layer, whatever stands behind it in an nn.Sequential."""

from __future__ import annotations

import torch
from torch import nn

from torchtwin.nn.channels_last import ChannelsLast
from torchtwin.nn.lazy import LazyModule


def weighted(module):
    """Return the first part of a module that has a weight."""
    for part in module.modules():
        if torch.is_tensor(getattr(part, "weight", None)) or hasattr(part, "kernel"):
            return part
    raise ValueError("the layer has no weight before its first call")


def kernel_of(module):
    """Return the weight of a layer, its inputs before its outputs: (in, out) for a linear one."""
    part = weighted(module)
    if hasattr(part, "kernel"):
        return part.kernel
    if isinstance(part, nn.Embedding):
        return part.weight
    if hasattr(part, "multiplier"):
        weight = part.weight.unflatten(0, (-1, part.multiplier))[:, :, 0]
        return weight.movedim((0, 1), (-2, -1))
    return part.weight.movedim((0, 1), (-1, -2))


def bias_of(module):
    """Return the bias of a layer."""
    return weighted(module).bias


def build_now(module, input_shape):
    """Let a module make its weights, which it does at its first call, for inputs of this shape."""
    if isinstance(module, LazyModule):
        module.build(tuple(input_shape))
        module.built = True
        return
    lazy = {part for part in module.modules() if isinstance(part, LazyModule)}
    if isinstance(module, nn.Sequential) and lazy and lazy <= set(module[0].modules()):
        shape = tuple(input_shape)
        last = isinstance(module, ChannelsLast)
        build_now(module[0], (shape[0], shape[-1], *shape[1:-1]) if last else shape)
        return
    training = module.training
    with torch.no_grad():
        module.eval()(torch.zeros(tuple(input_shape)))
    module.train(training)
