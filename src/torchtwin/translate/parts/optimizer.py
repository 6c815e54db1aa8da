"""An optimizer that gets its parameters later than its learning rate."""

from __future__ import annotations

import warnings

from torch import nn

from torchtwin.training.parts.optimizer_base import add_state
from torchtwin.training.parts.optimizer_steps import (
    accumulated,
    decay_weights,
    divide_gradients,
    parameters_of,
    set_learning_rate,
    update_averages,
    use_averages,
)


def clip_values(optimizer, limit):
    """Clip every number of the gradients to [-limit, limit]."""
    nn.utils.clip_grad_value_(parameters_of(optimizer), limit)


class Optimizer:
    """An optimizer of PyTorch that is made when a model has its parameters, at the first step.

    `rate` is the learning rate, or a function of the steps done; `options` are those of `kind`.
    """

    def __init__(
        self,
        kind,
        rate,
        clip=None,  # when: clip
        decay=None,  # when: decay
        averages=None,  # when: averages
        accumulation=None,  # when: accumulation
        loss_scale=None,  # when: loss_scale
        **options,
    ):
        self.kind, self.rate, self.options = kind, rate, options
        self.clip = clip  # when: clip
        self.decay = decay  # when: decay
        self.averages = averages  # when: averages
        self.accumulation = accumulation  # when: accumulation
        self.loss_scale = loss_scale  # when: loss_scale
        self.torch, self.made, self.iterations = None, [], 0
        self.first = [{"lr": rate}]

    def minimise(self, loss, parameters):
        """Take one step against the gradient of a loss."""
        if not parameters:  # when: trainable
            warnings.warn("no weights are trained", stacklevel=2)  # when: trainable
            return  # when: trainable
        self.build(parameters)
        self.torch.zero_grad()
        scale = self.loss_scale or 1.0  # when: loss_scale
        loss = loss * scale  # when: loss_scale
        loss.backward()
        divide_gradients(self.torch, scale)  # when: loss_scale
        self.iterations += 1
        if self.accumulates():  # when: accumulation
            return  # when: accumulation
        self.update(self.iterations - 1)

    def build(self, parameters):
        """Take the optimizer of these parameters, made where there is none yet."""
        wanted = {id(p) for p in parameters}
        known = [made for made in self.made if {id(p) for p in parameters_of(made)} == wanted]
        if not known:
            rate = self.rate(0) if callable(self.rate) else self.first[0]["lr"]
            known = [self.kind(parameters, lr=float(rate), **self.options)]
            self.start(known[0])  # when: averages | accumulation
            self.made += known
        self.torch = known[0]

    def start(self, made):
        """Make what a new optimizer keeps beside its own state."""
        if self.averages:  # when: averages
            add_state(made, "average")  # when: averages
        if self.accumulation:  # when: accumulation
            add_state(made, "accumulated")  # when: accumulation

    def accumulates(self):
        """Add up the gradients; tell whether there are not enough of them yet."""
        steps = self.accumulation
        return bool(steps) and not accumulated(self.torch, steps, self.iterations - 1)

    def update(self, count):
        """Take a step with the gradients that the parameters have."""
        if self.clip:  # when: clip
            self.clip[0](self.torch, self.clip[1])  # when: clip
        if callable(self.rate):
            set_learning_rate(self.torch, float(self.rate(count)))
        if self.decay:  # when: decay
            decay_weights(self.torch, self.decay)  # when: decay
        self.torch.step()
        if self.averages:  # when: averages
            self.move_averages(count)  # when: averages

    def move_averages(self, count):
        """Move the averages of the weights; put them in the place of the weights now and then."""
        momentum, every = self.averages
        count //= self.accumulation or 1  # when: accumulation
        update_averages(self.torch, momentum, first=count == 0)
        if every and (count + 1) % every == 0:
            use_averages(self.torch)

    def groups(self):
        """Return the groups of parameters with their learning rate."""
        return self.first if self.torch is None else self.torch.param_groups

    @property
    def param_groups(self):
        return self.groups()

    @property
    def learning_rate(self):
        """The learning rate of the next step."""
        if callable(self.rate):
            return float(self.rate(self.iterations))
        return self.groups()[0]["lr"]

    @learning_rate.setter
    def learning_rate(self, rate):
        self.rate = rate
        for group in self.groups():
            group["lr"] = float(rate)

    @property
    def state(self):
        return self.torch.state
