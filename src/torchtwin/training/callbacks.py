"""Which callback of `fit` becomes which class of train.py.

The classes in parts/ decide as Keras's do (keras/src/callbacks); here their arguments are checked,
and what Keras looks up while it trains (whether a metric is better when larger) is written out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, call
from torchtwin.refusals import refusal
from torchtwin.training.metrics.functions import ALIASES
from torchtwin.training.metrics.identify import snake
from torchtwin.training.parsing import bound, signatures
from torchtwin.training.parts import callbacks as parts
from torchtwin.training.parts import records, saving

PARTS: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        parts.EarlyStopping, parts.ReduceLROnPlateau, parts.LearningRateScheduler,
        parts.TerminateOnNaN, saving.ModelCheckpoint, saving.BackupAndRestore,
        saving.SwapEMAWeights, records.CSVLogger, records.TensorBoard, records.RemoteMonitor,
    )
}  # fmt: skip
LARGER = frozenset([
    "AUC", "Accuracy", "BinaryAccuracy", "BinaryIoU", "CategoricalAccuracy",
    "ConcordanceCorrelation", "CosineSimilarity", "F1Score", "FBetaScore", "IoU", "MeanIoU",
    "OneHotIoU", "OneHotMeanIoU", "PearsonCorrelation", "Precision", "PrecisionAtRecall",
    "R2Score", "Recall", "RecallAtPrecision", "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "SpecificityAtSensitivity",
    "TopKCategoricalAccuracy",
])  # fmt: skip
"""Metrics whose `_direction` is "up" in Keras."""
SMALLER = frozenset([
    "BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalHinge", "Hinge", "KLDivergence",
    "LogCoshError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Poisson", "RootMeanSquaredError",
    "SparseCategoricalCrossentropy", "SquaredHinge",
])  # fmt: skip
"""Metrics whose `_direction` is "down" in Keras."""


def callbacks_of(
    entries: Any,
    metrics: Mapping[str, Any] | None = None,
    *,
    scheduled: bool = False,
    averages: bool = True,
) -> list[Call]:
    """Return the calls that make the callbacks, in the order in which they are called.

    `entries` are a list or one. `scheduled` says that the optimizer has a learning rate schedule,
    `averages` that it keeps averages of the weights.
    """
    listed = entries if isinstance(entries, list | tuple) else [entries]
    calls = [callback_of(entry, metrics) for entry in listed]
    for made in calls:
        if scheduled and made.function in (parts.ReduceLROnPlateau, parts.LearningRateScheduler):
            raise UnsupportedError(
                f"{made.function.__name__} beside a schedule of the optimizer",
                hint="Keras refuses it, too: give the optimizer a number as its learning rate",
            )
        if not averages and made.function is saving.SwapEMAWeights:
            raise UnsupportedError(
                "SwapEMAWeights, where the optimizer keeps no averages",
                hint="give the optimizer use_ema=True",
            )
    return sorted(calls, key=lambda made: bool(made.function.last))


def callback_of(entry: Any, metrics: Mapping[str, Any] | None = None) -> Call:
    """Return the call that makes a callback, from its name or {"class_name", "config"}.

    `metrics` gives the entry of every metric by its name in the logs, without "val_".
    """
    name, config = _named(entry)
    if (refused := refusal("callbacks", name)) is not None:
        raise refused.error(name)
    if name not in PARTS:
        raise UnsupportedError(
            f"{name} is not a callback of Keras", hint=f"there are {', '.join(PARTS)}"
        )
    config = bound(name, (), list(config.items()), "callbacks")
    part = PARTS[name]
    if issubclass(part, parts.Monitor):
        config = _with_mode(name, config, metrics or {})
    if name in ADAPTED:
        config = ADAPTED[name](config)
    _check(part, config)
    return call(part, **config)


def _named(entry: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(entry, str):
        return entry, {}
    if isinstance(entry, Mapping) and isinstance(entry.get("config"), Mapping):
        return str(entry.get("class_name")), dict(entry["config"])
    raise UnsupportedError(f"{entry!r} is not a callback", hint="give one as EarlyStopping(...)")


def direction(entry: Any) -> str:
    """Return "max" or "min" for an entry of `metrics`, "" where Keras knows of none.

    A function is averaged, and Keras knows the direction of those that are losses.
    """
    if isinstance(entry, Mapping):
        name, config = entry.get("class_name"), entry.get("config")
        if name == "MeanMetricWrapper" and isinstance(config, Mapping):
            name, config = "function", config.get("fn")
            config = config.get("config") if isinstance(config, Mapping) else config
        if name == "function":
            losses = {snake(loss) for loss in signatures()["losses"]}
            return "min" if ALIASES.get(str(config), config) in losses else ""
        entry = name
    if str(entry).lower() in ("accuracy", "acc"):
        return "max"
    wanted = ALIASES.get(str(entry), entry)
    classes = {spelt: c for c in LARGER | SMALLER for spelt in (c, snake(c))}
    found = classes.get(wanted)
    return "" if found is None else "max" if found in LARGER else "min"


def _with_mode(name: str, config: dict[str, Any], metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Write out the mode that Keras finds by the metric (keras/src/callbacks/monitor_callback)."""
    mode = config.pop("mode", "auto")
    watched = str(config.get("monitor", "val_loss")).removeprefix("val_")
    if name == "ModelCheckpoint" and not config.get("save_best_only"):
        return config
    if mode not in ("min", "max"):  # Keras takes any other word for "auto"
        if watched == "loss":
            return config
        mode = direction(metrics.get(watched))
    if not mode:
        raise UnsupportedError(
            f"whether {watched} is better when smaller or larger is not known to {name}",
            hint='say mode="min" or mode="max"',
        )
    return {**config, "mode": mode}


def _model_checkpoint(config: dict[str, Any]) -> dict[str, Any]:
    """The weights alone are saved, in safetensors, with or without save_weights_only."""
    config.pop("save_weights_only", None)
    _frequency(config)
    if "filepath" in config:
        path = str(config["filepath"])
        for ending in (".weights.h5", ".h5", ".keras", ".safetensors"):
            path = path.removesuffix(ending)
        config["filepath"] = f"{path}.safetensors"
    return config


def _backup(config: dict[str, Any]) -> dict[str, Any]:
    _frequency(config)
    if not config.get("backup_dir"):
        raise UnsupportedError("BackupAndRestore without a folder", hint="give it backup_dir")
    return config


def _frequency(config: Mapping[str, Any]) -> None:
    every = config.get("save_freq", "epoch")
    if every != "epoch" and (isinstance(every, bool) or not isinstance(every, int) or every < 1):
        raise UnsupportedError(
            f"save_freq={every!r} is not translated", hint='say "epoch" or a number of batches'
        )


def _tensor_board(config: dict[str, Any]) -> dict[str, Any]:
    """No graph of the Keras model is written: there is no Keras model in train.py."""
    config.pop("write_graph", None)
    for argument in ("write_images", "profile_batch", "embeddings_freq", "embeddings_metadata"):
        if config.pop(argument, None):
            raise UnsupportedError(
                f"TensorBoard's {argument} is not translated", hint="leave it out"
            )
    every = config.get("update_freq", "epoch")
    if every not in ("epoch", "batch") and (not isinstance(every, int) or every < 1):
        raise UnsupportedError(
            f"TensorBoard's update_freq={every!r} is not translated",
            hint='say "epoch", "batch" or a number of batches',
        )
    return config


def _scheduler(config: dict[str, Any]) -> dict[str, Any]:
    """A schedule is a table: the rates of the epochs, or {epoch: rate from there on}."""
    table = config.get("schedule")
    if isinstance(table, list | tuple):
        table = dict(enumerate(table))
    try:
        steps = sorted((int(epoch), float(rate)) for epoch, rate in dict(table).items())  # type: ignore[arg-type]
    except (TypeError, ValueError):
        steps = []
    if not steps:
        raise UnsupportedError(
            "the schedule of LearningRateScheduler is no table of learning rates",
            hint="give {0: 0.1, 10: 0.01} or [0.1, 0.1, 0.01]; a schedule of Keras, such as "
            "ExponentialDecay, is the learning_rate of the optimizer; a function can be given to "
            "LearningRateScheduler in train.py",
        )
    return {**config, "schedule": call(parts.RateTable, *steps)}


ADAPTED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "ModelCheckpoint": _model_checkpoint,
    "BackupAndRestore": _backup,
    "TensorBoard": _tensor_board,
    "LearningRateScheduler": _scheduler,
}


def _check(part: Any, config: Mapping[str, Any]) -> None:
    """Refuse values of another type than the defaults, and what the class itself refuses."""
    for argument, parameter in inspect.signature(part).parameters.items():
        value, default = config.get(argument, parameter.default), parameter.default
        if default is parameter.empty and value is parameter.empty:
            raise UnsupportedError(f"{part.__name__} needs its argument {argument}")
        number = isinstance(default, int | float) and not isinstance(default, bool)
        if number and not isinstance(value, int | float):
            raise UnsupportedError(f"{part.__name__}: {argument}={value!r} is no number")
        if isinstance(default, bool) and value not in (True, False):
            raise UnsupportedError(f"{part.__name__}: {argument}={value!r} is not true or false")
    try:
        part(**config)
    except (TypeError, ValueError) as error:
        raise UnsupportedError(f"{part.__name__}: {error}") from None
