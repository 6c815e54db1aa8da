"""Optimizers that keep sums and averages of gradients."""

from __future__ import annotations

from torchtwin.training.parts.optimizer_base import PerParameter


class SGD(PerParameter):
    """Gradient descent whose velocity holds the learning rate: v = momentum * v - lr * gradient.

    torch.optim.SGD multiplies by it afterwards, which is the same until the rate changes: halved
    every 20 steps, it is off by 16 % of the loss after 100 steps of a small network.
    """

    def __init__(self, params, lr, *, momentum, nesterov=False):
        defaults = {"lr": lr, "momentum": momentum, "nesterov": nesterov}
        super().__init__(params, defaults, ["velocity"])

    def change(self, p, gradient, state, group):
        velocity = state["velocity"].mul_(group["momentum"]).sub_(gradient, alpha=group["lr"])
        if group["nesterov"]:
            p.add_(velocity, alpha=group["momentum"]).sub_(gradient, alpha=group["lr"])
        else:
            p.add_(velocity)


class RMSprop(PerParameter):
    """RMSprop with epsilon under the root, and the learning rate inside the momentum.

    torch.optim.RMSprop adds epsilon to the root and multiplies by the rate afterwards: 7e-4 of
    the loss and 5e-3 in the weights over 100 steps of a small network.
    """

    def __init__(self, params, lr, *, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
        defaults = {"lr": lr, "rho": rho, "momentum": momentum, "epsilon": epsilon}
        slots = ["square_avg", *["momentum_buffer"] * (momentum > 0), *["grad_avg"] * centered]
        super().__init__(params, {**defaults, "centered": centered}, slots)

    def change(self, p, gradient, state, group):
        square = state["square_avg"].lerp_(gradient.square(), 1 - group["rho"])
        if group["centered"]:
            square = square - state["grad_avg"].lerp_(gradient, 1 - group["rho"]).square()
        update = group["lr"] * gradient / (square + group["epsilon"]).sqrt()
        if group["momentum"] > 0:
            update = state["momentum_buffer"].mul_(group["momentum"]).add_(update)
        p.sub_(update)


class Lion(PerParameter):
    """Lion: the sign of an average of gradients, with the same step for every weight."""

    def __init__(self, params, lr, *, betas=(0.9, 0.99)):
        super().__init__(params, {"lr": lr, "betas": betas}, ["exp_avg"])

    def change(self, p, gradient, state, group):
        beta1, beta2 = group["betas"]
        p.sub_(state["exp_avg"].lerp(gradient, 1 - beta1).sign_(), alpha=group["lr"])
        state["exp_avg"].lerp_(gradient, 1 - beta2)


class Ftrl(PerParameter):
    """Follow the regularized leader: weights are computed anew from sums of gradients.

    The first step forgets the weights that it started from.
    """

    def __init__(
        self, params, lr, *, power=-0.5, initial_accumulator_value=0.1, l1=0.0, l2=0.0,
        l2_shrinkage=0.0, beta=0.0,
    ):  # fmt: skip
        defaults = {"lr": lr, "power": power, "l1": l1, "l2": l2, "beta": beta}
        defaults["l2_shrinkage"] = l2_shrinkage
        super().__init__(params, defaults, ["accumulator", "linear"])
        for state in self.state.values():
            state["accumulator"].fill_(initial_accumulator_value)

    def change(self, p, gradient, state, group):
        lr, power, l1 = group["lr"], -group["power"], group["l1"]
        before = state["accumulator"].pow(power)
        after = state["accumulator"].add_(gradient.square()).pow(power)
        linear = state["linear"].add_(gradient + 2 * group["l2_shrinkage"] * p)
        linear.sub_((after - before) / lr * p)
        quadratic = after / lr + 2 * group["l2"] + group["beta"] / lr
        p.copy_((linear.clamp(-l1, l1) - linear) / quadratic)
