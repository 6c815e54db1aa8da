"""Brings the optimizers of Keras 1 and 2 to Keras 3's vocabulary.

What the versions before TensorFlow 2.11 compute is in tf_keras/src/optimizers/legacy. Where it is
not what Keras 3 computes, an argument that Keras 3 does not have says so: `epsilon_outside` of
RMSprop and Adagrad, `schedule_decay` of Nadam.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torchtwin.training.entries import short
from torchtwin.upgrade.values import plain

EPSILON = 1e-7
OLD_RATES = {"sgd": 0.01, "adagrad": 0.01, "adadelta": 1.0, "adamax": 0.002, "nadam": 0.002}
"""The learning rates of Keras 1 and 2 that are not 0.001, for a config without one."""

AVERAGES_BEGIN = (
    "Keras 2 begins its averages with the weights before the first step, train.py with those after "
    "it: after n steps they differ by ema_momentum**n of the first step."
)
AVERAGES_LATER = "Keras 2 overwrites the weights with their averages one step earlier."


def upgraded_optimizer(entry: Any, version: str) -> Any:
    """Return an optimizer's entry as Keras 3 would have written it."""
    release = _release(version)
    entry = plain(entry)
    if release >= (3, 0) or entry is None:
        return entry
    if isinstance(entry, str):
        entry = {"class_name": entry, "config": {}}
    if not isinstance(entry, Mapping) or not isinstance(entry.get("config"), Mapping):
        return entry
    name = re.sub(r"^(Custom>)?(Experimental)?|(?<=LossScaleOptimizer)V[13]$", "", _class(entry))
    config = dict(entry["config"])
    if name.lower() == "lossscaleoptimizer":
        return _scaled(config, version)
    new = not is_old_optimizer(entry, version)
    rate = config.pop("lr", None)
    if rate is not None:
        config.setdefault("learning_rate", rate)
    if new:
        config = _new(config)
    else:
        config = _old(name.lower(), config, multi=release < (2, 4) and "tf" not in version)
    kept = {k: v for k, v in entry.items() if k not in ("class_name", "config", "registered_name")}
    registered = str(entry.get("registered_name") or "")
    if registered and not registered.startswith("Custom>"):
        kept["registered_name"] = registered
    return {**kept, "class_name": name, "config": config}


def is_old_optimizer(entry: Any, version: str) -> bool:
    """Tell whether an optimizer is one of those before TensorFlow 2.11."""
    release, entry = _release(version), plain(entry)
    if release >= (3, 0) or entry is None:
        return False
    if isinstance(entry, str):
        return release < (2, 11)
    config = entry.get("config") or {}
    new = ">" in _class(entry) or "Experimental" in _class(entry)
    new = new or config.get("is_legacy_optimizer") is False
    return not (new or (not config and release >= (2, 11)))


def _release(version: str) -> tuple[int, int]:
    found = re.match(r"(\d+)(?:\.(\d+))?", version)
    return (int(found[1]), int(found[2] or 0)) if found else (3, 0)


def _class(entry: Mapping[str, Any]) -> str:
    return str(entry.get("class_name"))


def _new(config: dict[str, Any]) -> dict[str, Any]:
    """Upgrade an optimizer of TensorFlow 2.11 and later: it is that of Keras 3."""
    if config.get("use_ema"):
        notes = [AVERAGES_BEGIN]
        notes += [AVERAGES_LATER] * bool(config.get("ema_overwrite_frequency"))
        config["differences"] = notes
    else:
        config.pop("ema_overwrite_frequency", None)  # 100 without a meaning in RMSprop's
    return config


def _old(name: str, config: dict[str, Any], *, multi: bool) -> dict[str, Any]:
    """Upgrade an optimizer before TensorFlow 2.11; `multi` is Keras of its own package."""
    config = {k: short(v) if isinstance(v, float) else v for k, v in config.items()}
    config.setdefault("learning_rate", OLD_RATES.get(name, 0.001))
    if isinstance(config["learning_rate"], int):
        config["learning_rate"] = float(config["learning_rate"])
    if "epsilon" in config:
        config["epsilon"] = config["epsilon"] or EPSILON
    decay = config.pop("decay", 0.0)
    if name == "nadam":  # its `decay` is that of the momentum
        config.setdefault("schedule_decay", decay or 0.004)
    elif decay and isinstance(config["learning_rate"], float):
        config["learning_rate"] = _decayed(config["learning_rate"], decay)
    elif decay:
        config["decay"] = decay  # a schedule that decays again is refused
    if name == "rmsprop":
        config["epsilon_outside"] = not config.get("momentum")
    if name == "adagrad":
        config["epsilon_outside"] = True
        config.setdefault("initial_accumulator_value", 0.0)
    if multi and config.get("clipnorm"):  # the norm of all gradients together
        config["global_clipnorm"] = config.pop("clipnorm")
    return {k: v for k, v in config.items() if not (k in ("clipnorm", "clipvalue") and not v)}


def _decayed(rate: float, decay: float) -> dict[str, Any]:
    """Return `rate / (1 + decay * step)` as a schedule."""
    config = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay}
    return {"class_name": "InverseTimeDecay", "config": config}


def _scaled(config: dict[str, Any], version: str) -> Any:
    """Upgrade a LossScaleOptimizer; one that is not dynamic is a factor of the inner optimizer."""
    inner = upgraded_optimizer(config.get("inner_optimizer"), version)
    dynamic = config.pop("dynamic", True)
    if dynamic or not isinstance(inner, Mapping):
        config["inner_optimizer"] = inner
        kept = ("inner_optimizer", "initial_scale", "dynamic_growth_steps")
        return {
            "class_name": "LossScaleOptimizer",
            "config": {k: v for k, v in config.items() if k in kept},
        }
    factor = {"loss_scale_factor": config.get("initial_scale")}
    return {**inner, "config": {**inner["config"], **factor}}
