"""What every train.py defines for its model, and the rest of its code calls.

These are stand-ins, never copied: torchtwin writes the real ones from what `compile` was given.
"""

from __future__ import annotations

INPUTS: list = []
"""For each input its name, its shape without the batch, the axis of the channels if they are not
last, and whether the shape must be met."""
TARGETS: list = []
"""The same for each target."""
OUTPUTS: list = []
"""The names of the outputs."""
LOSS_WEIGHTS: dict = {}
"""The factor of each output's loss in the total."""


def losses(outputs, targets, weights, masks):
    """Return the loss of each output: a sum over its samples, and what that is divided by."""
    raise NotImplementedError


def predictions(outputs):
    """Return the outputs behind their activations, as the metrics take them."""
    raise NotImplementedError


def make_metrics():
    """Return the metrics by the names in the logs."""
    raise NotImplementedError


def update_metrics(metrics, outputs, targets, weights, masks):
    """Add a batch to the metrics; `outputs` are behind their activations."""
    raise NotImplementedError


def make_optimizer(module):
    """Return the optimizer of the parameters that are trained."""
    raise NotImplementedError


def update(loss, module, optimizer, step):
    """Take one step of the optimizer."""
    raise NotImplementedError


def penalty(module):
    """Return what the regularisers of the weights add to the loss."""
    raise NotImplementedError


def make_callbacks():
    """Return what acts between the batches and the epochs."""
    raise NotImplementedError


def load():
    """Return the module of model.py with its weights."""
    raise NotImplementedError
