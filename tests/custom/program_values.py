"""What a program leaves behind, and the weights that it starts from, without Keras or torch."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

SOURCES = Path(__file__).parent / "programs"
RECORD = Path(__file__).with_name("programs.json")
BROKEN = ("layer_broken",)
"""What Keras itself cannot run."""
PRECISE = ("mlp_first",)
"""Run in float64: in float32 Keras's own losses are off by 2e-3 (those of torch by 2e-4)."""


def names() -> list[str]:
    return sorted(p.stem for p in SOURCES.glob("*.py") if p.stem not in BROKEN)


def text(name: str) -> str:
    return (SOURCES / f"{name}.py").read_text(encoding="utf-8")


def run(source: str, name: str) -> dict[str, Any]:
    """Run a program in a folder of its own; return the numbers among its variables."""
    space: dict[str, Any] = {"__name__": "__main__"}
    with scratch(), contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, f"{name}.py", "exec"), space)
        return {k: v for k, v in ((k, numbers(v)) for k, v in space.items()) if v is not None}


def numbers(value: Any) -> Any:
    """Return curves, scores and small arrays as plain numbers, and None for anything else."""
    value = getattr(value, "history", value)
    if isinstance(value, dict) and value and all(isinstance(k, str) for k in value):
        inner = {k: numbers(v) for k, v in value.items()}
        return None if None in inner.values() else inner
    if isinstance(value, np.ndarray | np.floating | list | tuple | float):
        try:
            array = np.asarray(value)
        except ValueError:
            return None
        if array.dtype.kind == "f" and 0 < array.size < 400:
            return np.round(array.astype(float), 9).tolist()
    return None


@contextlib.contextmanager
def scratch() -> Iterator[None]:
    """Work in an empty folder, with small digits where Keras keeps its data sets."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.getcwd()
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def digits(home: Path) -> None:
    """Write a file like that of MNIST, with few images."""
    random = np.random.default_rng(99)
    target = home / "datasets" / "mnist.npz"
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        target,
        x_train=random.integers(0, 256, (160, 28, 28)).astype("uint8"),
        y_train=random.integers(0, 10, 160).astype("uint8"),
        x_test=random.integers(0, 256, (40, 28, 28)).astype("uint8"),
        y_test=random.integers(0, 10, 40).astype("uint8"),
    )


def drawn(program: str, model: int, index: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return the weight that a model starts from: Glorot's uniform distribution."""
    random = np.random.default_rng(crc32(f"{program}{model}/{index}".encode()))
    fans = shape[-2:] if len(shape) > 1 else (*shape, *shape, 1)
    around = int(np.prod(shape[:-2]))
    limit = np.sqrt(6 / (around * (fans[0] + fans[1])))
    return random.uniform(-limit, limit, shape).astype("float32")


def start(program: str, model: int, weights: list[Any]) -> list[np.ndarray]:
    """Return the weights of a model from what was recorded of them: a shape and a constant."""
    return [
        drawn(program, model, i, tuple(shape)) if fill is None else np.full(shape, fill, "float32")
        for i, (shape, fill) in enumerate(weights)
    ]
