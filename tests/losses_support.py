"""A loss of Keras beside its twin: the values, their mean, and its gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import keras
import numpy as np
import torch
import torch.nn.functional as F
from keras.src.trainers.compile_utils import get_loss

from torchtwin.emit.expressions import Printer
from torchtwin.emit.helpers import closure, mentioned, source_of
from torchtwin.training.losses import loss_of
from torchtwin.training.parts.reduction import ratio, weighted_sum
from torchtwin.training.pieces import Loss, Output

ACTIVATIONS = {
    "": (lambda x: x, lambda x: x),
    "softmax": (keras.ops.softmax, lambda x: F.softmax(x, -1)),
    "sigmoid": (keras.ops.sigmoid, torch.sigmoid),
    # an output that the loss does not know for what it is
    "hidden softmax": (keras.ops.softmax, lambda x: F.softmax(x, -1)),
    "hidden sigmoid": (keras.ops.sigmoid, torch.sigmoid),
    "unit": (keras.ops.normalize, lambda x: F.normalize(x, dim=-1)),
    "positive": (keras.ops.softplus, F.softplus),
}


@dataclass(frozen=True)
class LossCase:
    """A loss, the shapes it is given, and where the target comes from.

    `target` is "" for numbers, "labels" for 0 and 1, "signs", "classes" for numbers of classes,
    "pairs" and "lonely" for few of them, "padded" for sequences, "rows" for probabilities.
    """

    entry: Any
    shape: tuple[int, ...]
    target: str = ""
    target_shape: tuple[int, ...] | None = None
    activation: str = ""
    known: bool = False
    dtype: str = "float64"

    def __str__(self) -> str:
        name = self.entry if isinstance(self.entry, str) else self.entry["class_name"]
        config = "" if isinstance(self.entry, str) else self.entry.get("config")
        return f"{name}{config}{self.shape}{self.target_shape or ''}{self.activation}"

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what comes before the activation, and the target."""
        rng = np.random.default_rng(5)
        x = rng.normal(size=self.shape).astype(self.dtype)
        shape, classes = self.target_shape or self.shape, self.shape[-1]
        if self.target == "classes":
            return x, rng.integers(0, classes, self.target_shape or self.shape[:-1])
        if self.target == "pairs":
            return x, rng.integers(0, 3, shape)
        if self.target == "lonely":
            return x, np.array([0, 0, 0, 1, 1, 1, 2, 3])
        if self.target == "padded":
            return x, np.array([[1, 1, 2, 3], [4, 2, 0, 0], [0, 0, 0, 0]])
        if self.target == "rows":
            y = rng.random(shape)
            return x, y / y.sum(-1, keepdims=True)
        if self.target in ("labels", "signs"):
            y = rng.integers(0, 2, shape)
            return x, y if self.target == "labels" else 2 * y - 1
        y = rng.normal(size=shape)
        return x, np.abs(y) if self.activation == "positive" else y


def keras_loss(entry: Any, y: np.ndarray, x: np.ndarray) -> Any:
    """Return the loss object that Keras makes of an entry of the compile config."""
    if isinstance(entry, str):
        return get_loss(entry, y, x)
    return getattr(keras.losses, entry["class_name"])(**entry["config"])


def keras_result(case: LossCase, **weighting: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return Keras's loss of the batch and its gradient before the activation."""
    x, y = case.arrays()
    loss = keras_loss(case.entry, y, x)

    def run(x: Any) -> Any:
        output = ACTIVATIONS[case.activation][0](x)
        if "mask" in weighting:
            keras.src.backend.set_keras_mask(output, weighting["mask"])
        return loss(y, output, weighting.get("weight")).sum()

    value, gradient = jax.value_and_grad(run)(x)
    return np.asarray(value), np.asarray(gradient)


def twin_of(case: LossCase) -> Loss:
    known = case.arrays()[1].shape if case.known else None
    activation = case.activation if case.activation in ("softmax", "sigmoid") else ""
    loss = loss_of(case.entry, Output("y", (None, *case.shape[1:]), activation), known)
    assert loss is not None
    return loss


def run_source(expr: Any, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Run an expression as text, beside nothing but torch and the parts that it names."""
    scope: dict[str, Any] = {"torch": torch, "F": F, "math": __import__("math")}
    exec("\n\n".join(map(source_of, closure(mentioned(expr)))), scope)
    text = Printer(str, lambda _: "", lambda _: "")(expr)
    result = eval(text, scope, {"output": output, "target": target})
    assert isinstance(result, torch.Tensor)
    return result


def twin_result(case: LossCase, **weighting: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the twin's loss of the batch and its gradient before the activation."""
    x, y = (torch.from_numpy(a) for a in case.arrays())
    loss, x = twin_of(case), x.requires_grad_()
    output = x if loss.logits else ACTIVATIONS[case.activation][1](x)
    values = run_source(loss.values, output, y)
    mask = None if "mask" not in weighting else torch.from_numpy(weighting["mask"])
    if loss.valid is not None:
        valid = run_source(loss.valid, output, y)
        mask = valid if mask is None else mask & valid
    weight = None if weighting.get("weight") is None else torch.from_numpy(weighting["weight"])
    result = ratio(*weighted_sum(values, weight, mask, loss.reduction))
    result.backward()
    assert x.grad is not None
    return result.detach().numpy(), x.grad.numpy()


def check(case: LossCase, tolerance: float = 1e-9, **weighting: Any) -> None:
    for mine, judge in zip(
        twin_result(case, **weighting), keras_result(case, **weighting), strict=True
    ):
        assert mine.shape == judge.shape
        assert mine.dtype == judge.dtype
        assert np.isfinite(judge).all()
        scale = max(1.0, float(np.abs(judge).max(initial=0)))
        np.testing.assert_allclose(mine, judge, rtol=0, atol=tolerance * scale)


def entry(class_name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": config}
