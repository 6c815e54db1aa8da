"""Metrics that are the mean over samples of a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, call
from torchtwin.refusals import refusal
from torchtwin.training.metrics.arguments import arguments, with_dtype
from torchtwin.training.parts import losses, losses_crossentropy, metric_values
from torchtwin.training.parts.metrics import BatchMean, CrossentropyOfKnown, SampleMean
from torchtwin.training.pieces import Metric

AXIS, LOGITS = {"axis": "dim"}, {"from_logits": "from_logits"}
SMOOTHED = {**AXIS, **LOGITS, "label_smoothing": "label_smoothing"}
FOCAL = {**SMOOTHED, "alpha": "alpha", "gamma": "gamma"}

FUNCTIONS: dict[str, tuple[Callable[..., Any], Mapping[str, str]]] = {
    "accuracy": (metric_values.exact_accuracy, {}),
    "binary_accuracy": (metric_values.binary_accuracy, {"threshold": "threshold"}),
    "categorical_accuracy": (metric_values.categorical_accuracy, {}),
    "sparse_categorical_accuracy": (metric_values.sparse_categorical_accuracy, {}),
    "top_k_categorical_accuracy": (metric_values.top_k_categorical_accuracy, {"k": "k"}),
    "sparse_top_k_categorical_accuracy": (
        metric_values.sparse_top_k_categorical_accuracy,
        {"k": "k", "from_sorted_ids": "from_sorted_ids"},
    ),
    "mean_squared_error": (losses.squared_error, {}),
    "mean_absolute_error": (losses.absolute_error, {}),
    "mean_absolute_percentage_error": (losses.absolute_percentage_error, {}),
    "mean_squared_logarithmic_error": (losses.squared_logarithmic_error, {}),
    "huber": (losses.huber, {"delta": "delta"}),
    "log_cosh": (losses.log_cosh, {}),
    "cosine_similarity": (metric_values.cosine_similarity, AXIS),
    "pearson_correlation": (metric_values.pearson_correlation, AXIS),
    "concordance_correlation": (metric_values.concordance_correlation, AXIS),
    "hinge": (losses.hinge, {}),
    "squared_hinge": (losses.squared_hinge, {}),
    "categorical_hinge": (losses.categorical_hinge, {}),
    "kl_divergence": (losses.kl_divergence, {}),
    "poisson": (losses.poisson, {}),
    "binary_crossentropy": (losses_crossentropy.binary_crossentropy, SMOOTHED),
    "categorical_crossentropy": (losses_crossentropy.categorical_crossentropy, SMOOTHED),
    "sparse_categorical_crossentropy": (
        losses_crossentropy.crossentropy,
        {**AXIS, **LOGITS, "ignore_class": "ignore_class"},
    ),
    "binary_focal_crossentropy": (
        losses_crossentropy.binary_focal_crossentropy,
        {**FOCAL, "apply_class_balancing": "balanced"},
    ),
    "categorical_focal_crossentropy": (losses_crossentropy.categorical_focal_crossentropy, FOCAL),
    "categorical_generalized_cross_entropy": (
        losses_crossentropy.generalized_crossentropy, {"q": "q"}
    ),
    "ctc": (losses_crossentropy.ctc, {}),
    "losses.cosine_similarity": (losses.negative_cosine_similarity, AXIS),
}  # fmt: skip
"""The functions of keras.metrics and keras.losses that give a figure a sample, what each is in
PyTorch and what its arguments are called."""

MEANS = {
    "Accuracy": "accuracy",
    "BinaryAccuracy": "binary_accuracy",
    "CategoricalAccuracy": "categorical_accuracy",
    "SparseCategoricalAccuracy": "sparse_categorical_accuracy",
    "TopKCategoricalAccuracy": "top_k_categorical_accuracy",
    "SparseTopKCategoricalAccuracy": "sparse_top_k_categorical_accuracy",
    "MeanSquaredError": "mean_squared_error",
    "MeanAbsoluteError": "mean_absolute_error",
    "MeanAbsolutePercentageError": "mean_absolute_percentage_error",
    "MeanSquaredLogarithmicError": "mean_squared_logarithmic_error",
    "LogCoshError": "log_cosh",
    "CosineSimilarity": "cosine_similarity",
    "PearsonCorrelation": "pearson_correlation",
    "ConcordanceCorrelation": "concordance_correlation",
    "Hinge": "hinge",
    "SquaredHinge": "squared_hinge",
    "CategoricalHinge": "categorical_hinge",
    "KLDivergence": "kl_divergence",
    "Poisson": "poisson",
    "BinaryCrossentropy": "binary_crossentropy",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
}
"""The classes of keras.metrics that are the mean of one of these functions."""

LOSSES = {
    **{c: f for c, f in MEANS.items() if "Accuracy" not in c and "Correlation" not in c},
    "CosineSimilarity": "losses.cosine_similarity",
    "LogCosh": "log_cosh",
    "Huber": "huber",
    "BinaryFocalCrossentropy": "binary_focal_crossentropy",
    "CategoricalFocalCrossentropy": "categorical_focal_crossentropy",
    "CategoricalGeneralizedCrossEntropy": "categorical_generalized_cross_entropy",
    "CTC": "ctc",
}
"""The classes of keras.losses that are one of these functions."""

ALIASES = {
    **dict.fromkeys(("mse", "MSE"), "mean_squared_error"),
    **dict.fromkeys(("mae", "MAE"), "mean_absolute_error"),
    **dict.fromkeys(("mape", "MAPE"), "mean_absolute_percentage_error"),
    **dict.fromkeys(("msle", "MSLE"), "mean_squared_logarithmic_error"),
    **dict.fromkeys(("bce", "BCE"), "binary_crossentropy"),
    **dict.fromkeys(("kld", "KLD", "kullback_leibler_divergence"), "kl_divergence"),
    **dict.fromkeys(("cosine", "cosine_proximity"), "cosine_similarity"),
    "logcosh": "log_cosh",
}
"""Short names; the last three lines are those of Keras 2."""


def unknown(name: str) -> UnsupportedError:
    if (refused := refusal("metrics", name)) is not None:
        return refused.error(name)
    return UnsupportedError(
        f"the metric {name} is not one of keras.metrics, or not one that a twin can have",
        hint="give the Python source that defines it (--custom FILE), or choose others with "
        "--metrics",
    )


def function_of(name: str, config: Mapping[str, Any], shown: str) -> Metric:
    """Return the metric for a function that Keras wrote by its name.

    Keras looks for it in keras.losses first, where the cosine has a minus; its own `accuracy` is
    not public, so one of this name is the user's.
    """
    if name == "accuracy":
        raise unknown("of the function accuracy")
    return mean_of("losses." + name if name == "cosine_similarity" else name, config, shown)


def batch_mean(class_name: str, config: Mapping[str, Any]) -> Metric:
    """Return the metric for an object of keras.losses: Keras averages it over batches."""
    given = {k: v for k, v in config.items() if k not in ("name", "reduction")}
    reduction = config.get("reduction", "sum_over_batch_size")
    means = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
    ignoring = given.get("ignore_class") is not None
    if class_name not in LOSSES or reduction not in means or ignoring or "name" not in config:
        raise UnsupportedError(
            f"the loss {class_name}(reduction={reduction!r}) as a metric is not translated",
            hint="give the class of the same name in keras.metrics, or its function",
        )
    metric = mean_of(LOSSES[class_name], given, config["name"])
    if not isinstance(metric.constructor, Call):
        raise UnsupportedError(f"{class_name}(dtype={config['dtype']!r}) is not translated")
    return replace(
        metric,
        constructor=replace(metric.constructor, function=BatchMean),
        differences=(
            *metric.differences,
            f"{metric.name} is a mean over batches: several processes make batches of their own.",
        ),
        masked=False,
    )


def mean_of(function: str, config: Mapping[str, Any], name: str) -> Metric:
    """Return the mean of one of Keras's functions; the config holds its arguments."""
    function = ALIASES.get(function, function)
    if function not in FUNCTIONS:
        raise unknown(function)
    values, renamed = FUNCTIONS[function]
    given = arguments(function, config, renamed)
    constructor = with_dtype(ADJUSTED.get(function, _sample_mean)(values, given), config, "float32")
    return Metric(name, constructor, _differences(given), masked=True)


Values = Callable[..., Any]


def _sample_mean(values: Values, given: Mapping[str, Any]) -> Expr:
    """Return the call without arguments at the defaults of `values`."""
    defaults = {p.name: p.default for p in inspect.signature(values).parameters.values()}
    return call(SampleMean, values, **{k: v for k, v in given.items() if v != defaults[k]})


def _top_k(values: Values, given: dict[str, Any]) -> Expr:
    ids = given.pop("from_sorted_ids", False)
    return _sample_mean(metric_values.among_first_k if ids else values, given)


def _sparse(values: Values, given: dict[str, Any]) -> Expr:
    if given.pop("dim", -1) != -1:
        raise UnsupportedError("sparse_categorical_crossentropy(axis=…) is not translated")
    if given.get("ignore_class") is not None:
        return call(CrossentropyOfKnown, **given)
    given.pop("ignore_class", None)
    return _sample_mean(values, given)


def _binary_focal(values: Values, given: dict[str, Any]) -> Expr:
    balanced, alpha = given.pop("balanced", False), given.pop("alpha", 0.25)
    return _sample_mean(values, {**given, "alpha": alpha if balanced else None})


def _categorical_focal(values: Values, given: dict[str, Any]) -> Expr:
    if given.pop("from_logits", False):
        raise UnsupportedError("categorical_focal_crossentropy of logits is not translated")
    return _sample_mean(values, given)


ADJUSTED: dict[str, Callable[[Values, dict[str, Any]], Expr]] = {
    "sparse_top_k_categorical_accuracy": _top_k,
    "sparse_categorical_crossentropy": _sparse,
    "binary_focal_crossentropy": _binary_focal,
    "categorical_focal_crossentropy": _categorical_focal,
}
"""Functions whose arguments choose what is called."""


def _differences(given: Mapping[str, Any]) -> tuple[str, ...]:
    dim = given.get("dim", -1)
    if 0 not in (dim if isinstance(dim, list) else [dim]):
        return ()
    return ("A metric along the batch: each of several processes takes it along its own part.",)
