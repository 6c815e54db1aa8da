"""Modules that have no parameters yet: torch's lazy ones, and those built at the first call."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import is_lazy

from torchtwin.filling.tables import is_copy_of
from torchtwin.nn.lazy import LazyModule


def waits_for_a_call(module: nn.Module) -> bool:
    """Tell whether a module makes its parameters when it is called."""
    return not getattr(module, "built", True) and is_copy_of(type(module), LazyModule)


def is_torch_lazy(module: nn.Module) -> bool:
    """Tell whether a module is one of torch's that do not know their input's size yet."""
    return isinstance(module, LazyModuleMixin) and module.has_uninitialized_params()


def lazy_shape(module: Any, name: str) -> tuple[int | None, ...] | None:
    """Return the shape of the variable for a parameter without one, None where it has a shape."""
    if not is_lazy(getattr(module, name)):
        return None
    if isinstance(module, nn.Linear):
        return (None, module.out_features) if name == "weight" else (module.out_features,)
    if isinstance(module, nn.modules.conv._ConvNd):
        if name == "bias":
            return (module.out_channels,)
        ends = (module.out_channels, None) if module.transposed else (None, module.out_channels)
        return (*module.kernel_size, *ends)
    return (None,)


def materialize(module: Any, shape: tuple[int, ...]) -> None:
    """Give one of torch's lazy modules the size that the shape of a variable says."""
    size = shape[0]
    axes = 0
    if isinstance(module, nn.modules.conv._ConvNd):
        size = shape[-1] if module.transposed else shape[-2] * module.groups
        axes = len(module.kernel_size)
    elif isinstance(module, nn.modules.batchnorm._NormBase):
        axes = 1
    like = torch.empty((1, size, *[1] * axes), device="meta")
    module._infer_parameters(module, (like,))
