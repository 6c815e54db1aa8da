"""Optimizers: an entry of a compile config, as code for train.py and as state."""

from torchtwin.training.optimizers.decide import optimizer_of
from torchtwin.training.optimizers.emit import optimizer_code
from torchtwin.training.optimizers.plan import OptimizerPlan
from torchtwin.training.optimizers.state import optimizer_state
from torchtwin.training.optimizers.upgrade import is_old_optimizer, upgraded_optimizer
from torchtwin.training.optimizers.variables import Trained, trained_variables

__all__ = [
    "OptimizerPlan",
    "Trained",
    "is_old_optimizer",
    "optimizer_code",
    "optimizer_of",
    "optimizer_state",
    "trained_variables",
    "upgraded_optimizer",
]
