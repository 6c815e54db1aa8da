"""The area under a curve of true and false positives."""

from __future__ import annotations

import torch

from torchtwin.training.parts.metrics_confusion import ConfusionCounts, evenly_spread
from torchtwin.training.parts.reduction import ratio


class AUC(ConfusionCounts):
    """The area under a curve, "ROC", "PR" or "PRGAIN", as a sum over thresholds.

    Unlike an exact area it needs no memory of the outputs. `summation` takes the middle of two
    heights ("interpolation"), the lower ("minoring") or the higher ("majoring"). With
    `num_labels` it is the mean of the labels' areas, weighted by `label_weights`.
    """

    def __init__(
        self,
        num_thresholds=200,
        curve="ROC",
        summation="interpolation",
        *,
        thresholds=None,
        num_labels=None,
        label_weights=None,
        from_logits=False,
    ):
        last = num_thresholds - 1
        inner = [k / last for k in range(1, last)] if thresholds is None else sorted(thresholds)
        evenly = thresholds is None or evenly_spread([0.0, *inner, 1.0])
        # All outputs are above the first threshold and below the last, rounded or not.
        super().__init__([-1e-7, *inner, 1 + 1e-7], num_labels=num_labels, evenly=evenly)
        self.curve, self.summation, self.from_logits = curve, summation, from_logits
        self.separate, self.label_weights = num_labels is not None, label_weights

    def update(self, output, target, weight=None):
        super().update(output.sigmoid() if self.from_logits else output, target, weight)

    def count(self, output, target, weight):
        if self.label_weights is not None and not self.separate:
            weight = weight * weight.new_tensor(self.label_weights)
        super().count(output, target, weight)

    def compute(self):
        areas = self.interpolated() if self.interpolates() else self.summed()
        if self.label_weights is None or not self.separate:
            return areas.mean()
        weights = areas.new_tensor(self.label_weights)
        return ratio((areas * weights).sum(), weights.sum())

    def interpolates(self):
        return self.curve == "PR" and self.summation == "interpolation"

    def summed(self):
        x, y = self.points()
        middle = (y[:-1] + y[1:]) / 2
        lower, higher = torch.minimum(y[:-1], y[1:]), torch.maximum(y[:-1], y[1:])
        heights = {"interpolation": middle, "minoring": lower, "majoring": higher}[self.summation]
        return ((x[:-1] - x[1:]) * heights).sum(0)

    def points(self):
        """Return the curve, from the lowest threshold to the highest."""
        if self.curve == "ROC":
            negatives = self.false_positives + self.true_negatives
            return ratio(self.false_positives, negatives), self.recall()
        if self.curve == "PR":
            return self.recall(), self.precision()
        right = self.true_positives + self.false_negatives
        scale = ratio(right, self.true_negatives + self.false_positives)
        recall_gain = 1 - scale * ratio(self.false_negatives, self.true_positives)
        precision_gain = 1 - scale * ratio(self.false_positives, self.true_positives)
        none = self.true_positives == 0
        recall_gain = torch.where(none, 0.0, recall_gain).clamp(min=0)
        return recall_gain, torch.where(none, 1.0, precision_gain)

    def interpolated(self):
        """Interpolate true positives between thresholds, not precision (Davis & Goadrich 2006)."""
        positives = self.true_positives + self.false_positives
        lower, upper = positives[:-1], positives[1:]
        steps = self.true_positives[:-1] - self.true_positives[1:]
        slope = ratio(steps, (lower - upper).clamp(min=0))
        intercept = self.true_positives[1:] - slope * upper
        growth = torch.where((lower > 0) & (upper > 0), ratio(lower, upper.clamp(min=0)), 1.0)
        right = (self.true_positives[1:] + self.false_negatives[1:]).clamp(min=0)
        return ratio(slope * (steps + intercept * growth.log()), right).sum(0)
