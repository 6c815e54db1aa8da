"""Writes programs.json: what each program of this folder gives in Keras on TensorFlow.

    python keras_programs.py [PROGRAM ...]

Batches come in order, dropout lets everything pass, and models start from drawn weights, so
that a translated program can be given the same. text_transformer is recorded with
KERAS_BACKEND=jax: on TensorFlow the gradient of an Embedding has a row for each place where a
token stands, and Keras's Adam squares those rows before it adds them up.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
HOME = os.environ["KERAS_HOME"] = tempfile.mkdtemp()
sys.path.insert(0, str(Path(__file__).parents[1]))

import keras
import numpy as np
from keras.src.utils import file_utils

from custom.program_values import PRECISE, RECORD, digits, names, run, start, text
from torchtwin.verify.judge_exact import compute_exactly

if keras.config.backend() == "tensorflow":
    compute_exactly()

Model = keras.Model


class Starts:
    """Gives models their first weights, and remembers of which kind they were."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.seen: list[Any] = []  # kept alive: the identity of what is gone may come again
        self.models: list[Any] = []
        self.running = 0

    def meet(self, model: Any, x: Any) -> None:
        known = any(model is s or model in getattr(s, "_flatten_layers", list)() for s in self.seen)
        if known or self.running:
            return
        self.seen.append(model)
        if not model.built or not model.weights:
            self.running += 1
            model(sample(x))
            self.running -= 1
        kinds = [(list(w.shape), constant(w)) for w in model.get_weights()]
        model.set_weights(start(self.program, len(self.models), kinds))
        self.models.append(kinds)

    def leave(self, model: Any) -> None:
        """Weights were put into this model already: they stay."""
        if not any(model is s for s in self.seen):
            self.seen.append(model)
            self.models.append(None)


def sample(x: Any) -> Any:
    if isinstance(x, dict):
        return {k: np.asarray(v[:2]) for k, v in x.items()}
    return [np.asarray(v[:2]) for v in x] if isinstance(x, list) else np.asarray(x[:2])


def constant(weight: np.ndarray) -> float | None:
    first = weight.flat[0] if weight.size else 0.0
    return float(first) if np.all(weight == first) and weight.ndim < 2 else None


def install(starts: Starts) -> None:
    """Put the hooks around Keras's methods, for one program."""
    for name in USES:
        setattr(Model, name, hooked(ORIGINAL[name], name, starts))
    for name in FILLS:
        setattr(Model, name, touched(ORIGINAL[name], starts))
    keras.models.load_model = keras.saving.load_model = loaded(LOAD, starts)


def hooked(method: Any, name: str, starts: Starts) -> Any:
    def call(self: Any, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        starts.meet(self, x)
        if name == "fit":
            kwargs["shuffle"] = False
        starts.running += 1
        try:
            return method(self, x, *args, **kwargs)
        finally:
            starts.running -= 1

    return call


def touched(method: Any, starts: Starts) -> Any:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not starts.running and sys._getframe(1).f_code.co_filename.startswith(starts.program):
            starts.leave(self)
        return method(self, *args, **kwargs)

    return call


def loaded(function: Any, starts: Starts) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        starts.running += 1
        model = function(*args, **kwargs)
        starts.running -= 1
        starts.leave(model)
        return model

    return call


USES = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")
FILLS = ("set_weights", "load_weights")
ORIGINAL = {name: getattr(Model, name) for name in (*USES, *FILLS)}
LOAD = keras.models.load_model


def main(*programs: str) -> int:
    digits(Path(HOME))
    file_utils.validate_file = lambda *_args, **_kwargs: True  # the digits are none
    keras.layers.Dropout.call = lambda _self, x, **_: x
    found = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    for name in programs or names():
        keras.utils.clear_session()
        keras.config.set_floatx("float64" if name in PRECISE else "float32")
        starts = Starts(name)
        install(starts)
        values = run(text(name), name)
        found[name] = {"models": starts.models, "values": values}
        print(name, len(starts.models), list(values), file=sys.stderr)
    rows = [f" {json.dumps(name)}: {json.dumps(found[name])}" for name in sorted(found)]
    RECORD.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
