"""Runs a user's Keras program as it is, with less data, and keeps what its models give.

    python -m torchtwin.check.keras_program FOLDER

FOLDER holds `request.json`. The program is executed: it is the user's own, on the user's machine.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from torchtwin.check.alike import (
    USES,
    Record,
    flat,
    normal,
    peeked,
    seeds,
    smaller,
    uniform,
)


class Starts:
    """Keeps the weights with which the models of a program start."""

    def __init__(self, record: Record, keras: Any) -> None:
        self.record, self.keras = record, keras
        self.seen: list[Any] = []  # kept alive: the identity of what is gone may come again
        self.models: list[int] = []
        self.inside = False
        self.noiseless = False

    def meet(self, model: Any, build: Callable[[], Any]) -> None:
        """Keep a model's weights, if it is used for the first time."""
        if any(model is s or model in s._flatten_layers() for s in self.seen):
            return
        if not all(layer.built for layer in model._flatten_layers()):
            build()
        self.seen.append(model)
        weights = model.get_weights()
        if weights:
            for k, array in enumerate(weights):
                self.record.arrays[f"model{len(self.models)}/{k}"] = np.asarray(array)
            self.models.append(len(weights))

    @contextlib.contextmanager
    def running(self, *, noiseless: bool) -> Iterator[None]:
        self.inside, self.noiseless = True, noiseless
        try:
            yield
        finally:
            self.inside = self.noiseless = False

    def used(self, name: str, method: Any) -> Any:
        """Return `fit` or its kin, with less to do and its result kept."""
        signature = inspect.signature(method)

        @functools.wraps(method)
        def call(model: Any, *args: Any, **kwargs: Any) -> Any:
            if self.inside:
                return method(model, *args, **kwargs)
            bound = signature.bind(model, *args, **kwargs).arguments
            given = smaller(name, {k: v for k, v in bound.items() if k != "self"})
            batch, given["x"] = peeked(given.get("x"))
            with self.running(noiseless=False):
                self.meet(model, lambda: model(_sample(batch), training=False))
            with self.running(noiseless=True):
                value = method(model, **given)
            self.record.keep(name, value)
            return value

        return call

    def applied(self, method: Any) -> Any:
        """Return a layer's `__call__`, which keeps the weights of what is called by itself."""

        @functools.wraps(method)
        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if self.inside:
                return method(layer, *args, **kwargs)
            symbolic = any(isinstance(x, self.keras.KerasTensor) for x in flat([*args, kwargs]))
            with self.running(noiseless=False):
                if symbolic:
                    return method(layer, *args, **kwargs)
                self.meet(layer, lambda: method(layer, *args, **kwargs))
            with self.running(noiseless=True):
                return method(layer, *args, **kwargs)

        return call


def _sample(x: Any) -> Any:
    if isinstance(x, dict):
        return {k: _sample(v) for k, v in x.items()}
    if isinstance(x, list | tuple) and any(hasattr(v, "shape") for v in flat(x)):
        return [_sample(v) for v in x]
    return np.asarray(x[:2])


def quiet(starts: Starts, keras: Any) -> None:
    """Make noise the same on both sides, and switch dropout off."""
    random = importlib.import_module("keras.src.backend").random
    names = {"normal": _normal, "uniform": _uniform, "truncated_normal": _normal}
    for name, made in names.items():
        setattr(random, name, _noise(starts, keras, getattr(random, name), made))
    random.dropout = lambda inputs, *_, **__: inputs
    seeding: Any = importlib.import_module("keras.src.random.seed_generator")
    seeding.make_default_seed = lambda: 1  # it would draw from Python's own generator
    if keras.backend.backend() == "tensorflow":
        tf: Any = importlib.import_module("tensorflow")
        tf.config.run_functions_eagerly(True)
        for name, made in names.items():
            setattr(tf.random, name, _noise(starts, keras, getattr(tf.random, name), made))
        tf.nn.dropout = lambda x, *_, **__: x
        add_rows_up(tf, keras.optimizers.Optimizer)


def add_rows_up(tf: Any, optimizer: Any) -> None:
    """Let optimizers get the gradient of an Embedding's row added up, as on JAX or PyTorch.

    On TensorFlow a row that a batch looks up twice has two, of which Adam takes the squares.
    """
    apply = optimizer.apply

    @functools.wraps(apply)
    def added(self: Any, grads: Any, *args: Any, **kwargs: Any) -> Any:
        dense = [tf.convert_to_tensor(g) if isinstance(g, tf.IndexedSlices) else g for g in grads]
        return apply(self, dense, *args, **kwargs)

    optimizer.apply = added


def _noise(starts: Starts, keras: Any, function: Any, made: Callable[..., Any]) -> Any:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        asked = sys._getframe(1).f_code.co_filename == starts.record.script
        if not (starts.noiseless or asked):
            return function(*args, **kwargs)
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        shape = [int(n) for n in given.arguments["shape"]]
        dtype = given.arguments.get("dtype") or "float32"
        return keras.ops.cast(keras.ops.convert_to_tensor(made(shape, given.arguments)), dtype)

    return call


def _normal(shape: list[int], given: dict[str, Any]) -> Any:
    return given["mean"] + given["stddev"] * normal(shape).astype("float32")


def _uniform(shape: list[int], given: dict[str, Any]) -> Any:
    high = 1 if given["maxval"] is None else given["maxval"]
    return given["minval"] + (high - given["minval"]) * uniform(shape).astype("float32")


def main(folder: Path) -> None:
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    keras: Any = importlib.import_module("keras")
    script = request["script"]
    record = Record(script)
    starts = Starts(record, keras)
    for name in USES:
        setattr(keras.Model, name, starts.used(name, getattr(keras.Model, name)))
    keras.layers.Layer.__call__ = starts.applied(keras.layers.Layer.__call__)
    quiet(starts, keras)
    space: dict[str, Any] = {"__name__": "__main__", "__file__": script}
    text = Path(script).read_text(encoding="utf-8")
    sys.argv = [script]
    sys.path.insert(0, str(Path(script).parent))
    seeds()
    record.run(lambda: exec(compile(text, script, "exec", dont_inherit=True), space))
    record.variables(space)
    judge = f"Keras {keras.__version__} ({keras.backend.backend()})"
    record.write(folder, judge=judge, models=starts.models)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
