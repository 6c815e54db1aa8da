"""Learning rates that depend on the steps done: keras/src/optimizers/schedules."""

from __future__ import annotations

import math


class ExponentialDecay:
    """initial_learning_rate * decay_rate ** (step / decay_steps)."""

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False):
        self.first, self.steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase = decay_rate, staircase

    def __call__(self, step):
        done = float(step) / self.steps
        return self.first * self.decay_rate ** (math.floor(done) if self.staircase else done)


class InverseTimeDecay:
    """initial_learning_rate / (1 + decay_rate * step / decay_steps)."""

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False):
        self.first, self.steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase = decay_rate, staircase

    def __call__(self, step):
        done = float(step) / self.steps
        return self.first / (1 + self.decay_rate * (math.floor(done) if self.staircase else done))


class PiecewiseConstantDecay:
    """values[0] up to and with step boundaries[0], then values[1], and so on."""

    def __init__(self, boundaries, values):
        if len(values) != len(boundaries) + 1:
            raise ValueError("there is one value more than boundaries")
        self.boundaries, self.values = boundaries, values

    def __call__(self, step):
        passed = sum(step > int(boundary) for boundary in self.boundaries)
        return self.values[passed]


class PolynomialDecay:
    """From the initial to the end_learning_rate in decay_steps, as a power of what is left."""

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        end_learning_rate=0.0001,
        power=1.0,
        cycle=False,
    ):
        self.first, self.steps, self.last = initial_learning_rate, decay_steps, end_learning_rate
        self.power, self.cycle = power, cycle

    def __call__(self, step):
        step = float(step)
        steps = self.steps * (max(math.ceil(step / self.steps), 1) if self.cycle else 1)
        left = 1 - min(step, steps) / steps
        return (self.first - self.last) * left**self.power + self.last


class CosineDecay:
    """Half a cosine from initial_learning_rate to `alpha` times it.

    With `warmup_target` the rate rises there in `warmup_steps`, and falls from there.
    """

    def __init__(
        self, initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0
    ):
        self.first, self.steps, self.alpha = initial_learning_rate, decay_steps, alpha
        self.target, self.warmup = warmup_target, warmup_steps

    def __call__(self, step):
        step, top = float(step), self.first
        if self.target is not None:
            if step < self.warmup:
                return self.first + (self.target - self.first) * step / self.warmup
            step, top = step - self.warmup, self.target
        done = min(step, self.steps) / self.steps
        half = 0.5 * (1 + math.cos(math.pi * done))
        return top * ((1 - self.alpha) * half + self.alpha)


class CosineDecayRestarts:
    """Half cosines one after the other, each `t_mul` times as long and `m_mul` times as high."""

    def __init__(self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0):
        self.first, self.steps = initial_learning_rate, first_decay_steps
        self.t_mul, self.m_mul, self.alpha = t_mul, m_mul, alpha

    def __call__(self, step):
        done = float(step) / self.steps
        if self.t_mul == 1:
            restarts = math.floor(done)
            done -= restarts
        else:
            longer = self.t_mul
            restarts = math.floor(math.log(1 - done * (1 - longer)) / math.log(longer))
            done = (done - (1 - longer**restarts) / (1 - longer)) / longer**restarts
        half = 0.5 * self.m_mul**restarts * (1 + math.cos(math.pi * done))
        return self.first * ((1 - self.alpha) * half + self.alpha)
