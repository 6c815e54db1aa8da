"""Scaling and encoding of inputs by what was found in data."""

from __future__ import annotations

from itertools import islice

import numpy as np
import torch
from torch import nn

from torchtwin.nn.lazy import LazyModule


def as_array(data):
    """Return a tensor or array as an array."""
    return data.detach().cpu().numpy() if torch.is_tensor(data) else np.asarray(data)


class Standardizer(LazyModule):
    """(x - mean) / deviation along the axes `dims`, or that taken back with `invert`.

    The statistics are given, or found by `adapt`.
    """

    mean: torch.Tensor
    variance: torch.Tensor

    def __init__(self, dims=(-1,), mean=None, variance=None, invert=False):
        super().__init__()
        self.dims, self.invert = (dims,) if isinstance(dims, int) else tuple(dims or ()), invert
        self.given = None if mean is None else (mean, variance)

    def build(self, input_shape):
        rank, dtype = len(input_shape), torch.get_default_dtype()
        self.axes = sorted(k % rank for k in self.dims)
        self.broadcast = [n if k in self.axes else 1 for k, n in enumerate(input_shape)]
        shape = [input_shape[k] for k in self.axes]
        if self.given is None:
            self.register_buffer("mean", torch.zeros(shape, dtype=dtype))
            self.register_buffer("variance", torch.ones(shape, dtype=dtype))
            self.register_buffer("count", torch.zeros((), dtype=torch.int32))
            return
        for name, value in zip(("mean", "variance"), self.given, strict=True):
            value = torch.as_tensor(as_array(value)).to(dtype).expand(shape).clone()
            self.register_buffer(name, value, persistent=False)

    def adapt(self, data, batch_size=None, steps=None):
        """Take mean and variance from an array, or from batches."""
        whole = torch.is_tensor(data) or isinstance(data, np.ndarray)
        batches = [as_array(batch) for batch in islice([data] if whole else data, steps)]
        if not self.built:
            self.build(batches[0].shape)
            self.built = True
        reduced = tuple(k for k in range(batches[0].ndim) if k not in self.axes)
        mean = variance = np.zeros(self.mean.shape)
        seen = 0
        for x in batches:
            count = x.size // max(self.mean.numel(), 1)
            old = seen / (seen + count)
            after = mean * old + x.mean(reduced) * (1 - old)
            variance = (variance + (mean - after) ** 2) * old
            variance = variance + (x.var(reduced) + (x.mean(reduced) - after) ** 2) * (1 - old)
            mean, seen = after, seen + count
        self.mean.copy_(torch.as_tensor(mean))
        self.variance.copy_(torch.as_tensor(variance))

    def forward(self, x):
        x = x if x.is_floating_point() else x.to(self.mean.dtype)
        mean, variance = self.mean.view(self.broadcast), self.variance.view(self.broadcast)
        deviation = variance.sqrt().clamp(min=1e-7)
        return mean + x * deviation if self.invert else (x - mean) / deviation


def encoded(x, depth, mode, weights=None, dtype=None):
    """Return whole numbers as vectors: "one_hot", or "multi_hot" or "count" of a whole row."""
    dtype = torch.get_default_dtype() if dtype is None else dtype
    x = x.reshape(1) if x.dim() == 0 else x.long()
    if mode == "one_hot" and x.dim() > 1 and x.shape[-1] == 1:
        x = x.squeeze(-1)
    vectors = (x[..., None] == torch.arange(depth, device=x.device)).to(dtype)
    if mode == "one_hot":
        return vectors
    if weights is not None:
        vectors = vectors * weights[..., None]
    dim = 1 if x.dim() > 1 else 0
    return vectors.amax(dim) if mode == "multi_hot" else vectors.sum(dim)


class Encode(nn.Module):
    """Whole numbers below `depth` as vectors: see `encoded`."""

    def __init__(self, depth, mode="multi_hot"):
        super().__init__()
        self.depth, self.mode = depth, mode

    def forward(self, x, count_weights=None):
        return encoded(torch.as_tensor(x), self.depth, self.mode, count_weights)


def compressed(summary, share):
    """Return values, and how many each stands for, at every `share` of all."""
    if summary.shape[1] * share < 1:
        return summary
    percents = share + np.arange(0.0, 1.0, share)
    total = summary[1].cumsum()
    values = np.interp(percents, total / total[-1], summary[0])
    below = np.interp(percents, total / total[-1], total)
    return np.stack([values, np.diff(below, prepend=0)]).astype("float32")


class Buckets(nn.Module):
    """The number of the interval that each number lies in, or a vector of it: see `encoded`."""

    def __init__(self, boundaries=None, count=None, epsilon=0.01, mode="int"):
        super().__init__()
        self.boundaries, self.count, self.epsilon, self.mode = boundaries, count, epsilon, mode

    def adapt(self, data, steps=None):
        """Find boundaries between which the data, an array or batches, lies in equal parts."""
        whole = torch.is_tensor(data) or isinstance(data, np.ndarray)
        summary = np.zeros((2, 0), dtype="float32")
        for batch in islice([data] if whole else data, steps):
            summary = np.hstack([self.summarized(as_array(batch)), summary])
            summary = compressed(summary[:, np.argsort(summary[0])], self.epsilon)
        self.boundaries = compressed(summary, 1.0 / self.count)[0, :-1].tolist()

    def summarized(self, values):
        """Return values at regular places in their order, and how many each stands for."""
        values = np.sort(values.astype("float32").reshape(-1))
        step = max(values.size / (1.0 / self.epsilon), 1)
        picked = values[int(step - 1) :: int(step)]
        return np.stack([picked, np.ones_like(picked) * step])

    def forward(self, x):
        if self.boundaries is None:
            raise ValueError("the boundaries are not known: call `adapt` before")
        x = torch.as_tensor(x)
        edges = torch.tensor(self.boundaries, device=x.device, dtype=torch.get_default_dtype())
        places = torch.bucketize(x.to(edges.dtype), edges, right=True)
        if self.mode == "int":
            return places.int()
        return encoded(places, len(self.boundaries) + 1, self.mode)
