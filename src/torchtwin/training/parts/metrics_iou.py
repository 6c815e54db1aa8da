"""Intersection over union."""

from __future__ import annotations

import torch
import torchmetrics


class IoU(torchmetrics.Metric):
    """The mean intersection over union of classes that occur, out of a confusion matrix.

    `one_hot` and `scores` tell that targets and outputs have an axis of classes. Labels that are
    no class, or `ignore_class`, do not count. The matrix holds whole numbers unless `set_dtype`
    says otherwise: weights lose their fraction.
    """

    full_state_update = False
    matrix: torch.Tensor

    def __init__(
        self, num_classes, classes=None, *, ignore_class=None, one_hot=False, scores=False, axis=-1
    ):
        super().__init__()
        self.classes = list(range(num_classes)) if classes is None else classes
        self.one_hot, self.scores, self.axis = one_hot, scores, axis
        self.ignore_class = ignore_class
        matrix = torch.zeros(num_classes, num_classes, dtype=torch.int32)
        self.add_state("matrix", matrix, dist_reduce_fx="sum")

    def update(self, output, target, weight=None):
        target = target.argmax(self.axis) if self.one_hot else target
        output = output.argmax(self.axis) if self.scores else output
        target, output = (x.to(self.matrix.dtype).flatten() for x in (target, output))
        weight = torch.ones_like(target) if weight is None else weight.to(self.matrix.dtype)
        weight = weight.flatten().expand_as(target)
        n = len(self.matrix)
        valid = (target >= 0) & (target < n) & (output >= 0) & (output < n)
        if self.ignore_class is not None:
            valid &= target != self.ignore_class
        cell = torch.where(valid, target.long() * n + output.long(), 0)
        counts = torch.zeros_like(self.matrix).flatten().scatter_add(0, cell, weight * valid)
        self.matrix += counts.reshape(n, n)

    def compute(self):
        intersection = self.matrix.diagonal()[self.classes]
        union = (self.matrix.sum(0) + self.matrix.sum(1))[self.classes] - intersection
        intersection, union = intersection.float(), union.float()
        occurs = union > 1e-9
        shares = torch.where(occurs, intersection / (union + 1e-7), 0.0)
        return shares.sum() / (occurs.float().sum() + 1e-7)


class BinaryIoU(IoU):
    """The mean intersection over union of outputs at or above a threshold, and of those below."""

    def __init__(self, classes=None, threshold=0.5):
        super().__init__(2, classes)
        self.threshold = threshold

    def update(self, output, target, weight=None):
        super().update(output.float() >= self.threshold, target, weight)
