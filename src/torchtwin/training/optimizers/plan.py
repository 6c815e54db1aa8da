"""What is decided about an optimizer: data from which train.py and its state are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torchtwin.expr import Call, Var
from torchtwin.training.schedules import Schedule

PARAMETERS, RATE = Var("parameters"), Var("rate")
"""What a constructor is called with: the parameters or their groups, and the learning rate."""


@dataclass(frozen=True)
class Slot:
    """A tensor that the optimizer keeps for each variable: torch's key, and how it is filled.

    `keras` is Keras's own name of it. `add` is added to Keras's values. `kind` "rows" and
    "columns" are Adafactor's factored moments, "full" what it keeps in their place, "adam" what
    only variables have that Muon leaves to Adam.
    """

    key: str
    keras: str
    add: float = 0.0
    kind: str = ""


@dataclass(frozen=True)
class Single:
    """One optimizer. `constructor` calls it with `PARAMETERS` and `lr=RATE`.

    `blocks` are its slots in Keras's order: those of a block alternate from variable to variable.
    `layout` says what it must know of a variable: "" nothing, "norm" which parameters are one
    variable, "matrix" also which axes are rows and columns, "muon" also which Adam moves.
    `lazy` are the slots that torch makes in the first step, `numbers` those of them that are
    single numbers, with their first value. `clip` is the name of a rule and its limit.
    """

    name: str
    constructor: Call
    rate: float | Schedule
    blocks: tuple[tuple[Slot, ...], ...] = ()
    layout: str = ""
    lazy: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    clip: tuple[str, float] | None = None
    decay: float | None = None
    own_decay: bool = False
    adam_decay: float | None = None
    loss_scale: float | None = None
    averages: tuple[float, int | None] | None = None
    accumulation: int | None = None
    excluded: tuple[str, ...] = ()
    exclude_embeddings: bool = False
    undecayed: tuple[int, ...] = ()
    differences: tuple[str, ...] = ()

    @property
    def scheduled(self) -> bool:
        return isinstance(self.rate, Schedule)


@dataclass(frozen=True)
class Scaling:
    """A dynamic loss scale: its first value, and after how many good steps it doubles."""

    initial: float
    growth_steps: int


@dataclass(frozen=True)
class OptimizerPlan:
    """An optimizer as train.py has it.

    `singles` are one, or the several of a MultiOptimizer with `patterns` for the paths of their
    variables, "" for the one that takes the others.
    """

    name: str
    singles: tuple[Single, ...]
    patterns: tuple[str, ...] = ("",)
    scaling: Scaling | None = None

    @property
    def differences(self) -> tuple[str, ...]:
        """Sentences on what differs from Keras, with its size."""
        return tuple(dict.fromkeys(d for single in self.singles for d in single.differences))

    @property
    def squares(self) -> bool:
        """Tell whether steps depend on the squares of gradients."""
        return any(single.name not in ("SGD", "Lion") for single in self.singles)

    @property
    def averages(self) -> bool:
        """Tell whether `use_averages` ends the training, as in Keras."""
        return any(single.averages for single in self.singles)
