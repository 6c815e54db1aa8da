"""Decides in which memory format a model keeps its weights.

Convolutions on a CPU, and on GPUs with tensor cores, are faster where the channels of a tensor lie
last in memory, whatever the order of its axes. The weights' format decides: what convolutions
make of contiguous inputs then lies so too, and the layers behind follow.

Two kernels of torch 2.13 for CPUs write beyond their memory in the backward pass where channels
lie last: that of a 1x1 convolution with strides, of fewer input channels than oneDNN takes at
once (https://github.com/uxlfoundation/oneDNN/issues/6035), and that of GroupNorm whose input needs
no gradient. A model that has one of them keeps PyTorch's order where it can be trained.

So does one that has a train.py: torch's fused Adam walks through weights and state as they lie in
memory, and the state of a file lies in PyTorch's order; FSDP refuses weights in any other.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.nn.modules.conv import _ConvNd

from torchtwin.evaluate import instance
from torchtwin.program import Class

MEMORY_FORMAT = (
    "model.to(memory_format=torch.channels_last)  # of the weights: convolutions are faster so"
)
AT_ONCE = 16
"""The most input channels that a kernel of oneDNN takes at once."""


def channels_last(program: Class, *, inference: bool, compiled: bool) -> bool:
    """Tell whether `load` lays the channels of weights last; `compiled` ones have a train.py."""
    if compiled and not inference:
        return False
    modules = list(_modules(program))
    convolutions = [m for m in modules if isinstance(m, _ConvNd)]
    images = any(m.weight.dim() == 4 for m in convolutions)
    # torch refuses the format to a module that has parameters with five axes too.
    volumes = any(p.dim() == 5 for m in modules for p in m.parameters(recurse=False))
    return images and not volumes and (inference or not any(map(_dangerous, modules)))


def _modules(program: Class) -> Iterator[nn.Module]:
    for cls in program.classes():
        for sub in cls.submodules:
            made = None if isinstance(sub.constructor, Class) else instance(sub.constructor)
            if isinstance(made, nn.Module):
                yield from made.modules()


def _dangerous(module: nn.Module) -> bool:
    """Tell whether the backward pass of a module may write beyond its memory."""
    if isinstance(module, nn.GroupNorm):
        return True
    return (
        isinstance(module, _ConvNd)
        and set(module.kernel_size) == {1}
        and max(module.stride) > 1
        and module.in_channels // module.groups < AT_ONCE
    )
