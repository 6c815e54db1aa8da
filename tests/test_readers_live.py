"""Live models: read without importing anything, on every backend."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tf_keras

from reader_support import mlp, randomized
from torchtwin.errors import UnreadableModel
from torchtwin.readers import read
from torchtwin.source import Ordered

PROGRAM = """
import os, sys
if os.environ["KERAS_BACKEND"] != "tensorflow":
    sys.modules["tensorflow"] = None  # Keras itself imports it, where there is one, to serialise
import keras, numpy as np
from torchtwin.readers import read

model = keras.Sequential([
    keras.Input((4,)),
    keras.layers.Dense(3, dtype="bfloat16"),
    keras.layers.BatchNormalization(dtype="float32"),
    keras.layers.Dropout(0.5),
])
model.compile("sgd", "mse")
before = set(sys.modules)
source = read(model)
arrays = [a for group in source.weights.groups.values() for a in group]
values = [a.read() for a in arrays]
new = {name.split(".")[0] for name in set(sys.modules) - before}
assert not new & {"keras", "tensorflow", "jax", "torch", "tf_keras", "h5py"}, new
assert [a.dtype for a in arrays] == ["bfloat16"] * 2 + ["float32"] * 4, arrays
assert values[0].dtype == np.uint16 and type(values[0]) is np.ndarray
wanted = keras.ops.convert_to_numpy(keras.ops.cast(model.weights[0], "float32"))
widened = (values[0].astype("u4") << 16).view("f4")
np.testing.assert_array_equal(widened, wanted)
assert source.version == keras.__version__ and source.compile["loss"] == "mse"
assert source.compile["optimizer"]["class_name"] == "SGD"
print(keras.backend.backend())
"""


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])  # the other tests are on JAX
def test_backends(backend: str) -> None:
    environment = {**os.environ, "KERAS_BACKEND": backend}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == backend, done.stderr[-2000:]


def test_tf_keras() -> None:
    model = randomized(mlp(tf_keras))
    source = read(model)
    assert source.version == tf_keras.__version__
    assert isinstance(source.weights, Ordered)
    kernel, bias = source.weights.groups["first"]
    np.testing.assert_array_equal(kernel.read(), model.get_layer("first").kernel.numpy())
    assert bias.shape == (3,)
    model = tf_keras.Sequential([tf_keras.layers.BatchNormalization(name="n", input_shape=(2,))])
    names = [a.name.split("/")[-1] for a in read(model).weights.groups["n"]]  # type: ignore[union-attr]
    assert names == ["gamma:0", "beta:0", "moving_mean:0", "moving_variance:0"]


def test_values_are_those_of_the_time_of_reading() -> None:
    """Arrays are lazy: what is bound is what the model holds when it is converted."""
    model = randomized(mlp(keras))
    kernel = read(model).weights.groups["first"][0]  # type: ignore[union-attr]
    model.get_layer("first").kernel.assign(np.ones((4, 3)))
    np.testing.assert_array_equal(kernel.read(), np.ones((4, 3)))


def test_subclassed_model_without_a_config() -> None:
    class Own(keras.Model):
        def __init__(self, size: int) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(size)

    with pytest.raises(UnreadableModel, match="Own"):
        read(Own(3))


def test_a_path_is_no_model(tmp_path: Path) -> None:
    for given in (str(tmp_path / "x.keras"), tmp_path / "x.keras"):
        with pytest.raises(UnreadableModel, match="no file"):
            read(given)
    with pytest.raises(UnreadableModel, match="neither a path nor a Keras model"):
        read(keras.layers.Dense(3))
