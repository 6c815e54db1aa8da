"""Normalisation that takes the number of features of its first input."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.nn.lazy import LazyModule


class LazyNorm(LazyModule):
    """What normalisations share: a weight where `scale` is set, a bias where `center` is.

    Their first values come of functions of a shape and a dtype.
    """

    weight: torch.Tensor | None
    bias: torch.Tensor | None

    def __init__(self, scale=True, center=True, weight_init=torch.ones, bias_init=torch.zeros):
        super().__init__()
        self.first = {
            "weight": weight_init if scale else None,
            "bias": bias_init if center else None,
        }

    def make(self, shape):
        """Make weight and bias; None where there is none."""
        for name, init in self.first.items():
            if init is None:
                self.register_parameter(name, None)
            else:
                first = init(shape, dtype=torch.get_default_dtype())
                self.register_parameter(name, nn.Parameter(first))


class LazyBatchNorm(LazyNorm):
    """Batch normalisation of the features along `dim`, over all other axes.

    The running variance is the biased one, which nn.BatchNorm1d does not keep. What `mask`, of
    one axis less than the input, hides does not count for the statistics of a batch. A layer with
    `trainable` switched off goes by its running statistics in training too.
    """

    trainable = True
    running_mean: torch.Tensor
    running_var: torch.Tensor

    def __init__(
        self,
        dim=-1,
        momentum=0.01,
        eps=1e-3,
        mean_init=torch.zeros,
        var_init=torch.ones,
        **options,
    ):
        super().__init__(**options)
        self.dim, self.momentum, self.eps = dim, momentum, eps
        self.mean_init, self.var_init = mean_init, var_init

    def build(self, input_shape):
        count, dtype = (input_shape[self.dim],), torch.get_default_dtype()
        self.make(count)
        self.register_buffer("running_mean", self.mean_init(count, dtype=dtype))
        self.register_buffer("running_var", self.var_init(count, dtype=dtype))

    def forward(self, x, mask=None):
        x = x if x.is_floating_point() else x.to(self.running_mean.dtype)
        x = x.movedim(self.dim, 1)
        if not self.training or not self.trainable:
            running = self.running_mean, self.running_var
            x = F.batch_norm(x, *running, self.weight, self.bias, eps=self.eps)
            return x.movedim(1, self.dim)
        mean, var = self.moments(x, None if mask is None else mask[..., None].movedim(-1, 1))
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var, self.momentum)
        shape = [1, -1] + [1] * (x.dim() - 2)
        scale = (var + self.eps).rsqrt()
        x = (x - mean.view(shape)) * (scale if self.weight is None else scale * self.weight).view(
            shape
        )
        return (x if self.bias is None else x + self.bias.view(shape)).movedim(1, self.dim)

    def moments(self, x, mask):
        """Return mean and biased variance of the features, which lie along axis 1."""
        axes = [axis for axis in range(x.dim()) if axis != 1]
        if mask is None:
            var, mean = torch.var_mean(x, axes, correction=0)
            return mean, var
        mask = mask.bool().expand_as(x)
        count = mask.sum(axes).to(x.dtype) + 1e-7
        mean = torch.where(mask, x, 0.0).sum(axes) / count
        centred = x - mean.view([1, -1] + [1] * (x.dim() - 2))
        return mean, torch.where(mask, centred, 0.0).square().sum(axes) / count


class LazyLayerNorm(LazyNorm):
    """Layer normalisation over the axes `dims`."""

    def __init__(self, dims=(-1,), eps=1e-3, **options):
        super().__init__(**options)
        self.dims = sorted(dims)
        self.eps = eps

    def build(self, input_shape):
        self.make(tuple(input_shape[k] for k in self.dims))

    def normalized(self, x):
        return F.layer_norm(x, x.shape[-len(self.dims) :], self.weight, self.bias, self.eps)

    def forward(self, x):
        ends = tuple(range(-len(self.dims), 0))
        x = x if x.is_floating_point() else x.to(torch.get_default_dtype())
        return self.normalized(x.movedim(self.dims, ends)).movedim(ends, self.dims)


class LazyVarianceScaling(LazyLayerNorm):
    """Scales by the standard deviation over the axes `dims`, without subtracting the mean."""

    def __init__(self, dims=(-1,), eps=1e-3, **options):
        super().__init__(dims, eps, center=False, **options)

    def normalized(self, x):
        variance = x.var(tuple(range(-len(self.dims), 0)), correction=0, keepdim=True)
        return x * torch.rsqrt(variance + self.eps) * self.weight


class LazyRMSNorm(LazyLayerNorm):
    """Scales by the root mean square over the axes `dims`."""

    def __init__(self, dims=(-1,), eps=1e-6):
        super().__init__(dims, eps, center=False)

    def normalized(self, x):
        return F.rms_norm(x, x.shape[-len(self.dims) :], self.weight, self.eps)


class LazyGroupNorm(LazyNorm):
    """Group normalisation of the features along `dim`; -1 groups are one for each feature."""

    def __init__(self, groups=32, dim=-1, eps=1e-3, **options):
        super().__init__(**options)
        self.groups, self.dim, self.eps = groups, dim, eps

    def build(self, input_shape):
        count = input_shape[self.dim]
        self.groups = count if self.groups == -1 else self.groups
        self.make((count,))

    def forward(self, x):
        # A tensor with channels last in memory crashes group_norm of torch 2.13 on a CPU.
        x = x.movedim(self.dim, 1).contiguous()
        if self.weight is None and self.bias is not None:  # which group_norm cannot differentiate
            x = F.group_norm(x, self.groups, eps=self.eps)
            return (x.movedim(1, -1) + self.bias).movedim(-1, self.dim)
        return F.group_norm(x, self.groups, self.weight, self.bias, self.eps).movedim(1, self.dim)
