"""keras.losses: objects that a program calls or gives to `compile`, and functions that it calls."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, call
from torchtwin.training.losses import ALIASES, CLASSES, FUNCTIONS, REDUCTIONS
from torchtwin.training.metrics.functions import FUNCTIONS as VALUES
from torchtwin.training.metrics.functions import mean_of
from torchtwin.training.parsing import bound
from torchtwin.training.parts import losses_overlap
from torchtwin.training.parts.metric_values import crossentropy_of_known
from torchtwin.training.parts.metrics import CrossentropyOfKnown
from torchtwin.translate.calls import CallView, tensor_of
from torchtwin.translate.parts.losses import LossOf, LossOfKnown
from torchtwin.translate.registry import translates

OVERLAP = {
    "dice": (losses_overlap.dice, {"axis": "dim"}),
    "tversky": (losses_overlap.tversky, {"axis": "dim", "alpha": "alpha", "beta": "beta"}),
}
"""Losses that are no metrics: what each is in PyTorch, and what its arguments are called."""
DEFAULTS: Mapping[str, dict[str, Any]] = {
    "CategoricalGeneralizedCrossEntropy": {"q": 0.5},
    "LogCosh": {"name": "log_cosh"},
    "Huber": {"name": "huber_loss"},
}
SHORT = {name: function for name, function in ALIASES.items() if name not in FUNCTIONS}


def values_of(function: str, config: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the part that a function of keras.losses is, and its arguments."""
    function = ALIASES.get(function, function)
    if function in OVERLAP:
        part, renamed = OVERLAP[function]
        unknown = [k for k in config if k not in renamed]
        if unknown:
            raise UnsupportedError(f"{function}({unknown[0]}=...) is not translated")
        return part, {renamed[k]: v for k, v in config.items()}
    key = "losses.cosine_similarity" if function == "cosine_similarity" else function
    if key not in VALUES:
        raise UnsupportedError(f"the loss {function} is not translated")
    made = mean_of(key, config, function).constructor
    assert isinstance(made, Call)
    if made.function is CrossentropyOfKnown:
        return crossentropy_of_known, dict(made.kwargs)
    return made.args[0], dict(made.kwargs)


def loss_expr(function: str, config: Mapping[str, Any]) -> Expr:
    """Return a loss object; `config` has the arguments of the class in Keras."""
    given = {k: v for k, v in config.items() if k != "dtype"}
    if str(config.get("dtype") or "float32") != "float32":
        raise UnsupportedError(f"the loss {function}(dtype=...) is not translated")
    options: dict[str, Any] = {}
    reduction = given.pop("reduction", "sum_over_batch_size")
    if isinstance(reduction, str):
        reduction = reduction.lower()
    if isinstance(reduction, Expr) or reduction not in REDUCTIONS:
        raise UnsupportedError(f"the reduction {reduction!r} of a loss is not translated")
    if REDUCTIONS[reduction] != "sum_over_batch_size":
        options["reduction"] = REDUCTIONS[reduction]
    name = given.pop("name", None)
    part, arguments = values_of(function, given)
    if name is not None and name != part.__name__:
        options["name"] = name
    kind = LossOfKnown if part is crossentropy_of_known else LossOf
    return call(kind, part, **options, **arguments)


@translates(*(f"keras.losses.{name}" for name in CLASSES))
def loss(made: CallView) -> Expr:
    name = made.name.rpartition(".")[2]
    config = bound(name, made.args, list(made.kwargs.items()), "losses")
    usual = {"name": CLASSES[name], **DEFAULTS.get(name, {})}  # in the logs, as a metric
    return loss_expr(CLASSES[name], {**usual, **config})


def _arguments(function: str) -> list[str]:
    """Return the arguments of a function of keras.losses behind targets and outputs."""
    rule = FUNCTIONS[ALIASES.get(function, function)]
    return [name for name in inspect.signature(rule).parameters if name != "given"]


@translates(
    *(
        f"keras.{home}.{name}"
        for home in ("losses", "metrics")
        for name in (*FUNCTIONS, *SHORT)
        if name not in ("crossentropy", "circle")
    )
)
def function(made: CallView) -> Expr:
    """A function of keras.losses gives the loss of each sample."""
    home, _, name = made.name.rpartition(".")
    optional = dict.fromkeys(_arguments(name), inspect.Parameter.empty)
    target, output, *rest = made.bound("y_true", "y_pred", **optional)
    given = {k: v for k, v in zip(optional, rest, strict=True) if v is not inspect.Parameter.empty}
    if home == "keras.metrics" and ALIASES.get(name, name) == "cosine_similarity":
        raise UnsupportedError(f"{made.name} is not translated")
    part, arguments = values_of(name, given)
    return call(part, tensor_of(output), tensor_of(target), **arguments)


def of_string(name: str) -> Expr:
    """Return the loss that Keras knows by a string."""
    if name in CLASSES:
        return loss_expr(CLASSES[name], dict(DEFAULTS.get(name, {})))
    if name.lower() in ("crossentropy", "ce") or ALIASES.get(name, name) not in FUNCTIONS:
        raise UnsupportedError(f"the loss {name!r} is not translated")
    return loss_expr(name, {"name": name} if len(name) > 4 else {})
