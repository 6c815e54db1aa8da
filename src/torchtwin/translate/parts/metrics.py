"""Metrics, as programs call them: with the targets first."""

from __future__ import annotations

import functools

import torch

from torchtwin.training.parts.metrics import SampleMean
from torchtwin.training.parts.reduction import ratio, same_rank


class Metric:
    """A figure over many batches: `update_state` adds one, `result` computes it."""

    def __init__(self, name=None, dtype=None):
        self.name, self.variables = name, []
        self.dtype = getattr(torch, str(dtype or "float32").rpartition(".")[2])
        self.name = name or auto_name(snake(type(self).__name__))  # when: Metric

    def add_weight(self, shape=(), initializer="zeros", dtype="float32", name=None):
        """Return a tensor of the metric, which `reset_state` makes zero."""
        shape = () if isinstance(shape, str) else shape  # tf.keras has the name first
        start = torch.ones if initializer == "ones" else torch.zeros
        self.variables.append(start(shape, dtype=getattr(torch, str(dtype).rpartition(".")[2])))
        return self.variables[-1]

    def add_variable(self, shape, initializer="zeros", dtype="float32", name=None):
        """Return a tensor of the metric, which `reset_state` makes zero."""
        return self.add_weight(shape, initializer, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        raise NotImplementedError

    def result(self):
        raise NotImplementedError

    def reset_state(self):
        for variable in self.variables:
            variable.zero_()

    def __call__(self, *args, **kwargs):
        self.update_state(*args, **kwargs)
        return self.result()


def snake(name):
    """Return "MeanRank" as "mean_rank"."""
    spaced = "".join(f"_{c}" if c.isupper() and k else c for k, c in enumerate(name))
    return spaced.lower()


def auto_name(name, counts={}):  # noqa: B006 (kept for all metrics)
    """Return a name, with a number behind it when it is not the first of its kind."""
    counts[name] = counts.get(name, -1) + 1
    return f"{name}_{counts[name]}" if counts[name] else name


class Named(Metric):
    """A metric of torchmetrics, which takes outputs first, under its name in the logs."""

    def __init__(self, name, metric):
        super().__init__(name)
        self.metric = metric

    @torch.no_grad()
    def update_state(self, y_true, y_pred, sample_weight=None, mask=None):
        if not torch.is_tensor(y_pred):  # when: update_state | result
            y_pred = torch.as_tensor(y_pred, dtype=torch.float32)  # when: update_state | result
        y_true = torch.as_tensor(y_true)  # when: update_state | result
        self.metric.to(y_pred.device)
        options = {} if sample_weight is None else {"weight": sample_weight}
        if mask is not None and isinstance(self.metric, SampleMean):  # when: masked
            options["mask"] = mask  # when: masked
        self.metric.update(y_pred, y_true, **options)

    def result(self):
        self.metric._computed = None
        return self.metric.compute()

    def reset_state(self):
        self.metric.reset()


class Mean(Metric):
    """The mean of values, weighted by sample if there are weights."""

    def __init__(self, name="mean", dtype=None):
        super().__init__(name)
        self.total, self.count = self.add_weight(), self.add_weight()

    @torch.no_grad()
    def update_state(self, values, sample_weight=None):
        values = torch.as_tensor(values, dtype=torch.float32)
        weights = None if sample_weight is None else torch.as_tensor(sample_weight)
        mean = SampleMean(None)
        mean.add(values.reshape(1) if values.dim() == 0 else values, weights)
        self.total += mean.total
        self.count += mean.count

    def result(self):
        return ratio(self.total, self.count)


class Sum(Metric):
    """The sum of values, weighted by sample if there are weights."""

    def __init__(self, name="sum", dtype=None):
        super().__init__(name)
        self.total = self.add_weight()

    @torch.no_grad()
    def update_state(self, values, sample_weight=None):
        values = torch.as_tensor(values, dtype=torch.float32)
        if sample_weight is not None:
            values = torch.mul(*same_rank(values, torch.as_tensor(sample_weight)))
        self.total += values.sum()

    def result(self):
        return self.total.clone()


class OwnMetric(Named):
    """The mean over samples of a function of the program, which takes the targets first."""

    def __init__(self, function, name=None, **options):
        named = getattr(function, "name", None) or function.__name__  # a loss has a name of its own
        super().__init__(name or named, SampleMean(functools.partial(swapped, function)))
        self.metric.options = options


def swapped(function, y_pred, y_true, **options):
    """Call a function of (target, output); it may return one number for the batch."""
    values = function(y_true, y_pred, **options)
    return values.reshape(1) if values.dim() == 0 else values
