"""keras.callbacks, as `fit` takes them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.training.callbacks import PARTS, callback_of, direction
from torchtwin.training.parsing import bound
from torchtwin.training.parts.callbacks import LearningRateScheduler, Monitor
from torchtwin.translate.calls import CallView
from torchtwin.translate.parts.callbacks import FunctionCallback
from torchtwin.translate.parts.history import History
from torchtwin.translate.registry import translates

MADE = sorted({*PARTS} - {"BackupAndRestore"})
MOMENTS = ["on_epoch_begin", "on_epoch_end", "on_train_begin", "on_train_end",
           "on_train_batch_begin", "on_train_batch_end"]  # fmt: skip
"""The places of LambdaCallback's arguments."""
NUMBERED = re.compile(r"_\d+$")


@translates(*(f"keras.callbacks.{name}" for name in MADE))
def callback(made: CallView) -> Expr:
    return callback_expr(made.name.rpartition(".")[2], made.args, made.kwargs, {})


def callback_expr(
    name: str, args: Any, kwargs: Mapping[str, Any], metrics: Mapping[str, str]
) -> Expr:
    """Return a callback; `metrics` are classes of Keras by the names that a program gave them."""
    config = bound(name, args, list(kwargs.items()), "callbacks")
    if name == "LearningRateScheduler":
        return call(LearningRateScheduler, **config)
    part = PARTS[name]
    config.pop("save_weights_only", None)
    given = {k: v for k, v in config.items() if isinstance(v, Expr)}
    path = config.get("filepath")
    known = {k: v for k, v in config.items() if k not in given}
    for parameter in inspect.signature(part).parameters.values():
        if parameter.default is parameter.empty and parameter.name in given:
            known[parameter.name] = "x"
    watched = str(known.get("monitor", "val_loss"))
    if issubclass(part, Monitor) and "monitor" in given and "mode" not in given:
        if known.get("mode", "auto") == "auto":
            raise UnsupportedError(
                f"{name} watches a figure that only the program knows", hint="give it mode="
            )
    elif issubclass(part, Monitor) and "mode" not in given and not _is_loss(watched):
        known["mode"] = _mode(known.get("mode", "auto"), watched, metrics)
    elif issubclass(part, Monitor) and _is_loss(watched):
        known["mode"] = known.get("mode", "auto") if known.get("mode") == "max" else "min"
    result = callback_of({"class_name": name, "config": known})
    options = {**result.kwargs, **given}
    if path is not None:
        options["filepath"] = path
    if options.get("mode") == "min" and watched in ("val_loss", "loss"):
        options.pop("mode")
    return call(part, *result.args, **options)


def _is_loss(name: str) -> bool:
    return name.removeprefix("val_") == "loss" or name.endswith("_loss")


def _mode(mode: str, watched: str, metrics: Mapping[str, str]) -> str:
    """Return whether a figure is better when larger, as Keras finds out from the metric."""
    if mode in ("min", "max"):
        return mode
    name = watched.removeprefix("val_")
    plain = NUMBERED.sub("", name)
    words = plain.split("_")
    ends = ["_".join(words[k:]) for k in range(len(words))]
    for candidate in [metrics.get(name), metrics.get(plain), name, *ends]:
        found = direction(candidate) if candidate else ""
        if found:
            return found
    raise UnsupportedError(
        f"whether {watched} is better when smaller or larger is not known", hint="give mode="
    )


@translates("keras.callbacks.LambdaCallback")
def functions(made: CallView) -> Expr:
    return call(FunctionCallback, **dict(zip(MOMENTS, made.args, strict=False)), **made.kwargs)


@translates("keras.callbacks.History")
def history(made: CallView) -> Expr:
    made.bound()
    return call(History)
