"""From an entry of `metrics` to the metric: names, Keras's own, and which accuracy is meant.

As keras/src/trainers/compile_utils.py, `get_metric`, has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.training.metrics.classes import CLASSES, counted
from torchtwin.training.metrics.functions import (
    ALIASES,
    FUNCTIONS,
    MEANS,
    batch_mean,
    function_of,
    mean_of,
    unknown,
)
from torchtwin.training.own import own_metric
from torchtwin.training.parts import metric_values
from torchtwin.training.parts.metrics import SampleMean
from torchtwin.training.pieces import Metric, Output

DEFAULT_NAMES = {"LogCoshError": "logcosh", "FBetaScore": "fbeta_score"}
"""Names that Keras does not make of the name of the class."""

INTEGERS = ("sparse_", "categorical_generalized")
"""How the losses begin whose targets are numbers of classes, and those whose targets look like
outputs, on which Keras insists."""
ALIKE = ("categorical_crossentropy", "categorical_focal", "binary_", "bce")


def metric_of(entry: str | Mapping[str, Any], output: Output, loss: str | None = None) -> Metric:
    """Return the metric that an entry of `metrics` stands for, at one output of the model.

    `loss` is the identifier of that output's loss. It tells what targets look like, and so which
    accuracy "accuracy" is; where it does not, the batches will tell.
    """
    if (own := own_metric(entry)) is not None:
        return own
    if isinstance(entry, str):
        return _named(entry, output, loss)
    class_name, config = _keras_own(entry)
    if str(entry.get("module")).startswith("keras.losses") and class_name != "function":
        return batch_mean(class_name, config)
    if class_name == "function":
        return function_of(config, {}, config)
    name = config.get("name") or DEFAULT_NAMES.get(class_name) or snake(class_name)
    if class_name == "MeanMetricWrapper":
        return _wrapper(config, name)
    return _of_class(class_name, config, output, name)


def snake(name: str) -> str:
    """Return the name of a class as Keras writes it in logs, see keras/src/utils/naming.py."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _keras_own(entry: Mapping[str, Any]) -> tuple[str, Any]:
    """Return class name and config of an object, if it is Keras's and not one of the user's."""
    class_name, config = entry.get("class_name"), entry.get("config")
    if not isinstance(class_name, str) or not isinstance(config, (Mapping, str)):
        raise UnsupportedError(f"the metric {entry!r} is not understood")
    module, registered = str(entry.get("module") or "keras"), entry.get("registered_name")
    name = config if isinstance(config, str) else class_name
    own = module.split(".", maxsplit=1)[0] in ("keras", "tf_keras", "builtins")
    if not own or registered not in (None, "function", class_name, name):
        raise unknown(str(registered or name))
    if isinstance(config, str) != (class_name == "function"):
        raise UnsupportedError(f"the metric {entry!r} is not understood")
    return class_name, config


def _named(name: str, output: Output, loss: str | None) -> Metric:
    if name.lower() in ("accuracy", "acc"):
        return Metric(name, call(SampleMean, _accuracy(output, loss)), masked=True)
    wanted = ALIASES.get(name, name)
    for class_name in (*MEANS, *CLASSES):
        if wanted in (class_name, snake(class_name)):
            return _of_class(class_name, {}, output, name)
    if wanted not in FUNCTIONS:
        raise unknown(name)
    return mean_of(wanted, {}, name)


def _accuracy(output: Output, loss: str | None) -> Callable[..., Any]:
    """Return what `is_binary_or_sparse_categorical` finds out from the shapes of a batch."""
    named = snake(loss or "")
    if output.shape[-1] == 1:
        return metric_values.binary_accuracy
    if output.shape[-1] is not None and named.startswith(INTEGERS):
        return metric_values.sparse_categorical_accuracy
    if output.shape[-1] is not None and named.startswith(ALIKE):
        return metric_values.categorical_accuracy
    return metric_values.accuracy


def _wrapper(config: Mapping[str, Any], name: str) -> Metric:
    """Keras 3 writes a function as an object, Keras 2 as the name that its metrics have for it."""
    function, rest = config.get("fn"), {k: v for k, v in config.items() if k != "fn"}
    if isinstance(function, str):
        return mean_of(function, rest, name)
    class_name, function = _keras_own(function if isinstance(function, Mapping) else {})
    if class_name != "function":
        raise unknown(class_name)
    return function_of(function, rest, name)


def _of_class(class_name: str, config: Mapping[str, Any], output: Output, name: str) -> Metric:
    if class_name in MEANS:
        return mean_of(MEANS[class_name], config, name)
    if class_name not in CLASSES:
        raise unknown(class_name)
    return counted(class_name, config, output, name)
