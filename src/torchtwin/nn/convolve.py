"""Convolutions and pooling of tensors with channels last, over as many axes as there are."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from torchtwin.nn.same import same_avg_pool, same_max_pool, same_padding, transposed_crop


def for_each_axis(value: Any, rank: int) -> tuple[int, ...]:
    """Return one number for each axis: of one for all, or of those that a list has."""
    return (value,) * rank if isinstance(value, int) else tuple(value)


def convolve(
    x: torch.Tensor,
    kernel: torch.Tensor,
    stride: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    channels_first: bool = False,
) -> torch.Tensor:
    """Convolve with a kernel (*sizes, in, out), in groups where it has fewer channels than `x`.

    `padding` is "valid", "same" (the output is ceil(size / stride) long, an odd element of
    padding goes after), or a (before, after) pair for each axis.
    """
    rank = kernel.dim() - 2
    stride, dilation = for_each_axis(stride, rank), for_each_axis(dilation, rank)
    x = x if channels_first else x.movedim(-1, 1)
    if not isinstance(padding, str):
        x = F.pad(x, [n for pair in padding[::-1] for n in pair])
    elif padding.lower() == "same":
        x = F.pad(x, same_padding(x.shape[2:], kernel.shape[:-2], stride, dilation))
    weight = kernel.movedim((-1, -2), (0, 1))
    conv = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[rank]
    groups = x.shape[1] // weight.shape[1]
    y = conv(x, weight, stride=stride, dilation=dilation, groups=groups)
    return y if channels_first else y.movedim(1, -1)


def convolve_depthwise(
    x: torch.Tensor,
    kernel: torch.Tensor,
    stride: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    channels_first: bool = False,
) -> torch.Tensor:
    """Convolve each channel by itself, with a kernel (*sizes, channels, multiplier)."""
    each = kernel.flatten(-2).unsqueeze(-2)
    return convolve(x, each, stride, padding, dilation, channels_first)


def convolve_separable(
    x: torch.Tensor,
    depthwise: torch.Tensor,
    pointwise: torch.Tensor,
    stride: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    channels_first: bool = False,
) -> torch.Tensor:
    """Convolve each channel by itself, then mix the channels at each place."""
    x = convolve_depthwise(x, depthwise, stride, padding, dilation, channels_first)
    return convolve(x, pointwise, channels_first=channels_first)


def convolve_transposed(
    x: torch.Tensor,
    kernel: torch.Tensor,
    stride: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    dilation: Any = 1,
    channels_first: bool = False,
) -> torch.Tensor:
    """Convolve transposed with a kernel (*sizes, out, in); see transposed_crop for the size."""
    rank = kernel.dim() - 2
    stride, dilation = for_each_axis(stride, rank), for_each_axis(dilation, rank)
    longer = (None,) * rank if output_padding is None else for_each_axis(output_padding, rank)
    x = x if channels_first else x.movedim(-1, 1)
    conv = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}[rank]
    y = conv(x, kernel.movedim((-1, -2), (0, 1)), stride=stride, dilation=dilation)
    pad: list[int] = []
    for size, s, d, more in zip(kernel.shape[:-2], stride, dilation, longer, strict=True):
        before, after = transposed_crop(padding.lower(), size, s, d, more)
        pad = [-before, -after, *pad]
    y = F.pad(y, pad)
    return y if channels_first else y.movedim(1, -1)


def convolve_back(
    x: torch.Tensor, kernel: torch.Tensor, size: Any, stride: Any = 1, padding: str = "same"
) -> torch.Tensor:
    """Convolve transposed to a size: the one that a convolution, padded so, would turn into x's."""
    stride = for_each_axis(stride, kernel.dim() - 2)
    y = convolve_transposed(x, kernel, stride, output_padding=0).movedim(-1, 1)
    pad: list[int] = []
    for full, new in zip(y.shape[2:], size, strict=True):
        before = max(full - int(new), 0) // 2 if padding.lower() == "same" else 0
        pad = [-before, int(new) - full + before, *pad]
    return F.pad(y, pad).movedim(1, -1)


def pool_max(
    x: torch.Tensor,
    size: Any,
    stride: Any = None,
    padding: str = "valid",
    channels_first: bool = False,
) -> torch.Tensor:
    """Max pooling; with "same" padding the output is ceil(size / stride) long."""
    rank = x.dim() - 2
    size = for_each_axis(size, rank)
    stride = size if stride is None else for_each_axis(stride, rank)
    x = x if channels_first else x.movedim(-1, 1)
    pool = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}[rank]
    y = same_max_pool(x, size, stride) if padding.lower() == "same" else pool(x, size, stride)
    return y if channels_first else y.movedim(1, -1)


def pool_mean(
    x: torch.Tensor,
    size: Any,
    stride: Any = None,
    padding: str = "valid",
    channels_first: bool = False,
) -> torch.Tensor:
    """Average pooling; padding, which "same" adds, does not count."""
    rank = x.dim() - 2
    size = for_each_axis(size, rank)
    stride = size if stride is None else for_each_axis(stride, rank)
    x = x if channels_first else x.movedim(-1, 1)
    pool = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}[rank]
    y = same_avg_pool(x, size, stride) if padding.lower() == "same" else pool(x, size, stride)
    return y if channels_first else y.movedim(1, -1)


def pool_to(
    x: torch.Tensor, size: Any, how: str = "mean", channels_first: bool = False
) -> torch.Tensor:
    """Pool to this size by "mean" or "max", whatever the size was."""
    rank = x.dim() - 2
    x = x if channels_first else x.movedim(-1, 1)
    mean = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
    largest = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}
    pool: Any = (mean if how == "mean" else largest)[rank]
    y = pool(x, for_each_axis(size, rank))
    return y if channels_first else y.movedim(1, -1)


def patches_of(
    x: torch.Tensor,
    size: Any,
    stride: Any = None,
    dilation: Any = 1,
    padding: str = "valid",
    channels_first: bool = False,
) -> torch.Tensor:
    """Cut images or volumes into patches, whose pixels become channels: (row, column, channel)."""
    x = x.movedim(-3 if isinstance(size, int) else -1 - len(size), -1) if channels_first else x
    rank = 2 if isinstance(size, int) else len(size)
    single = x.dim() == rank + 1
    x = x[None] if single else x
    size, dilation = for_each_axis(size, rank), for_each_axis(dilation, rank)
    stride = size if stride is None else for_each_axis(stride, rank)
    if padding.lower() == "same":
        x = F.pad(x, [0, 0, *same_padding(x.shape[1:-1], size, stride, dilation)])
    for dim, (n, s, d) in enumerate(zip(size, stride, dilation, strict=True), start=1):
        x = x.unfold(dim, (n - 1) * d + 1, s)[..., ::d]
    x = x.movedim(rank + 1, -1).flatten(rank + 1)
    x = x[0] if single else x
    return x.movedim(-1, -1 - rank) if channels_first else x
