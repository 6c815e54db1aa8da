"""A recurrence whose step is a function of the program."""

from __future__ import annotations

import torch


def run_steps(step, inputs, states, backwards=False, mask=None, constants=(), zero_output=False):
    """Call `step(x, states)` along axis 1; return the last output, all outputs, the last states.

    Where the mask, (batch, steps), is False the states stay, and so does the output: with
    `zero_output` it is zero. Constants come behind the states.
    """
    states, outputs, keep = list(states), [], None
    count = inputs.shape[1]
    for t in reversed(range(count)) if backwards else range(count):
        output, new = step(inputs[:, t], (*states, *constants))
        if mask is not None:
            keep = mask[:, t].bool()
            before = torch.zeros_like(output) if zero_output or not outputs else outputs[-1]
            output = _where(keep, output, before)
            new = [_where(keep, a, b) for a, b in zip(new, states, strict=True)]
        outputs.append(output)
        states = list(new)
    return outputs[-1], torch.stack(outputs, dim=1), states


def _where(keep, new, old):
    return torch.where(keep.view(-1, *[1] * (new.dim() - 1)), new, old)
