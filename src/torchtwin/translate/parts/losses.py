"""Losses of a batch, as programs call them: with the targets first."""

from __future__ import annotations

import torch

from torchtwin.training.parts.reduction import ratio, same_rank, weighted_sum


class Loss:
    """A loss: `call` gives that of each sample, weights and `reduction` make one number of them."""

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        self.name, self.reduction = name, reduction
        self.dtype = getattr(torch, str(dtype or "float32").rpartition(".")[2])

    def call(self, y_true, y_pred):
        raise NotImplementedError

    def __call__(self, y_true, y_pred, sample_weight=None, mask=None):
        y_pred = torch.as_tensor(y_pred)
        y_true = torch.as_tensor(y_true, dtype=y_pred.dtype, device=y_pred.device)
        values = self.call(y_true, y_pred)
        total, divisor = weighted_sum(values, sample_weight, mask, self.reduction)
        if self.reduction in ("none", None):
            return values if sample_weight is None else values * sample_weight
        return ratio(total, divisor)


class LossOf(Loss):
    """The loss of a function of (output, target)."""

    def __init__(self, values, *, reduction="sum_over_batch_size", name=None, **options):
        super().__init__(name or values.__name__, reduction)
        self.values, self.options = values, options

    def call(self, y_true, y_pred):
        return self.values(y_pred, y_true, **self.options)


class OwnLoss(Loss):
    """The loss of a function of the program, which takes the targets first: (n,) as (n, 1)."""

    def __init__(self, function):
        super().__init__(getattr(function, "__name__", None))
        self.function = function

    def call(self, y_true, y_pred):
        return self.function(*same_rank(y_true, y_pred))


class LossOfKnown(LossOf):
    """A loss of class numbers that leaves out those that are `ignore_class`."""

    def __init__(self, values, *, ignore_class, **options):
        super().__init__(values, ignore_class=ignore_class, **options)

    def __call__(self, y_true, y_pred, sample_weight=None, mask=None):
        known = torch.as_tensor(y_true, device=y_pred.device) != self.options["ignore_class"]
        known = known.reshape(y_pred.shape[:-1])
        return super().__call__(
            y_true, y_pred, sample_weight, known if mask is None else known & mask
        )
