"""What one training step does beside the optimizer's own step."""

from __future__ import annotations

import torch


def trained(module):
    """Return the parameters that are trained."""
    return [p for p in module.parameters() if p.requires_grad]


def grouped(module, special, names=None):
    """Return the trained parameters as groups: the pairs (names, options) of `special`, the rest.

    With `names` only those parameters are taken.
    """
    left = {n: p for n, p in module.named_parameters() if p.requires_grad}
    if names is not None:
        left = {n: left[n] for n in names}
    groups = [{"params": [left.pop(n) for n in chosen], **options} for chosen, options in special]
    return [{"params": list(left.values())}, *groups] if left else groups


def parameters_of(optimizer):
    """Return all parameters of an optimizer."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def set_learning_rate(optimizer, rate):
    """Give every group of the optimizer the same learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def clip_each_norm(optimizer, limit):
    """Scale the gradient of each variable down to the norm `limit`.

    Parameters in a group that is `stacked` are one variable, with one norm.
    """
    for group in optimizer.param_groups:
        gradients = [p.grad for p in group["params"] if p.grad is not None]
        for variable in [gradients] if group.get("stacked") else [[g] for g in gradients]:
            norm = torch.stack([g.square().sum() for g in variable]).sum().sqrt()
            for gradient in variable:
                gradient.mul_(limit / norm.clamp(min=limit))


def clip_global_norm(optimizer, limit):
    """Scale all gradients down to the norm `limit` together.

    nn.utils.clip_grad_norm_ adds 1e-6 to the norm, which makes 4e-7 of the loss in 100 steps.
    """
    gradients = [p.grad for p in parameters_of(optimizer) if p.grad is not None]
    norm = torch.stack([g.square().sum() for g in gradients]).sum().sqrt()
    for gradient in gradients:
        gradient.mul_(limit / norm.clamp(min=limit))


@torch.no_grad()
def decay_weights(optimizer, rate=0.0):
    """Shrink the weights by `rate` times the learning rate, as AdamW does.

    A group's own "decay" comes before `rate`. The `weight_decay` of torch.optim.SGD and others
    goes into the gradient instead.
    """
    for group in optimizer.param_groups:
        for p in group["params"]:
            if p.grad is not None:
                p.mul_(1 - group["lr"] * group.get("decay", rate))


def accumulated(optimizer, count, step):
    """Add up the gradients; return True when `count` of them are there, then as their average."""
    last = (step + 1) % count == 0
    for p in parameters_of(optimizer):
        total = optimizer.state[p]["accumulated"]
        if p.grad is not None:
            total.add_(p.grad)
        if last:
            p.grad = total / count
            total.zero_()
    return last


@torch.no_grad()
def update_averages(optimizer, momentum, first):
    """Move the average of every parameter towards it; the first time it is the parameter."""
    for p in parameters_of(optimizer):
        optimizer.state[p]["average"].lerp_(p, 1.0 if first else 1 - momentum)


@torch.no_grad()
def use_averages(optimizer):
    """Give every parameter the value of its average, where it has one."""
    for p in parameters_of(optimizer):
        if "average" in optimizer.state[p]:
            p.copy_(optimizer.state[p]["average"])


@torch.no_grad()
def swap_averages(optimizer):
    """Exchange every parameter with its average; a second call undoes it."""
    for p in parameters_of(optimizer):
        if "average" in optimizer.state[p]:
            average, value = optimizer.state[p]["average"], p.detach().clone()
            p.copy_(average)
            average.copy_(value)


def divide_gradients(optimizer, scale):
    """Divide the gradients by what the loss was multiplied with."""
    for p in parameters_of(optimizer):
        if p.grad is not None:
            p.grad.div_(scale)


def scale_loss(loss, optimizer):
    """Multiply the loss by the scale that keeps small gradients from becoming zero in float16."""
    return loss * optimizer.param_groups[0]["loss_scale"]


def unscale(optimizer, growth_steps):
    """Divide the gradients by the loss scale; return False when one is not finite.

    The scale is halved then, and doubled after `growth_steps` finite ones.
    """
    scale = optimizer.param_groups[0]
    finite = True
    for p in parameters_of(optimizer):
        if p.grad is not None:
            finite = finite and bool(p.grad.isfinite().all())
            p.grad.div_(scale["loss_scale"])
    if not finite:
        scale.update(loss_scale=scale["loss_scale"] / 2, finite_steps=0)
        scale["skipped"] += 1
        return False
    scale["finite_steps"] += 1
    if scale["finite_steps"] == growth_steps:
        scale.update(loss_scale=scale["loss_scale"] * 2, finite_steps=0)
    return True


class Several(torch.optim.Optimizer):
    """Several optimizers as one, each with parameters of its own."""

    def __init__(self, *optimizers):
        super().__init__(
            [{**g, "optimizer": k} for k, o in enumerate(optimizers) for g in o.param_groups], {}
        )
        self.optimizers = optimizers
        for optimizer in optimizers:
            self.state.update(optimizer.state)

    def parts(self):
        """Return the optimizers; they work on the groups and the state of this one."""
        for k, optimizer in enumerate(self.optimizers):
            optimizer.param_groups = [g for g in self.param_groups if g["optimizer"] == k]
            optimizer.state = self.state
        return self.optimizers

    def step(self, closure=None):
        loss = None if closure is None else closure()
        for optimizer in self.parts():
            optimizer.step()
        return loss
