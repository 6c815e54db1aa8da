"""Metrics as sums: those of several processes add up to those of one."""

from __future__ import annotations

import torch
import torchmetrics

from torchtwin.training.parts.losses import comparable
from torchtwin.training.parts.metric_values import crossentropy_of_known, square_of_difference
from torchtwin.training.parts.reduction import ratio, same_rank


def mean_of_samples(values, first=1):
    """The mean over the axes from `first` on."""
    return values.mean(tuple(range(first, values.ndim))) if values.ndim > first else values


def masked_weight(weight, mask):
    """The weight, or 0 where the mask is False."""
    if weight is None or mask is None:
        return mask if weight is None else weight
    return torch.mul(*same_rank(mask, weight))


class SampleMean(torchmetrics.Metric):
    """The mean of `values(output, target)` over samples, each averaged over its steps first.

    Unlike in torchmetrics.MeanMetric NaN is not left out, and the mean of nothing is 0.
    """

    full_state_update = False
    total: torch.Tensor
    count: torch.Tensor

    def __init__(self, values, **options):
        super().__init__()
        self.values, self.options = values, options
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, output, target, weight=None, mask=None):
        self.add(self.values(output, target, **self.options), masked_weight(weight, mask))

    def add(self, values, weight=None):
        """Add values, weighted where `weight` has an axis for them and for whole samples."""
        values = values.to(self.total.dtype)
        if weight is None:
            self.count += len(values)
        else:
            values, weight = same_rank(values, weight.to(values.dtype))
            values = mean_of_samples(values, weight.ndim)
            weight = weight.expand_as(values)
            values = values * weight
            self.count += mean_of_samples(weight).sum()
        self.total += mean_of_samples(values).sum()

    def compute(self):
        return ratio(self.total, self.count)


class BatchMean(SampleMean):
    """The mean over batches of the mean of `values(output, target)`, however long a batch is."""

    def update(self, output, target, weight=None):
        if weight is not None:
            raise ValueError("a mean over batches has no weights")
        self.total += self.values(output, target, **self.options).mean().to(self.total.dtype)
        self.count += 1


class TargetsFirst(SampleMean):
    """The mean over samples of a function of (target, output), or over batches of its number."""

    def update(self, output, target, weight=None):
        values = self.values(*same_rank(target.to(output.dtype), output))
        self.add(values.reshape(1) if values.dim() == 0 else values, weight)


class Adapted(torchmetrics.Metric):
    """A metric with `update_state(target, output)`, `result` and `reset_state`."""

    full_state_update = False

    def __init__(self, metric):
        super().__init__()
        self.metric = metric

    @torch.no_grad()
    def update(self, output, target, weight=None):
        weights = () if weight is None else (weight.cpu(),)
        self.metric.update_state(target.cpu(), output.cpu(), *weights)

    def compute(self):
        return torch.as_tensor(self.metric.result())

    def reset(self):
        super().reset()
        self.metric.reset_state()


class CrossentropyOfKnown(SampleMean):
    """Mean cross-entropy, 0 for samples of `ignore_class`, which count only without weights."""

    def __init__(self, ignore_class, **options):
        super().__init__(crossentropy_of_known, ignore_class=ignore_class, **options)

    def update(self, output, target, weight=None, mask=None):
        weight = masked_weight(weight, mask)
        if weight is not None:
            known = target.reshape(output.shape[:-1]) != self.options["ignore_class"]
            weight = masked_weight(weight, known)
        super().update(output, target, weight)


class RootMeanSquaredError(SampleMean):
    """The root of the mean squared error, over all samples and not batch by batch."""

    def __init__(self):
        super().__init__(square_of_difference)

    def update(self, output, target, weight=None):
        super().update(output, target, weight)

    def compute(self):
        return super().compute().sqrt()


class FBetaScore(torchmetrics.Metric):
    """The F-score of each class, or their average: "micro", "macro" or "weighted" by frequency.

    Without a threshold the largest output of a sample is its class, each of them when several tie.
    """

    full_state_update = False
    true_positives: torch.Tensor
    false_positives: torch.Tensor
    false_negatives: torch.Tensor
    frequency: torch.Tensor

    def __init__(self, num_classes, beta=1.0, average=None, threshold=None):
        super().__init__()
        self.beta, self.average, self.threshold = beta, average, threshold
        shape = () if average == "micro" else (num_classes,)
        for name in ("true_positives", "false_positives", "false_negatives", "frequency"):
            self.add_state(name, torch.zeros(shape), dist_reduce_fx="sum")

    def update(self, output, target, weight=None):
        dtype = self.true_positives.dtype
        output, target = output.to(dtype), target.to(dtype)
        if self.threshold is None:
            chosen = (output >= output.amax(-1, keepdim=True)) & (output.abs() > 1e-9)
        else:
            chosen = output > self.threshold
        chosen = chosen.to(dtype)
        self.true_positives += self.weighted(chosen * target, weight)
        self.false_positives += self.weighted(chosen * (1 - target), weight)
        self.false_negatives += self.weighted((1 - chosen) * target, weight)
        self.frequency += self.weighted(target, weight)

    def weighted(self, counts, weight):
        if weight is not None:
            counts = counts * weight.to(counts.dtype)[:, None]
        return counts.sum() if self.average == "micro" else counts.sum(0)

    def compute(self):
        precision = self.true_positives / (self.true_positives + self.false_positives + 1e-7)
        recall = self.true_positives / (self.true_positives + self.false_negatives + 1e-7)
        square = self.beta**2
        score = precision * recall / (square * precision + recall + 1e-7) * (1 + square)
        if self.average == "weighted":
            return (score * self.frequency / (self.frequency.sum() + 1e-7)).sum()
        return score if self.average is None else score.mean()


class R2Score(torchmetrics.Metric):
    """The share of the targets' variance that the outputs explain, weighted by sample.

    `average` is "uniform_average", "variance_weighted_average" or None for a score each.
    `regressors` adjusts the score as Keras does: by the number of targets, not of samples.
    """

    full_state_update = False
    targets: torch.Tensor
    count: torch.Tensor
    total: torch.Tensor
    squares: torch.Tensor
    errors: torch.Tensor

    def __init__(self, num_outputs, average="uniform_average", regressors=0):
        super().__init__()
        self.average, self.regressors = average, regressors
        self.add_state("targets", torch.tensor(0.0), dist_reduce_fx="sum")
        for name in ("count", "total", "squares", "errors"):
            self.add_state(name, torch.zeros(num_outputs), dist_reduce_fx="sum")

    def update(self, output, target, weight=None):
        dtype = self.total.dtype
        output, target = comparable(output.to(dtype), target)
        weight = torch.ones_like(target) if weight is None else weight.to(dtype)
        weight = (weight[:, None] if weight.ndim == 1 else weight).expand_as(target)
        self.count += weight.sum(0)
        self.total += (weight * target).sum(0)
        self.squares += (weight * target**2).sum(0)
        self.errors += (weight * (output - target) ** 2).sum(0)
        self.targets += target.numel()

    def compute(self):
        variance = self.squares - self.total * (self.total / self.count)
        scores = 1 - self.errors / variance
        scores = torch.where(scores.isinf(), 0.0, scores)
        if self.average == "uniform_average":
            scores = scores.mean()
        elif self.average == "variance_weighted_average":
            scores = (variance * scores).sum() / variance.sum()
        if self.regressors and self.targets - 1 > self.regressors:
            scores = 1 - (1 - scores) * (self.targets - 1) / (self.targets - 1 - self.regressors)
        return scores
