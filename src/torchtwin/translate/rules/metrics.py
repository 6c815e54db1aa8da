"""keras.metrics: metrics under the names that they have in the logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.training.metrics import metric_of
from torchtwin.training.metrics.classes import CLASSES
from torchtwin.training.metrics.functions import MEANS
from torchtwin.training.metrics.identify import snake
from torchtwin.training.parsing import bound
from torchtwin.training.pieces import Output
from torchtwin.translate.calls import CallView
from torchtwin.translate.parts.metrics import Mean, Named, OwnMetric, Sum, auto_name
from torchtwin.translate.registry import translates

UNKNOWN = Output("", (None, None))
"""What a program's output looks like before it runs."""
NAMED = frozenset([*MEANS, "RootMeanSquaredError", "R2Score", "F1Score", "FBetaScore"])
"""Classes with a name in their signature; others count those without a name of their own."""


@translates(*(f"keras.metrics.{name}" for name in (*MEANS, *CLASSES)))
def metric(made: CallView) -> Expr:
    name = made.name.rpartition(".")[2]
    config = bound(name, made.args, list(made.kwargs.items()), "metrics")
    return metric_expr(name, config)


def metric_expr(class_name: str, config: Mapping[str, Any]) -> Expr:
    """Return a metric of keras.metrics under its name."""
    entry = {"class_name": class_name, "module": "keras.metrics", "config": dict(config)}
    found = metric_of(entry, UNKNOWN)
    name: Any = found.name
    if config.get("name") is None and class_name not in NAMED:
        name = call(auto_name, snake(class_name))
    return call(Named, name, found.constructor)


@translates("keras.metrics.Mean", "keras.metrics.Sum")
def of_values(made: CallView) -> Expr:
    part = Mean if made.name.endswith("Mean") else Sum
    name, dtype = made.bound(name=None, dtype=None)
    if dtype not in (None, "float32"):
        raise UnsupportedError(f"{made.name}(dtype=...) is not translated")
    return call(part) if name is None else call(part, name)


@translates("keras.metrics.MeanMetricWrapper")
def of_function(made: CallView) -> Expr:
    kwargs = {k: v for k, v in made.kwargs.items() if k not in ("fn", "name", "dtype")}
    plain = CallView(
        made.name, made.args, {k: v for k, v in made.kwargs.items() if k not in kwargs}
    )
    function, name, _ = plain.bound("fn", name=None, dtype=None)
    if not isinstance(function, Expr):
        raise UnsupportedError(f"MeanMetricWrapper({function!r}) is not translated")
    name = {} if name is None else {"name": name}
    return call(OwnMetric, function, **name, **kwargs)


def of_string(name: str) -> Expr:
    """Return the metric that Keras knows by a string."""
    found = metric_of(name, UNKNOWN)
    return call(Named, found.name, found.constructor)


def of_function_named(name: str) -> Expr:
    """Return the metric of a function of keras.metrics or keras.losses, or of a class by itself."""
    if name in (*MEANS, *CLASSES):
        return metric_expr(name, {})
    found = metric_of({"class_name": "function", "config": name}, UNKNOWN)
    return call(Named, found.name, found.constructor)
