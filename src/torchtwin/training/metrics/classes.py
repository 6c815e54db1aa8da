"""Metrics that are more than a mean: counts at thresholds, scores, overlaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.training.metrics.arguments import arguments, one_of, with_dtype
from torchtwin.training.parts import metrics, metrics_auc, metrics_confusion, metrics_iou
from torchtwin.training.pieces import Metric, Output

THRESHOLDS = {"thresholds": "thresholds"}
TOP_K = {**THRESHOLDS, "top_k": "top_k", "class_id": "class_id"}
F_SCORE = {"average": "average", "threshold": "threshold"}
OVERLAP = {
    "num_classes": "num_classes",
    "ignore_class": "ignore_class",
    "sparse_y_pred": "sparse_y_pred",
    "axis": "axis",
}
CHOSEN = {"target_class_ids": "classes"}
AREA = {
    "num_thresholds": "num_thresholds",
    "curve": "curve",
    "summation_method": "summation",
    "thresholds": "thresholds",
    "multi_label": "multi_label",
    "num_labels": "num_labels",
    "label_weights": "label_weights",
    "from_logits": "from_logits",
}


def _best(value: str) -> dict[str, str]:
    return {value: "value", "num_thresholds": "num_thresholds", "class_id": "class_id"}


CLASSES: dict[str, tuple[Callable[..., Any], Mapping[str, str]]] = {
    "RootMeanSquaredError": (metrics.RootMeanSquaredError, {}),
    "R2Score": (
        metrics.R2Score, {"class_aggregation": "average", "num_regressors": "regressors"}
    ),
    "FBetaScore": (metrics.FBetaScore, {**F_SCORE, "beta": "beta"}),
    "F1Score": (metrics.FBetaScore, F_SCORE),
    "TruePositives": (metrics_confusion.TruePositives, THRESHOLDS),
    "FalsePositives": (metrics_confusion.FalsePositives, THRESHOLDS),
    "TrueNegatives": (metrics_confusion.TrueNegatives, THRESHOLDS),
    "FalseNegatives": (metrics_confusion.FalseNegatives, THRESHOLDS),
    "Precision": (metrics_confusion.Precision, TOP_K),
    "Recall": (metrics_confusion.Recall, TOP_K),
    "SensitivityAtSpecificity": (
        metrics_confusion.SensitivityAtSpecificity, _best("specificity")
    ),
    "SpecificityAtSensitivity": (
        metrics_confusion.SpecificityAtSensitivity, _best("sensitivity")
    ),
    "PrecisionAtRecall": (metrics_confusion.PrecisionAtRecall, _best("recall")),
    "RecallAtPrecision": (metrics_confusion.RecallAtPrecision, _best("precision")),
    "AUC": (metrics_auc.AUC, AREA),
    "IoU": (metrics_iou.IoU, {**OVERLAP, **CHOSEN, "sparse_y_true": "sparse_y_true"}),
    "MeanIoU": (metrics_iou.IoU, {**OVERLAP, "sparse_y_true": "sparse_y_true"}),
    "OneHotIoU": (metrics_iou.IoU, {**OVERLAP, **CHOSEN}),
    "OneHotMeanIoU": (metrics_iou.IoU, OVERLAP),
    "BinaryIoU": (metrics_iou.BinaryIoU, {**CHOSEN, "threshold": "threshold"}),
}  # fmt: skip
"""The classes of keras.metrics, what each is in PyTorch and what its arguments are called."""


DTYPES = {
    "RootMeanSquaredError": "float32",
    **dict.fromkeys(("FBetaScore", "F1Score"), "float32"),
    **dict.fromkeys(("IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU", "BinaryIoU"), "int32"),
}
"""Classes that sum in the dtype they are given, and which that is by default.

All others of this table sum in float32, whatever their `dtype` says: they make their variables
without it (keras/src/metrics/confusion_metrics.py, R2Score in regression_metrics.py).
"""


def counted(class_name: str, config: Mapping[str, Any], output: Output, name: str) -> Metric:
    """Return the metric that a class of this table stands for."""
    part, renamed = CLASSES[class_name]
    given = arguments(class_name, config, renamed)
    if class_name in ADJUSTED:
        given = ADJUSTED[class_name](class_name, given, output)
    try:
        constructor: Expr = call(part, **given)
    except TypeError as error:
        raise UnsupportedError(f"{class_name}: {error}") from None
    if class_name in DTYPES:
        constructor = with_dtype(constructor, config, DTYPES[class_name])
    return Metric(name, constructor)


def _features(class_name: str, output: Output) -> int:
    """Return the number of features, of which these metrics keep a sum each."""
    if len(output.shape) != 2 or output.shape[-1] is None:
        raise UnsupportedError(
            f"{class_name} of an output of shape {output.shape}: it must be (batch, features)"
        )
    return output.shape[-1]


def _f_score(class_name: str, given: dict[str, Any], output: Output) -> dict[str, Any]:
    one_of(class_name, "average", given.get("average"), None, "micro", "macro", "weighted")
    return {"num_classes": _features(class_name, output), **given}


def _r2(class_name: str, given: dict[str, Any], output: Output) -> dict[str, Any]:
    means = (None, "uniform_average", "variance_weighted_average")
    one_of(class_name, "class_aggregation", given.get("average"), *means)
    return {"num_outputs": _features(class_name, output), **given}


def _area(class_name: str, given: dict[str, Any], output: Output) -> dict[str, Any]:
    """`num_thresholds` counts the two that Keras puts around given thresholds, too."""
    given = {**given}
    for key, allowed in (
        ("curve", ("ROC", "PR", "PRGAIN")),
        ("summation", ("interpolation", "majoring", "minoring")),
    ):
        if key in given:
            plain = str(given[key])
            plain = plain.upper() if key == "curve" else plain.lower()
            given[key] = one_of(class_name, key, plain, *allowed)
    if given.get("thresholds") is not None:
        given.pop("num_thresholds", None)
    if given.pop("multi_label", False):
        given["num_labels"] = given.get("num_labels") or _features(class_name, output)
    return given


def _overlap(class_name: str, given: dict[str, Any], _: Output) -> dict[str, Any]:
    sparse_target = given.pop("sparse_y_true", not class_name.startswith("OneHot"))
    sparse_output = given.pop("sparse_y_pred", not class_name.startswith("OneHot"))
    axis = given.get("axis", -1)
    if axis not in (-1, 0):  # Keras sums its vector of classes along this axis, too
        raise UnsupportedError(f"{class_name}(axis={axis}) fails in Keras itself")
    return {**given, "one_hot": not sparse_target, "scores": not sparse_output}


ADJUSTED: dict[str, Callable[[str, dict[str, Any], Output], dict[str, Any]]] = {
    "FBetaScore": _f_score,
    "F1Score": _f_score,
    "R2Score": _r2,
    "AUC": _area,
    **dict.fromkeys(("IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"), _overlap),
}
"""Classes whose arguments come from elsewhere, or mean something else."""
