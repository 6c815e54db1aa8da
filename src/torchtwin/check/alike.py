"""What both sides of a check do alike: less data, batches in order, noise that is the same."""

from __future__ import annotations

import functools
import itertools
import json
import math
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from torchtwin.verify.judge import told

USES = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")
"""The methods of a model whose results are compared."""
EPOCHS, BATCHES = 2, 4
"""What is left of a training: so many epochs of so many batches."""


def smaller(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `fit` and its kin with less to do, and no shuffling."""
    if name not in ("fit", "evaluate"):
        return arguments
    changed = dict(arguments)
    count = BATCHES * int(changed.get("batch_size") or 32)
    for key in ("steps_per_epoch", "validation_steps", "steps"):
        if changed.get(key):
            changed[key] = min(changed[key], BATCHES)
    if not changed.get("steps_per_epoch") and not changed.get("steps"):
        for key in ("x", "y", "sample_weight"):
            if key in changed:
                changed[key] = first(changed[key], count)
    if name == "fit":
        start = int(changed.get("initial_epoch") or 0)
        changed["epochs"] = min(int(changed.get("epochs", 1)), start + EPOCHS)
        changed["shuffle"] = False
        if not changed.get("validation_steps"):
            changed["validation_data"] = first(changed.get("validation_data"), count)
    return changed


def first(value: Any, count: int) -> Any:
    """Return the first samples of a structure of arrays; what is none stays."""
    if isinstance(value, dict):
        return {key: first(part, count) for key, part in value.items()}
    if isinstance(value, list | tuple) and any(hasattr(v, "shape") for v in flat(value)):
        return type(value)([first(part, count) for part in value])
    if hasattr(value, "shape") and len(value.shape):
        return value[:count]
    return value[:count] if isinstance(value, list) else value


def flat(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list | tuple):
        yield value
        return
    for part in value:
        yield from flat(part)


def peeked(data: Any) -> tuple[Any, Any]:
    """Return the inputs of a batch, and data that still begin with it."""
    if isinstance(data, types.GeneratorType):
        head = next(data)
        return head[0], (batch for batch in itertools.chain([head], data))
    if not isinstance(data, dict | list | tuple) and not hasattr(data, "shape"):
        batch = data[0] if hasattr(data, "__getitem__") else next(iter(data))
        return (batch[0] if isinstance(batch, list | tuple) else batch), data
    return data, data


def normal(shape: Any) -> np.ndarray:
    """Return numbers of the normal distribution: for a shape always the same."""
    return _generator(shape).standard_normal(tuple(map(int, shape)))


def uniform(shape: Any) -> np.ndarray:
    """Return numbers between 0 and 1: for a shape always the same."""
    return _generator(shape).random(tuple(map(int, shape)))


def _generator(shape: Any) -> np.random.Generator:
    return np.random.default_rng([len(shape), *map(int, shape)])


class Record:
    """What a program's run leaves behind, by the order in which it came."""

    def __init__(self, script: str) -> None:
        self.script = script
        self.results: list[dict[str, Any]] = []
        self.arrays: dict[str, np.ndarray] = {}
        self.error, self.busy = "", False

    def keep(self, what: str, value: Any) -> None:
        names: list[str] = []
        for name, array in parts(value):
            self.arrays[f"{len(self.results)}/{len(names)}"] = array
            names.append(name)
        self.results.append({"what": what, "line": self.line(), "names": names})

    def line(self) -> int:
        """The line of the program that is being executed."""
        frame: types.FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != self.script:
            frame = frame.f_back
        return frame.f_lineno if frame is not None else 0

    def run(self, execute: Callable[[], None]) -> None:
        """Execute a program, and keep where it stops."""
        try:
            execute()
        except SystemExit:
            pass
        except Exception as error:
            lines = [f.lineno for f in traceback.extract_tb(error.__traceback__)
                     if f.filename == self.script]  # fmt: skip
            self.error = f"line {lines[-1] if lines else '?'}: {told(error)}"

    def variables(self, space: Mapping[str, Any]) -> None:
        """Keep the arrays among a program's variables, where nothing else is to be compared."""
        if self.results or self.error:
            return
        for name, value in space.items():
            if not name.startswith("_") and not isinstance(value, type | types.ModuleType):
                found = list(parts(value))
                if found and all(array.dtype.kind == "f" for _, array in found):
                    self.keep(name, value)

    def write(self, folder: Path, **more: Any) -> None:
        np.savez(folder / "results.npz", **self.arrays)  # type: ignore[arg-type]
        found = {"results": self.results, "error": self.error, **more}
        (folder / "results.json").write_text(json.dumps(found), encoding="utf-8")


def parts(value: Any, name: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Yield the arrays in what a method returns, and their names: `loss`, `val_loss`."""
    value = getattr(value, "history", value)
    if isinstance(value, Mapping):
        for key in value:
            yield from parts(value[key], f"{name}.{key}".strip("."))
        return
    if isinstance(value, list | tuple) and any(hasattr(v, "ndim") and v.ndim for v in value):
        for k, part in enumerate(value):
            yield from parts(part, f"{name}[{k}]")
        return
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        return
    if array.dtype.kind in "fiub" and not isinstance(value, str) and array.size:
        yield name, array


@functools.cache
def seeds() -> None:
    """Let a program that draws its data without a seed draw the same on both sides."""
    import random

    random.seed(0)
    np.random.seed(0)


def scaled_error(got: np.ndarray, wanted: np.ndarray) -> float:
    """Return the largest difference, as a share of max(1, the number); inf where only one is."""
    got, wanted = got.astype(float), wanted.astype(float)
    same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
    error = np.where(same, 0.0, np.abs(got - wanted) / np.maximum(1.0, np.abs(wanted)))
    worst = float(error.max(initial=0.0))
    return math.inf if math.isnan(worst) else worst
