"""What a training is for: the losses and the metrics of each output of a model."""

from __future__ import annotations

import torch

from torchtwin.nn.penalties import weight_penalties
from torchtwin.translate.parts.losses import Loss, OwnLoss
from torchtwin.translate.parts.metrics import Metric, Named, OwnMetric
from torchtwin.translate.parts.structures import as_tensor, flat, for_each, mapped


class Average:
    """The average of a figure over the samples so far."""

    def __init__(self):
        self.total, self.count = 0.0, 0

    def add(self, value, samples):
        self.total += value.detach() * samples
        self.count += samples

    def result(self):
        return self.total / max(self.count, 1)


class Goals:
    """The losses and metrics of a model, and their figures over an epoch.

    Each is given as one for all outputs, a list in their order or a dict by their names.
    """

    def __init__(self, loss=None, loss_weights=None, metrics=None, weighted_metrics=None):
        self.given, self.names = (loss, loss_weights, metrics, weighted_metrics), None
        self.figures, self.metrics = {"loss": Average()}, []
        self.masks = []  # when: masked
        self.inner = []  # when: update_state

    def build(self, outputs, names):
        """Find out which loss and which metrics belong to which output."""
        if isinstance(outputs, dict):
            names = names if names and set(names) == set(outputs) else sorted(outputs)
        count = len(flat(outputs))
        self.names = list(names) if names else [None] * count
        loss, weights, metrics, weighted = self.given
        self.losses = for_each(loss, self.names)
        self.losses = [as_loss(part) for part in self.losses]  # when: own
        self.loss_weights = for_each(weights, self.names)
        for group, uses_weights in ((metrics, False), (weighted, True)):
            parts = [flat(group)] if count == 1 else for_each(group or {}, self.names)
            for k, part in enumerate(parts):
                for metric in flat(part):
                    metric = as_metric(metric)  # when: own
                    if metric is not None:
                        self.add(k, metric, uses_weights)
        if sum(part is not None for part in self.losses) > 1:
            for k in self.order(outputs, loss):
                name = self.names[k] or self.losses[k].name
                self.figures[f"{name}_loss"] = Average()

    def order(self, outputs, loss):
        """Return the places of the losses in their order: that of a dict for a dict of outputs."""
        places = [k for k, part in enumerate(self.losses) if part is not None]
        if isinstance(loss, dict) and isinstance(outputs, dict):
            places.sort(key=lambda k: list(loss).index(self.names[k]))
        return places

    def add(self, k, metric, weighted):
        """Add a metric of output `k`, under a name that no other has."""
        before = f"{self.names[k]}_" if len(self.names) > 1 and self.names[k] else ""
        taken = [name for name, *_ in self.metrics]
        name = first = f"{before}{metric.name}"
        if weighted and name in taken:
            name = first = f"{before}weighted_{metric.name}"
        number = 0
        while name in taken:
            number += 1
            name = f"{first}_{number}"
        metric.reset_state()  # it may come from a training before
        self.metrics.append((name, metric, k, weighted))

    def loss(self, outputs, targets, weights, additional, samples):
        """Return the loss of a batch, and add it to the figures."""
        terms = list(additional)
        for k, (loss, y_true, y_pred, weight) in enumerate(
            zip(self.losses, targets, outputs, weights, strict=True)
        ):
            if loss is not None:
                mask = None
                mask = self.masks[k] if k < len(self.masks) else None  # when: masked
                value = loss(y_true, y_pred, weight, mask)
                name = f"{self.names[k] or loss.name}_loss"
                if name in self.figures:
                    self.figures[name].add(value, samples)
                factor = self.loss_weights[k]
                terms.append(value if factor is None else value * factor)
        if not terms:
            raise ValueError("there is nothing to minimise: the model has no loss")
        total = torch.stack([term.sum() for term in terms]).sum() if terms[1:] else terms[0]
        self.figures["loss"].add(total, samples)
        return total

    @torch.no_grad()
    def measure(self, outputs, targets, weights):
        """Add a batch to the metrics."""
        for _, metric, k, weighted in self.metrics:
            options = {"sample_weight": weights[k]} if weighted else {}
            if k < len(self.masks) and isinstance(metric, Named):  # when: masked
                options["mask"] = self.masks[k]  # when: masked
            metric.update_state(targets[k], outputs[k].detach(), **options)

    def arranged(self, targets, weights, outputs, names):
        """Return the target, the weights of the samples and the tensor of each output."""
        if self.names is None:
            self.build(outputs, names)
        outputs, targets = flat(outputs, self.names), flat(targets, self.names)
        if len(targets) < len(outputs):  # outputs without a loss may have no target
            given = iter(targets)
            targets = [None if loss is None else next(given, None) for loss in self.losses]
        weights = flat(weights, self.names)
        weights = weights if len(weights) == len(targets) else weights[:1] * len(targets)
        like = outputs[0]
        return *(mapped(lambda x: as_tensor(x, like), part) for part in (targets, weights)), outputs

    def logs(self):
        """Return all figures by name, as numbers."""
        found = {name: average.result() for name, average in self.figures.items()}
        found |= {name: metric.result() for name, metric, *_ in self.metrics}
        found |= {metric.name: metric.result() for metric in self.inner}  # when: update_state
        return {name: as_number(found[name]) for name in sorted(found)}

    def in_order(self, logs):
        """Return the figures as a list, the loss first; the loss alone where there is no more."""
        names = ["loss", *(metric.name for _, metric, *_ in self.metrics), *self.figures]
        names = [name for k, name in enumerate(names) if k == 0 or name != "loss"]
        found = [logs[name] for name in names if name in logs]
        found += [logs[name] for name in sorted(logs) if name not in names]
        return found if len(found) > 1 else found[0]

    def reset(self):
        self.figures = {name: Average() for name in self.figures}
        for _, metric, *_ in self.metrics:
            metric.reset_state()
        for metric in self.inner:  # when: update_state
            metric.reset_state()  # when: update_state


def metrics_inside(model):
    """Return the metrics that layers measure themselves."""
    found = [value for part in model.modules() for value in vars(part).values()]
    return [value for value in found if isinstance(value, Metric)]


def as_loss(given):
    """Return a loss; a function of (target, output) becomes one."""
    return given if given is None or isinstance(given, Loss) else OwnLoss(given)


def as_metric(given):
    """Return a metric; a function of (target, output) is averaged over the samples."""
    return OwnMetric(given) if callable(given) and not isinstance(given, Metric) else given


def as_number(value):
    """Return a figure as a number, or an array where it has several."""
    value = torch.as_tensor(value).detach()
    return value.item() if value.numel() == 1 else value.cpu().numpy()


def clear_losses(model):
    """Forget what the last call has added to the loss."""
    for module in model.modules():
        vars(module).get("losses", []).clear()


def additional_losses(model):
    """Return what the last call has added to the loss, and the penalties on weights."""
    found = []
    for module in model.modules():
        found += vars(module).get("losses", [])
    found += weight_penalties(model)  # when: penalized
    return [torch.as_tensor(value).sum() for value in found]
