"""Every metric of Keras with its settings, and batches to try it on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

BATCHES = (6, 3, 6)


@dataclass(frozen=True)
class Case:
    """A metric, its arguments, and the kind of batches (see `batches`)."""

    name: str
    config: dict[str, Any] = field(default_factory=dict)
    kind: str = "regression"

    def weighted(self, target: np.ndarray, by_step: int) -> tuple[int, ...]:
        """Return the shape of weights: of samples, or of steps where there are any.

        Counts have no weights but those of steps where there are steps, and a metric along the
        batch none of samples.
        """
        if self.config.get("axis") == 0:
            return target.shape[1:]
        if self.name.endswith("IoU"):
            return target.shape[:-1] if self.name.startswith("OneHot") else target.shape
        if self.kind in ("labels of steps", "binary steps"):
            return target.shape[:2]
        if by_step and self.kind in ("one-hot steps", "numbers of steps"):
            return target.shape[:2]
        return target.shape[:1]

    def __str__(self) -> str:
        settings = ",".join(f"{k}={v}" for k, v in self.config.items())
        return f"{self.name}({settings})-{self.kind}"


def batches(kind: str, dtype: str, seed: int = 5) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return outputs and targets of three batches of different sizes."""
    rng = np.random.default_rng(seed)
    made = [KINDS[kind](rng, n) for n in BATCHES]
    return [(x.astype(dtype), y.astype(dtype) if y.dtype == np.float64 else y) for x, y in made]


def weights(shape: tuple[int, ...], dtype: str, seed: int = 11) -> np.ndarray:
    """Return weights, some of them 0, larger than 1 and whole."""
    rng = np.random.default_rng(seed)
    return (rng.integers(0, 9, shape) / 4).astype(dtype)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def classes(rng: Any, *shape: int) -> np.ndarray:
    return rng.integers(0, 4, shape)


def one_hot(numbers: np.ndarray) -> np.ndarray:
    return np.eye(4)[numbers]


def scores(rng: Any, *shape: int) -> np.ndarray:
    return softmax(rng.normal(size=(*shape, 4)))


def labels(rng: Any, *shape: int) -> np.ndarray:
    return rng.integers(0, 2, shape).astype(float)


def grid(rng: Any, *shape: int) -> np.ndarray:
    """Outputs that fall on thresholds, on 0 and on 1, too."""
    return rng.integers(0, 11, shape) / 10


KINDS = {
    "regression": lambda r, n: (r.normal(size=(n, 3)), r.normal(size=(n, 3))),
    "one number": lambda r, n: (r.normal(size=(n, 1)), r.normal(size=n)),
    "images": lambda r, n: (r.normal(size=(n, 2, 3, 4)), r.normal(size=(n, 2, 3, 4))),
    "positive": lambda r, n: (r.random((n, 3)) + 0.1, r.random((n, 3)) * 3),
    "with zeros": lambda r, n: (r.normal(size=(n, 3)), r.integers(-1, 2, (n, 3)).astype(float)),
    "equal numbers": lambda r, n: (
        r.integers(0, 3, (n, 3)).astype(float), r.integers(0, 3, (n, 3))
    ),
    "one-hot": lambda r, n: (scores(r, n), one_hot(classes(r, n))),
    "one-hot logits": lambda r, n: (3 * r.normal(size=(n, 4)), one_hot(classes(r, n))),
    "one-hot steps": lambda r, n: (scores(r, n, 5), one_hot(classes(r, n, 5))),
    "one-hot channels first": lambda r, n: (
        np.moveaxis(scores(r, n, 5), -1, 1), np.moveaxis(one_hot(classes(r, n, 5)), -1, 1)
    ),
    "numbers": lambda r, n: (scores(r, n), classes(r, n)),
    "a column of numbers": lambda r, n: (scores(r, n), classes(r, n, 1)),
    "numbers as floats": lambda r, n: (scores(r, n), classes(r, n, 1).astype(float)),
    "numbers, logits": lambda r, n: (3 * r.normal(size=(n, 4)), classes(r, n)),
    "numbers of steps": lambda r, n: (scores(r, n, 5), classes(r, n, 5)),
    "ties": lambda r, n: (r.integers(0, 3, (n, 4)) / 4, classes(r, n)),
    "one-hot ties": lambda r, n: (r.integers(0, 3, (n, 4)) / 4, one_hot(classes(r, n))),
    "sorted numbers": lambda r, n: (
        np.argsort(r.random((n, 4))).astype(float), classes(r, n)
    ),
    "binary": lambda r, n: (r.random((n, 1)), labels(r, n, 1)),
    "binary, flat": lambda r, n: (r.random((n, 1)), labels(r, n).astype(int)),
    "binary, no axis": lambda r, n: (r.random(n), labels(r, n)),
    "binary logits": lambda r, n: (3 * r.normal(size=(n, 1)), labels(r, n, 1)),
    "binary steps": lambda r, n: (r.random((n, 5, 1)), labels(r, n, 5)),
    "signs": lambda r, n: (r.normal(size=(n, 3)), 2 * labels(r, n, 3) - 1),
    "labels": lambda r, n: (r.random((n, 4)), labels(r, n, 4)),
    "labels on thresholds": lambda r, n: (grid(r, n, 4), labels(r, n, 4)),
    "labels of steps": lambda r, n: (r.random((n, 5, 4)), labels(r, n, 5, 4)),
    "all right": lambda r, n: (0.5 + r.random((n, 1)) / 2, labels(r, n, 1) * 0 + 1),
    "all wrong": lambda r, n: (0.5 + r.random((n, 1)) / 2, labels(r, n, 1) * 0),
    "nothing chosen": lambda r, n: (r.random((n, 4)) * 0, labels(r, n, 4)),
    "ctc": lambda r, n: (r.normal(size=(n, 6, 4)), r.integers(1, 4, (n, 2))),
    "pixels": lambda r, n: (
        r.integers(0, 4, (n, 2, 3)).astype(float), r.integers(-1, 5, (n, 2, 3))
    ),
}  # fmt: skip
"""Kinds of batches: from a generator and a size, outputs and targets."""

THRESHOLDS = [0.2, 0.5, 0.9], [0.0, 0.5, 1.0], [0.7, 0.1], 0.3
COUNTS = "TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives"
LIMITS = {
    "SensitivityAtSpecificity": "specificity",
    "SpecificityAtSensitivity": "sensitivity",
    "PrecisionAtRecall": "recall",
    "RecallAtPrecision": "precision",
}
CURVES = "ROC", "PR", "PRGAIN"
SUMS = "interpolation", "majoring", "minoring"

CASES = [
    *(Case(name, {}, kind) for name, kind in [
        ("Accuracy", "equal numbers"), ("BinaryAccuracy", "binary"),
        ("BinaryAccuracy", "binary, flat"), ("BinaryAccuracy", "binary steps"),
        ("BinaryAccuracy", "labels"), ("BinaryAccuracy", "binary, no axis"),
        ("CategoricalAccuracy", "one-hot"), ("CategoricalAccuracy", "one-hot steps"),
        ("CategoricalAccuracy", "one-hot ties"),
        ("SparseCategoricalAccuracy", "numbers"),
        ("SparseCategoricalAccuracy", "a column of numbers"),
        ("SparseCategoricalAccuracy", "numbers as floats"),
        ("SparseCategoricalAccuracy", "numbers of steps"), ("SparseCategoricalAccuracy", "ties"),
        ("MeanSquaredError", "regression"), ("MeanSquaredError", "images"),
        ("MeanSquaredError", "one number"), ("MeanAbsoluteError", "regression"),
        ("MeanAbsolutePercentageError", "with zeros"),
        ("MeanSquaredLogarithmicError", "with zeros"), ("RootMeanSquaredError", "regression"),
        ("RootMeanSquaredError", "images"), ("RootMeanSquaredError", "one number"),
        ("LogCoshError", "regression"), ("CosineSimilarity", "regression"),
        ("CosineSimilarity", "with zeros"), ("PearsonCorrelation", "regression"),
        ("ConcordanceCorrelation", "regression"), ("Hinge", "signs"), ("Hinge", "labels"),
        ("SquaredHinge", "signs"), ("SquaredHinge", "labels"), ("CategoricalHinge", "one-hot"),
        ("KLDivergence", "one-hot"), ("KLDivergence", "positive"), ("Poisson", "positive"),
        ("BinaryCrossentropy", "binary"), ("BinaryCrossentropy", "labels on thresholds"),
        ("CategoricalCrossentropy", "one-hot"), ("CategoricalCrossentropy", "one-hot steps"),
        ("SparseCategoricalCrossentropy", "numbers"),
        ("SparseCategoricalCrossentropy", "a column of numbers"),
        ("SparseCategoricalCrossentropy", "numbers of steps"),
    ]),
    Case("BinaryAccuracy", {"threshold": 0.7}, "binary"),
    Case("CosineSimilarity", {"axis": 1}, "images"),
    Case("PearsonCorrelation", {"axis": 1}, "images"),
    Case("PearsonCorrelation", {"axis": [1, 2]}, "images"),
    Case("ConcordanceCorrelation", {"axis": 0}, "regression"),
    *(Case("TopKCategoricalAccuracy", {"k": 2}, k) for k in
      ("one-hot", "one-hot steps", "one-hot ties")),
    Case("TopKCategoricalAccuracy", {}, "one-hot"),
    *(Case("SparseTopKCategoricalAccuracy", {"k": 2}, k) for k in
      ("numbers", "numbers as floats", "numbers of steps", "ties")),
    Case("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}, "sorted numbers"),
    Case("BinaryCrossentropy", {"from_logits": True}, "binary logits"),
    Case("BinaryCrossentropy", {"label_smoothing": 0.2}, "labels"),
    Case("CategoricalCrossentropy", {"from_logits": True}, "one-hot logits"),
    Case("CategoricalCrossentropy", {"label_smoothing": 0.2}, "one-hot"),
    Case("CategoricalCrossentropy", {"axis": 1}, "one-hot channels first"),
    Case("SparseCategoricalCrossentropy", {"from_logits": True}, "numbers, logits"),
    Case("SparseCategoricalCrossentropy", {"ignore_class": 2}, "numbers"),
    Case("SparseCategoricalCrossentropy", {"ignore_class": 2}, "a column of numbers"),
    Case("SparseCategoricalCrossentropy", {"ignore_class": 0, "from_logits": True},
         "numbers, logits"),
    *(Case("R2Score", config, "regression") for config in [
        {}, {"class_aggregation": None}, {"class_aggregation": "variance_weighted_average"},
        {"num_regressors": 2}, {"num_regressors": 17}, {"num_regressors": 500},
    ]),
    *(Case(name, {"average": average, **rest}, kind)
      for name, rest in [("FBetaScore", {"beta": 2.0}), ("F1Score", {})]
      for average, kind in [(None, "one-hot"), ("micro", "one-hot ties"), ("macro", "one-hot"),
                            ("weighted", "one-hot"), (None, "nothing chosen")]),
    *(Case("F1Score", {"average": average, "threshold": 0.4}, "labels")
      for average in (None, "micro", "weighted")),
    *(Case(name, {"thresholds": t}, "labels on thresholds") for name in COUNTS
      for t in (None, *THRESHOLDS[:2])),
    *(Case(name, {"thresholds": t}, kind) for name in ("Precision", "Recall") for t, kind in
      [(None, "binary"), (None, "binary, flat"), (None, "binary, no axis"), (None, "all wrong"),
       (THRESHOLDS[0], "labels"), (THRESHOLDS[1], "labels on thresholds"),
       (THRESHOLDS[2], "labels of steps"), (THRESHOLDS[3], "binary steps")]),
    *(Case(name, config, kind) for name in ("Precision", "Recall") for config, kind in
      [({"top_k": 2}, "labels"), ({"top_k": 2}, "one-hot ties"), ({"class_id": 1}, "one-hot"),
       ({"top_k": 1, "class_id": 3}, "labels of steps"),
       ({"top_k": 2, "thresholds": [0.0, 0.5, 1.0]}, "labels on thresholds"),
       ({"top_k": 2, "thresholds": 0.4}, "labels")]),
    *(Case(name, {key: 0.6, **rest}, kind) for name, key in LIMITS.items() for rest, kind in
      [({}, "binary"), ({}, "labels on thresholds"),
       ({"num_thresholds": 11, "class_id": 2}, "labels")]),
    *(Case("PrecisionAtRecall", {"recall": 0.6, **rest}, kind) for rest, kind in
      [({"num_thresholds": 1}, "binary"), ({"num_thresholds": 2}, "binary"), ({}, "all wrong")]),
    *(Case("AUC", {"curve": curve, "summation_method": s}, "labels on thresholds")
      for curve in CURVES for s in SUMS),
    *(Case("AUC", {"curve": curve, **config}, kind) for curve in CURVES for config, kind in [
        ({}, "all right"), ({}, "all wrong"), ({"multi_label": True}, "labels"),
    ]),
    *(Case("AUC", {"curve": CURVES[k % 3], **config}, kind) for k, (config, kind) in enumerate([
        ({}, "binary"), ({"num_thresholds": 11}, "binary steps"),
        ({"from_logits": True}, "binary logits"),
        ({"thresholds": [0.9, 0.15, 0.5]}, "labels on thresholds"),
        ({"thresholds": [0.25, 0.5, 0.75]}, "labels on thresholds"),
        ({"multi_label": True, "num_labels": 4, "label_weights": [1.0, 2.0, 0.0, 0.5]}, "labels"),
        ({"multi_label": True, "thresholds": [0.2, 0.3]}, "labels on thresholds"),
        ({"label_weights": [1.0, 2.0, 0.0, 0.5]}, "labels"),
        ({"label_weights": [1.0, 2.0, 0.0, 0.5], "thresholds": [0.2, 0.3]}, "labels"),
    ])),
    Case("AUC", {"num_thresholds": 2}, "binary"),
    Case("IoU", {"num_classes": 4, "target_class_ids": [0, 2]}, "pixels"),
    Case("IoU", {"num_classes": 4, "target_class_ids": [3], "ignore_class": 1}, "pixels"),
    Case("IoU", {"num_classes": 4, "target_class_ids": [0, 2], "sparse_y_pred": False}, "numbers"),
    Case("MeanIoU", {"num_classes": 4}, "pixels"),
    Case("MeanIoU", {"num_classes": 3}, "pixels"),
    Case("MeanIoU", {"num_classes": 4, "dtype": "float32"}, "pixels"),
    Case("MeanIoU", {"num_classes": 6, "ignore_class": -1}, "pixels"),
    Case("OneHotIoU", {"num_classes": 4, "target_class_ids": [1, 3]}, "one-hot"),
    Case("OneHotMeanIoU", {"num_classes": 4}, "one-hot steps"),
    Case("OneHotMeanIoU", {"num_classes": 4, "axis": -1, "ignore_class": 0}, "one-hot ties"),
    Case("OneHotMeanIoU", {"num_classes": 4, "axis": 0}, "one-hot"),
    Case("BinaryIoU", {}, "binary"),
    Case("BinaryIoU", {"target_class_ids": [1], "threshold": 0.3}, "labels on thresholds"),
]  # fmt: skip
