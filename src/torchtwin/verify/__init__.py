"""Verification: the original Keras model runs in a process of its own, and judges the twin."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torchtwin.twin import Twin
    from torchtwin.verify.report import Report

JUDGES = {
    "tensorflow": ("keras", "tensorflow"),
    "jax": ("keras", "jax"),
    "tf_keras": ("tf_keras", "tensorflow"),
}
"""Each judge, and the packages that it needs, the faster ones first: JAX compiles every shape.

Keras on torch is none: it would call the kernels that the twin calls.
"""


def installed_judges() -> list[str]:
    """Return the judges that can run here, without importing them."""
    return [
        name
        for name, packages in JUDGES.items()
        if all(importlib.util.find_spec(package) is not None for package in packages)
    ]


def verify(
    model: Any,
    twin: Twin | str | Path,
    *,
    weights: str | Path | None = None,
    judge: str | None = None,
    seed: int = 0,
    optimizer: Any = None,
    loss: Any = None,
    metrics: Any = None,
    custom: str | Path | None = None,
) -> Report:
    """Compare a twin with the Keras model that it comes from; return what was found.

    `model` is a path or a live `keras.Model`, `twin` a Twin or a folder with model.py and
    model.safetensors: what is on disk is executed as it is. The Keras model runs in another
    process, on JAX or TensorFlow, in float32 and float64; `judge` ("tensorflow", "jax" or
    "tf_keras") chooses one. `weights` is the weights file of an architecture kept apart.

    Where the twin has a train.py, both sides train for some steps on the same batches, with
    dropout and noise off. `optimizer`, `loss` and `metrics` are what `convert` was given, if the
    twin is a folder.

    `custom`, or the source that the Twin was converted with, defines classes of the author's own:
    what the model needs of it is executed in the judge's process, as Keras itself would.

    A difference is not raised: see `Report.ok` and `Report.check`. Raises what `convert` raises
    when the model cannot be read, and UnreadableModel when the folder holds no twin.
    """
    # Imported here, so that `import torchtwin` does not wait for torch.
    from torchtwin.verify.verification import verified

    if judge is not None and judge not in JUDGES:
        raise ValueError(f"judge must be one of {tuple(JUDGES)}, not {judge!r}")
    given = {"optimizer": optimizer, "loss": loss, "metrics": metrics}
    asked = {key: value for key, value in given.items() if value is not None}
    return verified(
        model, twin, weights=weights, judge=judge, seed=seed, asked=asked, custom=custom
    )
