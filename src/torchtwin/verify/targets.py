"""Makes batches to train with: inputs as for a comparison, and targets that a loss can be of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from torchtwin.emit.helpers import is_own
from torchtwin.training.compiled import by_output
from torchtwin.training.losses import function_of
from torchtwin.training.pieces import Loss, Output
from torchtwin.training.plan import Plan, Target
from torchtwin.twin import Twin
from torchtwin.verify.inputs import batches_like
from torchtwin.verify.subject import run, to_keras

LIKELY = 1e-4
"""Classes less likely than this are no targets where a Keras clips probabilities below 1e-7."""


@dataclass(frozen=True)
class Batch:
    """A batch in Keras's order of axes: inputs, and one target for each output of the model."""

    inputs: Sequence[np.ndarray]
    targets: Sequence[np.ndarray]


def make_batches(
    twin: Twin, compiled: Mapping[str, Any], count: int, size: int, seed: int, *, clipped: bool
) -> list[Batch]:
    """Return `count` batches of `size` samples, or of as many as the model insists on.

    `clipped` keeps to targets for which clipped probabilities make no difference.
    """
    assert twin.plan is not None
    rng, floor = np.random.default_rng(seed), LIKELY if clipped else -np.inf
    names = [o.name for o in twin.plan.outputs]
    wanted = by_output(compiled, names, twin.graph.version)
    trained = {t.index: t.loss for t in twin.plan.targets}
    kinds = [
        "" if w.loss is None else _of_author(twin.plan.outputs[k]) if _is_own(trained.get(k))
        else function_of(w.loss)
        for k, w in enumerate(wanted)
    ]  # fmt: skip
    batches = []
    for inputs in batches_like(twin.graph, twin.program, count, size, rng):
        tensors = run(twin.module, inputs, twin.program.inputs, "float32")[: twin.plan.count]
        rows = zip(tensors, twin.program.outputs, strict=False)
        outputs = [to_keras(tensor, argument.layout) for tensor, argument in rows]
        found = [
            _target(x, k, kinds[k], twin.plan, floor=floor, rng=rng) for k, x in enumerate(outputs)
        ]
        batches.append(Batch(inputs, found))
    return batches


def _target(
    output: np.ndarray, index: int, kind: str, plan: Plan, *, floor: float, rng: Any
) -> np.ndarray:
    target = next((t for t in plan.targets if t.index == index), None)
    if kind == "" or target is None:
        kind = "measured" if target is None else _measured(target)
    shape, classes = output.shape, output.shape[-1]
    if kind == "crossentropy":
        kind = "binary_crossentropy" if classes == 1 else "categorical_crossentropy"
    if kind == "sparse_categorical_crossentropy":
        return _classes(output, rng, floor).astype("int32")
    if kind in ("circle", "categorical_generalized_cross_entropy"):
        return np.asarray(rng.integers(0, max(2, classes // 2), shape[:-1])).astype("int32")
    if kind == "ctc":
        return np.asarray(rng.integers(1, classes, (shape[0], max(1, shape[1] // 3)))).astype(
            "int32"
        )
    if kind in ("categorical_crossentropy", "categorical_focal_crossentropy", "categorical_hinge"):
        return np.asarray(np.eye(classes, dtype="float32")[_classes(output, rng, floor)])
    if kind.startswith("binary") or kind in ("dice", "tversky"):
        return _twofold(output, rng, floor)
    if "hinge" in kind:
        return np.asarray(2.0 * _twofold(output, rng, floor) - 1.0, "float32")
    if kind == "kl_divergence":
        drawn = rng.random(shape) + 0.1
        return np.asarray(drawn / drawn.sum(-1, keepdims=True)).astype("float32")
    if kind in ("poisson", "mean_squared_logarithmic_error", "mean_absolute_percentage_error"):
        return np.asarray(rng.random(shape) + 0.5).astype("float32")
    return np.asarray(rng.normal(size=shape)).astype("float32")


def _is_own(loss: Loss | None) -> bool:
    return loss is not None and is_own(loss.values)


def _of_author(output: Output) -> str:
    """Return a loss of Keras's whose targets are likely to suit one of the author's."""
    likely = {"softmax": "categorical_crossentropy", "sigmoid": "binary_crossentropy"}
    return likely.get(output.activation, "mean_squared_error")


def _measured(target: Target) -> str:
    """Return a loss whose targets suit the metrics of an output that is not trained."""
    names = " ".join(m.name for _, m, _ in target.metrics)
    return "sparse_categorical_crossentropy" if "sparse" in names else "binary_crossentropy"


def _classes(output: np.ndarray, rng: Any, floor: float) -> np.ndarray:
    """Return a class for each sample, drawn from those that are more likely than `floor`."""
    likely = (output > floor) | (output == output.max(-1, keepdims=True))
    score: np.ndarray = np.where(likely, rng.random(output.shape), -1.0)
    return np.asarray(score.argmax(-1))


def _twofold(output: np.ndarray, rng: Any, floor: float) -> np.ndarray:
    """Return zeros and ones; the likely one where the other is less likely than `floor`."""
    drawn: np.ndarray = rng.random(output.shape) < 0.5
    drawn = np.where(output < floor, False, np.where(output > 1 - floor, True, drawn))
    return np.asarray(drawn, "float32")
