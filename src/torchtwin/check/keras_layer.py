"""Runs layers of a user's file in Keras on TensorFlow, and keeps what they give.

    python -m torchtwin.check.keras_layer FOLDER

FOLDER holds `request.json` and `source.py`: the definitions that the layers need, and no more.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from torchtwin.check.alike import Record, parts, seeds
from torchtwin.check.keras_program import Starts, quiet
from torchtwin.verify.judge import told

SHAPES = (("float32", (4, 8)), ("float32", (4, 6, 8)), ("float32", (2, 8, 8, 3)),
          ("int32", (4, 6)), ("float32", (2, 6, 8, 8, 3)))  # fmt: skip
"""Inputs that are tried where the user names no shape: what a layer takes, it takes."""
COUNTS = (1, 2)


class Case:
    """A layer of the file: its outputs and its gradients, and what it was called with."""

    def __init__(self, space: dict[str, Any], make: str, record: Record) -> None:
        self.space, self.make, self.record = space, make, record
        self.keras: Any = importlib.import_module("keras")
        self.tf: Any = importlib.import_module("tensorflow")

    def run(self, shapes: list[list[Any]]) -> dict[str, Any]:
        """Call the layer with the inputs asked for, or with the first that it takes."""
        if shapes:
            return self._called([(str(dtype), tuple(shape)) for dtype, shape in shapes])
        reasons = []
        made = eval(self.make, self.space)
        embeds = any(isinstance(x, self.keras.layers.Embedding) for x in made._flatten_layers())
        for count in COUNTS:
            for shape in sorted(SHAPES, key=lambda s: embeds and s[0] != "int32"):
                try:
                    return self._called([shape] * count)
                except Exception as error:  # it is the user's code
                    reasons.append(error)
        raise reasons[0]

    def _called(self, shapes: list[tuple[str, tuple[int, ...]]]) -> dict[str, Any]:
        layer = eval(self.make, self.space)
        arrays = [drawn(k, dtype, shape) for k, (dtype, shape) in enumerate(shapes)]
        inputs = [self.tf.constant(a) for a in arrays]
        errors = []
        for how in ("apart", "list") if len(inputs) > 1 else ("apart",):
            try:
                given = inputs if how == "apart" else [inputs]
                layer(*given, training=False) if takes_training(layer) else layer(*given)
            except Exception as error:
                errors.append(error)
                layer = eval(self.make, self.space)
                continue
            found = self._compared(layer, given, inputs)
            shown = [f"{'x'.join(map(str, s))}{' of integers' if 'int' in d else ''}"
                     for d, s in shapes]  # fmt: skip
            return {"how": how, "inputs": arrays, "shown": ", ".join(shown), **found}
        raise errors[0]

    def _compared(self, layer: Any, given: list[Any], inputs: list[Any]) -> dict[str, Any]:
        weights = [weight(k, w) for k, w in enumerate(layer.weights)]
        layer.set_weights(weights)
        floats = [x for x in inputs if x.dtype.is_floating]
        trained = [w.value for w in layer.trainable_weights]
        with self.tf.GradientTape() as tape:
            tape.watch(floats)
            mode = {"training": False} if takes_training(layer) else {}
            outputs = self.tf.nest.flatten(layer(*given, **mode))
            total = sum(
                self.tf.reduce_sum(o * self.tf.constant(cotangent(k, o.shape), o.dtype))
                for k, o in enumerate(outputs)
                if o.dtype.is_floating
            )
        found = tape.gradient(total, [*floats, *trained], unconnected_gradients="zero")
        dense = iter([self.tf.convert_to_tensor(g).numpy() for g in found])
        of_inputs = [next(dense) for _ in floats]
        of_weights = [next(dense) if w.trainable else np.zeros_like(a)
                      for w, a in zip(layer.weights, weights, strict=True)]  # fmt: skip
        return {
            "weights": weights, "outputs": [o.numpy() for o in outputs],
            "input_gradients": of_inputs, "weight_gradients": of_weights,
        }  # fmt: skip


def takes_training(layer: Any) -> bool:
    return bool(getattr(layer, "_call_has_training_arg", False))


def drawn(index: int, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    random = np.random.default_rng(index)
    if "int" in dtype:
        return random.integers(0, 4, shape).astype(dtype)
    return random.standard_normal(shape).astype(dtype)


def weight(index: int, variable: Any) -> np.ndarray:
    """Return values for a weight; those that are not trained may be variances."""
    random, value = np.random.default_rng(100 + index), np.asarray(variable)
    if value.dtype.kind != "f":
        return value
    if not variable.trainable:
        return random.uniform(0.5, 1.5, value.shape).astype(value.dtype)
    return (0.5 * random.standard_normal(value.shape)).astype(value.dtype)


def cotangent(index: int, shape: Any) -> np.ndarray:
    """Return what an output is weighted with in the sum whose gradients are taken."""
    return np.random.default_rng(200 + index).standard_normal(tuple(shape))


def main(folder: Path) -> None:
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    source = folder / "source.py"
    record = Record(str(source))
    keras: Any = importlib.import_module("keras")
    starts = Starts(record, keras)
    starts.noiseless = True
    quiet(starts, keras)
    sys.path.insert(0, request["home"])
    seeds()
    space: dict[str, Any] = {"__name__": "source", "__file__": str(source)}
    text = source.read_text(encoding="utf-8")
    record.run(lambda: exec(compile(text, str(source), "exec", dont_inherit=True), space))
    cases: list[dict[str, Any]] = []
    for make in request["makes"] if not record.error else ():
        cases.append(_case(space, make, record, request["shapes"], len(cases)))
    judge = f"Keras {keras.__version__} ({keras.backend.backend()})"
    record.write(folder, judge=judge, cases=cases)


def _case(
    space: dict[str, Any], make: str, record: Record, shapes: list[Any], index: int
) -> dict[str, Any]:
    try:
        found = Case(space, make, record).run(shapes)
    except Exception as error:
        return {"error": told(error)}
    case = {"how": found["how"], "shown": found["shown"]}
    for kind in ("inputs", "weights", "outputs", "input_gradients", "weight_gradients"):
        case[kind] = len(found[kind])
        for k, (_, array) in enumerate(part for a in found[kind] for part in parts(a)):
            record.arrays[f"{index}/{kind}/{k}"] = array
    return case


if __name__ == "__main__":
    main(Path(sys.argv[1]))
