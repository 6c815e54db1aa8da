"""The pieces of train.py for people with a loop of their own."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


class BatchLoss:
    """The loss of a batch as Keras adds it up: those of the outputs, weighted, and the penalties
    on weights and activities.

    `loss(module, inputs, targets)` runs the module; tensors, or tuples of them in the order of
    the model's inputs and outputs. `weights` are sample weights, (batch,) or as the output's.
    Returns a scalar to call `backward()` on.
    """

    def __init__(self, training: types.ModuleType) -> None:
        self.training = training

    def __call__(
        self, module: Any, inputs: Any, targets: Any, weights: Sequence[torch.Tensor] = ()
    ) -> torch.Tensor:
        made = self.training
        if active := hasattr(made, "activity_terms"):
            for part in module.modules():
                if isinstance(part, made.ActivityPenalty):
                    part.recording = True
        outputs = made.Outputs(module)(*made.as_tuple(inputs))
        penalties: Any = 0.0
        if hasattr(made, "penalty"):
            *outputs, penalties = outputs
        outputs, masks = outputs[: len(made.OUTPUTS)], outputs[len(made.OUTPUTS) :]
        terms = made.losses(outputs, made.as_tuple(targets), made.as_tuple(weights), masks)
        if active:
            terms |= made.activity_terms(module)
        total: Any = penalties
        for name, (share, divisor) in terms.items():
            total = total + made.LOSS_WEIGHTS.get(name, 1.0) * made.ratio(share, divisor)
        result: torch.Tensor = total
        return result
