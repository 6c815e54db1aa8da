"""What the optimizers here share: a loop over parameters, or over variables made of them."""

from __future__ import annotations

import torch


def add_state(optimizer, *slots, **numbers):
    """Make state now that would come with the first step: checkpoints then always hold it.

    Each parameter gets zeros of its shape for every slot, the numbers, and a count of steps.
    """
    for group in optimizer.param_groups:
        for p in group["params"]:
            state = optimizer.state[p]
            state.update({n: torch.tensor(float(v)) for n, v in {"step": 0, **numbers}.items()})
            state.update({slot: torch.zeros_like(p) for slot in slots})


class PerParameter(torch.optim.Optimizer):
    """Changes one parameter after the other; its state is there from the beginning."""

    def __init__(self, params, defaults, slots=()):
        super().__init__(params, defaults)
        add_state(self, *slots)

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self.change_group(group)
        return loss

    def change(self, p, gradient, state, group):
        raise NotImplementedError

    def change_group(self, group):
        for p in group["params"]:
            if p.grad is not None:
                state = self.state[p]
                state["step"] += 1
                self.change(p, p.grad, state, group)


class PerVariable(PerParameter):
    """Like PerParameter; in a group that is `stacked` the parameters are rows of one variable.

    The bias of a GRU is such a variable: norms and moments are of both of its rows together.
    """

    def __init__(self, params, defaults, slots=()):
        super().__init__(params, {"stacked": False, **defaults}, slots)
        for group in self.param_groups:
            if group["stacked"]:
                first, *others = group["params"]
                whole = torch.stack(group["params"]).detach()
                self.state[first].update({slot: torch.zeros_like(whole) for slot in slots})
                for p in others:
                    del self.state[p]

    def change_group(self, group):
        if not group["stacked"]:
            return super().change_group(group)
        rows = group["params"]
        whole, gradient = torch.stack(rows), torch.stack([p.grad for p in rows])
        state = self.state[rows[0]]
        state["step"] += 1
        self.change(whole, gradient, state, group)
        for p, row in zip(rows, whole, strict=True):
            p.copy_(row)
        return None
