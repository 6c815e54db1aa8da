"""Runs the custom layers in Keras on TensorFlow and keeps what they give.

    python keras_layers.py [--one] TARGET.pickle [PART OF A NAME ...]

For every case and precision (with --one only the best): the weights, the outputs, the added
losses, and the gradients of the inputs and the weights. A case that Keras cannot run is named.
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import keras
import numpy as np
import tensorflow as tf
from keras._tf_keras.keras import backend as older

from custom.layer_cases import CASES, Case
from custom.weighting import weighting

for name in set(vars(older)) - set(vars(keras.backend)):  # keras.backend as Keras 2 had it
    setattr(keras.backend, name, getattr(older, name))

Arrays = list[np.ndarray]


def main(*words: str, cases: Sequence[Case] = CASES) -> int:
    target, *parts = [word for word in words if word != "--one"]
    found, failed = {}, 0
    for case in cases:
        if parts and not any(part in case.name for part in parts):
            continue
        precisions = ("float64", "float32") if case.double else ("float32",)
        for dtype in precisions[:1] if "--one" in words else precisions:
            try:
                found[case.name, dtype] = reference(case, dtype)
            except Exception:
                traceback.print_exc(limit=-6)
                print(f"FAILED {case.name} in {dtype}", file=sys.stderr)
                failed += 1
    with Path(target).open("wb") as file:
        pickle.dump(found, file)
    return int(failed > 0)


def reference(case: Case, dtype: str) -> dict[str, Any]:
    keras.utils.clear_session()
    keras.backend.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    space: dict[str, Any] = {"__name__": "custom_source"}
    exec(compile(case.text, f"{case.source}.py", "exec"), space)
    layer = eval(case.make, space)
    raw_inputs, raw_call = case.arrays(dtype)
    inputs = tf.nest.map_structure(tensor, raw_inputs)
    call = tf.nest.map_structure(tensor, raw_call)
    layer(*inputs, **call)
    layer.set_weights(weights := [drawn(case, i, w) for i, w in enumerate(layer.weights)])
    floats = [x for x in tf.nest.flatten(inputs) if x.dtype.is_floating]
    trainable = [w.value for w in layer.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch(floats)
        outputs = layer(*inputs, **call, training=case.training)
        flat = tf.nest.flatten(outputs)
        total = sum(tf.reduce_sum(o * cotangent(case, o)) for o in flat if o.dtype.is_floating)
        if case.losses:
            total += 0.5 * sum(tf.cast(loss, total.dtype) for loss in layer.losses)
    grads = tape.gradient(total, floats + trainable, unconnected_gradients="zero")
    of_weights = iter([dense(g) for g in grads[len(floats) :]])
    return {
        "weights": weights,
        "after": layer.get_weights(),
        "outputs": [o.numpy() for o in flat],
        "losses": [float(loss) for loss in layer.losses],
        "input_gradients": [dense(g) for g in grads[: len(floats)]],
        "weight_gradients": [
            next(of_weights) if w.trainable else np.zeros_like(old)
            for w, old in zip(layer.weights, weights, strict=True)
        ],
    }


def tensor(x: Any) -> Any:
    return tf.constant(x) if isinstance(x, np.ndarray) else x


def dense(x: Any) -> np.ndarray:
    return tf.convert_to_tensor(x).numpy()


def drawn(case: Case, index: int, variable: Any) -> np.ndarray:
    """Return values for a weight; those that are not trained may be variances."""
    random = np.random.default_rng(crc32(f"{case.name}{index}".encode()))
    value = np.asarray(variable)
    if not np.issubdtype(value.dtype, np.floating):
        return value
    if not variable.trainable:
        return random.uniform(0.5, 1.5, value.shape).astype(value.dtype)
    return (0.6 * random.standard_normal(value.shape)).astype(value.dtype)


def cotangent(case: Case, output: Any) -> Any:
    """Return what an output is weighted with in the sum whose gradients are taken."""
    return tf.constant(weighting(case.name, tuple(output.shape)), output.dtype)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
