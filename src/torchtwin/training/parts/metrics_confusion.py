"""Metrics of true and false positives and negatives at thresholds."""

from __future__ import annotations

import torch
import torchmetrics

from torchtwin.training.parts.reduction import ratio, same_rank


class ConfusionCounts(torchmetrics.Metric):
    """Counts true and false positives and negatives at thresholds, weighted by sample.

    What is larger than the threshold is positive, if among the `top_k` outputs of its sample;
    `class_id` looks at that class alone. With `num_labels` each label is counted apart.
    """

    full_state_update = False
    true_positives: torch.Tensor
    false_positives: torch.Tensor
    true_negatives: torch.Tensor
    false_negatives: torch.Tensor

    def __init__(self, thresholds=None, *, top_k=None, class_id=None, num_labels=None, evenly=None):
        super().__init__()
        if thresholds is None:
            thresholds = 0.5 if top_k is None else float("-inf")
        self.thresholds = thresholds if isinstance(thresholds, (list, tuple)) else [thresholds]
        self.evenly = evenly_spread(self.thresholds) if evenly is None else evenly
        self.top_k, self.class_id, self.labels = top_k, class_id, num_labels or 1
        for name in ("true_positives", "false_positives", "true_negatives", "false_negatives"):
            zeros = torch.zeros(len(self.thresholds), self.labels)
            self.add_state(name, zeros, dist_reduce_fx="sum")

    def update(self, output, target, weight=None):
        dtype = self.true_positives.dtype
        output, target = same_rank(output.to(dtype), target)
        weight = torch.ones_like(output[..., :1]) if weight is None else weight.to(dtype)[..., None]
        if weight.ndim > output.ndim:
            weight = weight.squeeze(-1)
        if self.top_k is not None:
            # stable: the first of equals stays, which topk does not promise
            order = output.argsort(dim=-1, descending=True, stable=True)
            output = output.scatter(-1, order[..., self.top_k :], float("-inf"))
        if self.class_id is not None:
            output, target = output[..., self.class_id, None], target[..., self.class_id, None]
        self.count(output, target != 0, weight.expand_as(output))

    def count(self, output, target, weight):
        output, target, weight = (x.reshape(-1, self.labels) for x in (output, target, weight))
        right, wrong = weight * target, weight * ~target
        true_positives = self.above(output, right)
        false_positives = self.above(output, wrong)
        self.true_positives += true_positives
        self.false_positives += false_positives
        self.true_negatives += wrong.sum(0) - false_positives
        self.false_negatives += right.sum(0) - true_positives

    def above(self, output, counts):
        """Sum the counts of outputs above each threshold: (thresholds, labels).

        Among evenly spread thresholds an output's place is computed, which rounds as Keras does
        and needs no comparison with every threshold.
        """
        last = len(self.thresholds) - 1
        if not self.evenly:
            thresholds = output.new_tensor(self.thresholds)[:, None, None]
            return (counts * (output > thresholds)).sum(1)
        place = (output.clamp(0, 1) * last).ceil().nan_to_num(1)
        if self.thresholds[0] < 0:
            place = place.clamp(min=1)
        sums = counts.new_zeros(last + 2, self.labels).scatter_add(0, place.long(), counts)
        return sums.flip(0).cumsum(0).flip(0)[1:]

    def precision(self):
        return ratio(self.true_positives, self.true_positives + self.false_positives)

    def recall(self):
        return ratio(self.true_positives, self.true_positives + self.false_negatives)

    def specificity(self):
        return ratio(self.true_negatives, self.true_negatives + self.false_positives)


def evenly_spread(thresholds):
    """Tell whether thresholds, at least three, divide [0, 1] in equal steps."""
    last = len(thresholds) - 1
    return last > 1 and all(
        abs(t - k / last) <= 1e-7 + 1e-5 * k / last for k, t in enumerate(thresholds)
    )


class TruePositives(ConfusionCounts):
    """The number of true positives at each threshold."""

    def compute(self):
        return self.true_positives.squeeze()


class FalsePositives(ConfusionCounts):
    """The number of false positives at each threshold."""

    def compute(self):
        return self.false_positives.squeeze()


class TrueNegatives(ConfusionCounts):
    """The number of true negatives at each threshold."""

    def compute(self):
        return self.true_negatives.squeeze()


class FalseNegatives(ConfusionCounts):
    """The number of false negatives at each threshold."""

    def compute(self):
        return self.false_negatives.squeeze()


class Precision(ConfusionCounts):
    """The share of positives that are right, 0 without positives."""

    def compute(self):
        return self.precision().squeeze()


class Recall(ConfusionCounts):
    """The share of what is right that is found, 0 where nothing is."""

    def compute(self):
        return self.recall().squeeze()


class BestThreshold(ConfusionCounts):
    """The best of one figure over the thresholds at which another reaches `value`."""

    def __init__(self, value, num_thresholds=200, class_id=None):
        last = num_thresholds - 1
        thresholds = [k / last for k in range(num_thresholds)] if last else [0.5]
        super().__init__(thresholds, class_id=class_id, evenly=last > 0)
        self.value = value

    def best(self, figure, other):
        return torch.where(other >= self.value, figure, 0.0).max()


class SensitivityAtSpecificity(BestThreshold):
    """The best recall at thresholds where specificity reaches a value."""

    def compute(self):
        return self.best(self.recall(), self.specificity())


class SpecificityAtSensitivity(BestThreshold):
    """The best specificity at thresholds where recall reaches a value."""

    def compute(self):
        return self.best(self.specificity(), self.recall())


class PrecisionAtRecall(BestThreshold):
    """The best precision at thresholds where recall reaches a value."""

    def compute(self):
        return self.best(self.precision(), self.recall())


class RecallAtPrecision(BestThreshold):
    """The best recall at thresholds where precision reaches a value."""

    def compute(self):
        return self.best(self.recall(), self.precision())
