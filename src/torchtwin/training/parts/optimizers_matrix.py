"""Optimizers that see a variable as a matrix."""

from __future__ import annotations

import torch

from torchtwin.training.parts.optimizer_base import PerVariable


class Adafactor(PerVariable):
    """Adafactor: the second moment of a matrix is kept as those of its rows and its columns.

    A group's `axes` are the rows' and the columns' axis, of its `shape` where that is not the
    parameter's own. torch.optim.Adafactor always takes the last two, which for a convolution are
    those of its kernel; for matrices it is the same.
    """

    def __init__(
        self, params, lr, *, beta_2_decay=-0.8, epsilon_1=1e-30, epsilon_2=1e-3, clip_threshold=1.0
    ):  # fmt: skip
        defaults = {"lr": lr, "beta_2_decay": beta_2_decay, "clip_threshold": clip_threshold}
        defaults.update(epsilon_1=epsilon_1, epsilon_2=epsilon_2)
        super().__init__(params, {"axes": (0, 1), "shape": None, **defaults})
        for group in self.param_groups:
            for p in group["params"][: 1 if group["stacked"] else None]:
                whole = torch.stack(group["params"]) if group["stacked"] else p
                square = torch.zeros_like(whole.detach()).reshape(group["shape"] or whole.shape)
                if group["axes"] and square.ndim > 1:
                    rows, columns = group["axes"]
                    self.state[p]["row_avg"] = square.mean(columns, keepdim=True)
                    self.state[p]["column_avg"] = square.mean(rows, keepdim=True)
                else:
                    self.state[p]["exp_avg_sq"] = square.reshape(whole.shape)

    def change(self, p, gradient, state, group):
        t = float(state["step"])
        rate = min(group["lr"], t**-0.5)
        square, new = gradient.square() + group["epsilon_1"], t ** group["beta_2_decay"]
        if "row_avg" in state:
            square = square.reshape(group["shape"] or p.shape)
            rows, columns = group["axes"]
            row = state["row_avg"].lerp(square.mean(columns, keepdim=True), new)
            column = state["column_avg"].lerp(square.mean(rows, keepdim=True), new)
            state.update(row_avg=row, column_avg=column)
            moment = (row / row.mean(rows, keepdim=True) * column).reshape(p.shape)
        else:
            moment = state["exp_avg_sq"].lerp_(square, new)
        update = gradient / moment.sqrt()
        too_long = (update.square().mean().sqrt() / group["clip_threshold"]).clamp(min=1)
        size = p.square().mean().sqrt().clamp(min=group["epsilon_2"])
        p.sub_(rate * size * update / too_long)


def orthogonalized(matrix, coefficients, steps):
    """Return about the orthogonal matrix nearest to `matrix`, by Newton's and Schulz's steps."""
    a, b, c = coefficients
    x = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x if matrix.shape[0] <= matrix.shape[1] else x.T


class Muon(PerVariable):
    """Muon: an orthogonalized momentum for matrices; Adam for groups with `adam`.

    A group's `shape` is the matrix's where it is not the parameter's own.

    torch.optim.Muon takes matrices only and rounds to bfloat16 on the way: 2e-2 of the loss and
    5e-2 in the weights over 100 steps of a small network.
    """

    def __init__(
        self, params, lr, *, momentum=0.95, nesterov=True, coefficients=(3.4445, -4.775, 2.0315),
        ns_steps=5, rms_rate=0.2, adam_betas=(0.9, 0.999), epsilon=1e-7, adam_lr_ratio=1,
    ):  # fmt: skip
        defaults = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "ns_steps": ns_steps}
        defaults.update(coefficients=coefficients, rms_rate=rms_rate, epsilon=epsilon)
        defaults.update(adam_betas=adam_betas, adam_lr_ratio=adam_lr_ratio)
        super().__init__(params, {"adam": False, "shape": None, **defaults}, ["momentum_buffer"])
        for group in self.param_groups:
            for p in group["params"] if group["adam"] else ():
                self.state[p]["exp_avg_sq"] = torch.zeros_like(p)

    def change(self, p, gradient, state, group):
        if group["adam"]:
            return self.change_by_adam(p, gradient, state, group)
        buffer = state["momentum_buffer"].mul_(group["momentum"]).add_(gradient)
        direction = gradient + group["momentum"] * buffer if group["nesterov"] else buffer
        matrix = direction.reshape(group["shape"] or p.shape)
        update = orthogonalized(matrix, group["coefficients"], group["ns_steps"])
        if group["rms_rate"] is not None:
            update = update * max(matrix.shape) ** 0.5 * group["rms_rate"]
        return p.sub_(update.reshape(p.shape), alpha=group["lr"])

    def change_by_adam(self, p, gradient, state, group):
        (beta1, beta2), t = group["adam_betas"], float(state["step"])
        mean = state["momentum_buffer"].lerp_(gradient, 1 - beta1)
        root = state["exp_avg_sq"].lerp_(gradient.square(), 1 - beta2).sqrt()
        rate = group["lr"] * group["adam_lr_ratio"] * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
        return p.addcdiv_(mean, root + group["epsilon"], value=-rate)
