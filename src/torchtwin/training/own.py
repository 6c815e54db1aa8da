"""Losses and metrics of the model's author, translated from the source that was given with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.emit.helpers import closure, own_of
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, call
from torchtwin.rule import own_function, own_object
from torchtwin.training.parts.losses import of_targets, of_targets_as_given
from torchtwin.training.pieces import OUTPUT, TARGET, Loss, Metric

OF_BASE = ("name", "reduction", "dtype", "fn")
"""What the configs of Keras's own Loss and Metric hold."""
TAKEN = frozenset({
    "losses", "predictions", "make_metrics", "update_metrics", "make_optimizer", "make_callbacks",
    "penalty", "constrain", "update", "load", "main", "INPUTS", "TARGETS", "OUTPUTS",
    "LOSS_WEIGHTS",
})  # fmt: skip
"""What train.py defines for every model."""
SHARED = (
    "Of several processes, each reports the {} of its own share of the data: it is a class of the "
    "model's author."
)


def own_loss(entry: Any, reductions: Mapping[Any, str]) -> Loss | None:
    """Return a loss that the author's source defines, None where it has none of this name."""
    name, config = _read(entry)
    function = own_function(name) if name else None
    reduction = reductions.get(config.get("reduction", "sum_over_batch_size"))
    if reduction is None:
        raise UnsupportedError(f"the reduction {config['reduction']!r} of a loss")
    if function is not None:
        _check_names(function)
        return Loss(call(of_targets, function, OUTPUT, TARGET), name, reduction)
    made = _made(name, config)
    if made is None:
        return None
    shown = name.rpartition(">")[2]
    return Loss(call(of_targets_as_given, made, OUTPUT, TARGET), shown, reduction)


def own_metric(entry: Any) -> Metric | None:
    """Return a metric that the author's source defines, None where it has none of this name."""
    from torchtwin.training.parts.metrics import Adapted, TargetsFirst  # torchmetrics is slow

    name, config = _read(entry)
    function = own_function(name) if name else None
    shown = str(config.get("name") or name.rpartition(">")[2])
    if function is not None:
        _check_names(function)
        return Metric(shown, call(TargetsFirst, function))
    made = _made(name, config)
    if made is None:
        return None
    return Metric(shown, call(Adapted, made), (SHARED.format(shown),))


def _read(entry: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the name of a function or class, and its config."""
    if isinstance(entry, str):
        return entry, {}
    if not isinstance(entry, Mapping):
        return "", {}
    kind, config = str(entry.get("class_name")), entry.get("config")
    if kind == "function":
        registered = str(entry.get("registered_name"))
        return (registered if ">" in registered else str(config)), {}
    if not isinstance(config, Mapping):
        return "", {}
    if kind in ("LossFunctionWrapper", "MeanMetricWrapper"):
        return _read(config.get("fn"))[0], config
    registered = str(entry.get("registered_name"))
    return (registered if ">" in registered else kind), config


def _made(name: str, config: Mapping[str, Any]) -> Call | None:
    """Return the call that makes an object of a class of the author's."""
    if not name:
        return None
    made: Call | None = own_object(name, config, OF_BASE)
    if made is not None:
        _check_names(made.function)
    return made


def _check_names(helper: Any) -> None:
    """Refuse what has the name of something that train.py has too."""
    from torchtwin.custom.blocks import helper_names

    for part in closure([helper]):
        if own_of(part) is not None and part.__name__ in TAKEN | helper_names():
            raise UnsupportedError(
                f"{part.__name__}: train.py itself has something of this name",
                hint="give it another name, in the model and in its source",
            )
