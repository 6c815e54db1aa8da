"""Optimizers of Adam's family."""

from __future__ import annotations

import torch

from torchtwin.training.parts.optimizer_base import PerParameter, PerVariable, add_state


def place_epsilon(optimizer):
    """Let torch's Adam add epsilon to the root of the plain second moment.

    It adds `eps` to that of the corrected one, which is larger by the root of 1 - beta_2 ** t.
    """
    for group in optimizer.param_groups:
        steps = (optimizer.state[p]["step"] for p in group["params"] if p.grad is not None)
        t = float(next(steps, 0)) + 1
        group["eps"] = group["epsilon"] / (1 - group["betas"][1] ** t) ** 0.5


def on_cpu(params):
    """Tell whether torch's fused kernel, a third faster there, finds its step counts."""
    groups = [g if isinstance(g, dict) else {"params": [g]} for g in params]
    return all(p.device.type == "cpu" for g in groups for p in g["params"])


class Adam(torch.optim.Adam):
    """Adam with epsilon added to the root of the second moment before that is corrected.

    It matters in the first steps, and where gradients are about as small as epsilon. Over 100
    steps of a small network torch.optim.Adam with the same arguments is off by 2e-5 of the loss
    and 6e-5 in the weights; with an epsilon of 1e-3 by 5e-2 and 2e-2.
    """

    def __init__(self, params, lr, *, betas=(0.9, 0.999), epsilon=1e-7, amsgrad=False):
        super().__init__(params, lr=lr, betas=betas, amsgrad=amsgrad, fused=on_cpu(params))
        for group in self.param_groups:
            group["epsilon"] = epsilon
        add_state(self, "exp_avg", "exp_avg_sq", *["max_exp_avg_sq"] * amsgrad)

    def step(self, closure=None):
        place_epsilon(self)
        return super().step(closure)


class AdamW(torch.optim.AdamW):
    """AdamW with epsilon added to the root of the second moment before that is corrected.

    It matters in the first steps, and where gradients are about as small as epsilon. Over 100
    steps of a small network torch.optim.AdamW with the same arguments is off by 2e-5 of the loss
    and 6e-5 in the weights.
    """

    def __init__(
        self, params, lr, *, betas=(0.9, 0.999), epsilon=1e-7, weight_decay=0.004, amsgrad=False
    ):
        super().__init__(
            params, lr=lr, betas=betas, weight_decay=weight_decay, amsgrad=amsgrad,
            fused=on_cpu(params),
        )  # fmt: skip
        for group in self.param_groups:
            group["epsilon"] = epsilon
        add_state(self, "exp_avg", "exp_avg_sq", *["max_exp_avg_sq"] * amsgrad)

    def step(self, closure=None):
        place_epsilon(self)
        return super().step(closure)


class Adamax(PerParameter):
    """Adamax that adds epsilon to the norm when it divides.

    torch.optim.Adamax adds it to the gradients: 5e-9 of the loss and 4e-9 in the weights over 100
    steps of a small network.
    """

    def __init__(self, params, lr, *, betas=(0.9, 0.999), epsilon=1e-7):
        defaults = {"lr": lr, "betas": betas, "epsilon": epsilon}
        super().__init__(params, defaults, ["exp_avg", "exp_inf"])

    def change(self, p, gradient, state, group):
        beta1, beta2 = group["betas"]
        mean = state["exp_avg"].lerp_(gradient, 1 - beta1)
        norm = state["exp_inf"].mul_(beta2)
        torch.maximum(norm, gradient.abs(), out=norm)
        rate = group["lr"] / (1 - beta1 ** float(state["step"]))
        p.addcdiv_(mean, norm + group["epsilon"], value=-rate)


class Lamb(PerVariable):
    """LAMB: Adam's step, scaled for each variable to the norm of its weights."""

    def __init__(self, params, lr, *, betas=(0.9, 0.999), epsilon=1e-7):
        defaults = {"lr": lr, "betas": betas, "epsilon": epsilon}
        super().__init__(params, defaults, ["exp_avg", "exp_avg_sq"])

    def change(self, p, gradient, state, group):
        (beta1, beta2), t = group["betas"], float(state["step"])
        mean = state["exp_avg"].lerp_(gradient, 1 - beta1) / (1 - beta1**t)
        square = state["exp_avg_sq"].lerp_(gradient.square(), 1 - beta2) / (1 - beta2**t)
        update = mean / (square.sqrt() + group["epsilon"])
        weights, length = p.norm(), update.norm()
        ratio = torch.where((weights > 0) & (length > 0), weights / length, 1.0)
        p.sub_(group["lr"] * ratio * update)


class ScheduleFreeAdamW(PerParameter):
    """Schedule-free AdamW: gradients are taken between the fast weights and their average.

    The fast weights `z` are state; the average is found again from them and the parameter.
    """

    def __init__(self, params, lr, *, betas=(0.9, 0.999), epsilon=1e-8, warmup_steps=0):
        defaults = {"lr": lr, "betas": betas, "epsilon": epsilon, "warmup_steps": warmup_steps}
        super().__init__(params, defaults, ["z", "exp_avg_sq"])
        for p, state in self.state.items():
            state["z"].copy_(p.detach())

    def change(self, p, gradient, state, group):
        (beta1, beta2), t = group["betas"], float(state["step"])
        rate = group["lr"] * (min(t / group["warmup_steps"], 1) if group["warmup_steps"] else 1)
        square = state["exp_avg_sq"].lerp_(gradient.square(), 1 - beta2)
        root = (square / (1 - beta2**t)).sqrt_().add_(group["epsilon"])
        average = (p - (1 - beta1) * state["z"]) / beta1
        z = state["z"].addcdiv_(gradient, root, value=-rate)
        p.copy_(z.lerp(average.lerp(z, 1 / t), beta1))
