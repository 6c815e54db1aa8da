"""What training adds to the loss for weights and outputs, and how weights are bounded.

A training loop adds `weight_penalties(model)` and what stands in `m.losses` of its modules behind
a forward pass, and empties those lists. After a step of the optimizer it calls `put_back(model)`.
"""

from __future__ import annotations

import torch
from torch import nn

from torchtwin.training.parts.regularizers import cosines


class BoundedParameter(nn.Parameter):
    """A parameter with a penalty that training adds to the loss, and a constraint."""

    penalty = None
    constraint = None

    def __new__(cls, data, penalty=None, constraint=None, requires_grad=True):
        parameter = super().__new__(cls, data, requires_grad)
        parameter.penalty, parameter.constraint = penalty, constraint
        return parameter

    def __deepcopy__(self, memo):
        copied = type(self)(
            self.data.clone(), self.penalty, self.constraint, requires_grad=self.requires_grad
        )
        memo[id(self)] = copied
        return copied


def penalized(module, **penalties):
    """Return a module whose parameters add to the loss in training: `weight=L2(1e-4)`."""
    known = getattr(module, "penalties", {})
    module.penalties = known | {name: f for name, f in penalties.items() if f is not None}
    return module


def constrained(module, **constraints):
    """Return a module whose parameters are bounded in training: `weight=MaxNorm(3.0)`."""
    known = getattr(module, "constraints", {})
    module.constraints = known | {name: f for name, f in constraints.items() if f is not None}
    return module


class L1L2:
    """l1·Σ|x| + l2·Σx²."""

    def __init__(self, l1=0.0, l2=0.0):
        self.l1, self.l2 = l1 or 0.0, l2 or 0.0

    def __call__(self, x):
        return self.l1 * x.abs().sum() + self.l2 * x.square().sum()


class L1(L1L2):
    """l1·Σ|x|."""

    def __init__(self, l1=0.01):
        super().__init__(0.01 if l1 is None else l1)


class L2(L1L2):
    """l2·Σx²."""

    def __init__(self, l2=0.01):
        super().__init__(0.0, 0.01 if l2 is None else l2)


class Cosines:
    """The mean absolute cosine between each two rows of a matrix, or columns, times a factor."""

    def __init__(self, factor=0.01, mode="rows"):
        self.factor, self.mode = factor, mode

    def __call__(self, x):
        return self.factor * cosines(x if self.mode == "rows" else x.T)


def penalty_of(given):
    """Return the penalty that a name stands for; a function stays what it is, None too."""
    names = {"l1": L1(), "l2": L2(), "l1l2": L1L2(), "orthogonal_regularizer": Cosines()}
    if isinstance(given, str):
        if given.lower() not in names:
            raise ValueError(f"{given!r} is not the name of a regulariser")
        return names[given.lower()]
    return given() if isinstance(given, type) else given


class Rearranged:
    """A penalty or constraint on a weight whose axes lie otherwise: at `order` in the weight."""

    def __init__(self, function, *order):
        self.function, self.order = function, order

    def __call__(self, x):
        result = self.function(x.permute(self.order))
        if result.dim() == 0:
            return result
        return result.permute(sorted(range(x.dim()), key=self.order.__getitem__))


class OutputPenalty(nn.Module):
    """Hands its input on, and notes in `losses` its penalty by sample."""

    def __init__(self, penalty):
        super().__init__()
        self.penalty, self.losses = penalty, []

    def forward(self, x):
        if self.penalty is not None:
            self.losses.append(self.penalty(x) / max(len(x), 1))
        return x


class MaxNorm:
    """Shortens the vectors along `dim` to at most `max_value`."""

    def __init__(self, max_value=2.0, dim=0):
        self.max_value, self.dim = max_value, dim

    def __call__(self, x):
        norm = x.square().sum(self.dim, keepdim=True).sqrt()
        return x * (norm.clamp(0, self.max_value) / (norm + 1e-7))


class MinMaxNorm:
    """Brings the lengths of the vectors along `dim` between two bounds, by the share `rate`."""

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, dim=0):
        self.min_value, self.max_value, self.rate, self.dim = min_value, max_value, rate, dim

    def __call__(self, x):
        norm = x.square().sum(self.dim, keepdim=True).sqrt()
        wanted = norm.clamp(self.min_value, self.max_value)
        return x * ((self.rate * wanted + (1 - self.rate) * norm) / (norm + 1e-7))


class UnitNorm:
    """Gives the vectors along `dim` the length one."""

    def __init__(self, dim=0):
        self.dim = dim

    def __call__(self, x):
        return x / (x.square().sum(self.dim, keepdim=True).sqrt() + 1e-7)


class NonNegative:
    """Sets what is negative to zero."""

    def __call__(self, x):
        return x.clamp(min=0)


def constraint_of(given):
    """Return the constraint that a name stands for; a function stays what it is, None too."""
    names = {
        "max_norm": MaxNorm(),
        "min_max_norm": MinMaxNorm(),
        "unit_norm": UnitNorm(),
        "non_neg": NonNegative(),
    }
    if isinstance(given, str):
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in given).lstrip("_")
        if name not in names:
            raise ValueError(f"{given!r} is not the name of a constraint")
        return names[name]
    return given() if isinstance(given, type) else given


def weights_with(model, kind, kinds):
    """Yield every weight of a model that has a function of a kind, and the function."""
    for module in model.modules():
        for name, function in vars(module).get(kinds, {}).items():
            if getattr(module, name) is not None:
                yield getattr(module, name), function
    for parameter in model.parameters():
        if getattr(parameter, kind, None) is not None:
            yield parameter, getattr(parameter, kind)


def weight_penalties(model):
    """Return what the weights of a model that are trained add to the loss."""
    found = weights_with(model, "penalty", "penalties")
    return [penalty(weight) for weight, penalty in found if weight.requires_grad]


def put_back(model):
    """Set the weights of a model, after an update, to where their constraints allow them."""
    with torch.no_grad():
        for weight, constraint in weights_with(model, "constraint", "constraints"):
            if weight.requires_grad:
                weight.copy_(constraint(weight))


def penalize_output(module, _, output):
    """Note in `losses` what a module's `activity_regularizer` says of its output: a hook."""
    if module.activity_regularizer is not None:
        for x in output if isinstance(output, list | tuple) else [output]:
            module.losses.append(module.activity_regularizer(x) / max(len(x), 1))
