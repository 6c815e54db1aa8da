"""What layers say of the loss themselves, in training."""

from __future__ import annotations

from torchtwin.nn.penalties import weight_penalties


def forget_losses(module):
    """Empty what the layers' calls have added to the loss so far."""
    for part in module.modules():
        vars(part).get("losses", []).clear()


def added_losses(module):
    """Return what the last call of the layers has added to the loss, with the penalties on the
    weights that have one of their own."""
    found = weight_penalties(module)
    for part in module.modules():
        found += vars(part).get("losses", [])
    zero = next(module.parameters()).new_zeros(())
    return sum((term.sum() for term in found), zero)
