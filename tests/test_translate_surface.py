"""What programs ask of layers and models: weights and results as arrays, Keras's own words."""

from __future__ import annotations

import numpy as np
import pytest

import torchtwin
from program_support import both, same

HEAD = """
import numpy as np
import keras
from keras import layers

rng = np.random.default_rng(0)
x = rng.normal(size=(6, 8, 3)).astype("float32")
inputs = keras.Input((8, 3))
h = layers.Conv1D(5, 3, name="wide")(inputs)
h = layers.BatchNormalization()(h)
h = layers.GlobalAveragePooling1D()(h)
model = keras.Model(inputs, layers.Dense(2, name="last")(h))
start(model, x)
"""
ARRAYS = """
before = model.predict(x, verbose=0)
arrays = [layer.get_weights() for layer in model.layers]
counts = [layer.count_params() for layer in model.layers]
kernel, bias = model.get_layer("last").get_weights()
model.get_layer("last").set_weights([kernel * 2, bias + 1])
after = model.predict(x, verbose=0)
whole = model.count_params()
ready = model.built
largest = np.argmax(model(x), axis=1)
plain = np.asarray(model(x))
mean = float(np.mean(model(x)))
"""
LAYER = """
import numpy as np
from keras import layers

words = layers.Embedding(7, 4)
dense = layers.Dense(3, activation="relu")
deep = layers.DepthwiseConv2D(2, depth_multiplier=2)
x = np.arange(6).reshape(2, 3)
a = dense(words(x))
b = deep(np.ones((1, 3, 3, 2), "float32"))
words.set_weights([np.arange(28.0).reshape(7, 4) / 9])
dense.set_weights([np.linspace(-1, 1, 12).reshape(4, 3), np.array([0.1, 0.2, 0.3])])
deep.set_weights([np.linspace(-1, 1, 16).reshape(2, 2, 2, 2), np.zeros(4)])
result = np.array(dense(words(x)))
spatial = np.array(deep(np.linspace(0, 1, 18).reshape(1, 3, 3, 2).astype("float32")))
shapes = [w.shape for layer in (words, dense, deep) for w in layer.get_weights()]
"""


def test_weights_and_results_are_arrays_as_in_keras() -> None:
    wanted, found, source = both(HEAD + ARRAYS)
    for name in (
        "arrays",
        "counts",
        "kernel",
        "bias",
        "before",
        "after",
        "whole",
        "ready",
        "plain",
        "mean",
    ):
        same(wanted[name], found[name])
    assert found["largest"].tolist() == wanted["largest"].tolist()
    assert "Apply(" not in source
    with pytest.raises(ValueError, match="are wanted"):
        found["fill_layer"](found["model"].layers[-1], [np.zeros((2, 5)), np.zeros(2)])


def test_weights_of_single_layers_have_the_axes_of_keras() -> None:
    wanted, found, _ = both(LAYER)
    for name in ("result", "spatial", "shapes"):
        same(wanted[name], found[name])


EAGER = """
import numpy as np
import keras
from keras import layers

rng = np.random.default_rng(0)
x = rng.normal(size=(12, 4)).astype("float32")
model = keras.Sequential([layers.Dense(3, activation="relu"), layers.Dense(4)])
start(model, x)
model.compile("adam", "mse")
history = model.fit(x, x, epochs=2, batch_size=4, shuffle=False, verbose=0).history


def best(net, data):
    outputs = []
    for row in range(3):
        outputs.append(net(data[row : row + 1]))
    return np.concatenate(outputs)


rows = best(model, x)
errors = keras.losses.mean_absolute_error(x, model.predict(x, verbose=0))
threshold = np.mean(errors) + np.std(errors)
square = np.square(model(x) - x).mean()
filled = np.zeros((12, 4))
filled[:] = model(x)
accuracy = keras.metrics.BinaryAccuracy()
accuracy.update_state(x > 0, model.predict(x, verbose=0))
accuracy = float(accuracy.result())
again = model.train_on_batch(x, x)
kernel = np.array(model.get_layer(index=1).kernel)
"""


def test_what_a_program_computes_with_results_needs_no_gradients() -> None:
    wanted, found, source = both(EAGER)
    for name in ("history", "rows", "threshold", "square", "filled", "accuracy", "kernel"):
        same(wanted[name], found[name])
    assert source.count("torch.set_grad_enabled(False)") == 1
    assert "@torch.enable_grad()" in source


def test_weights_over_several_axes_are_refused_when_they_are_taken() -> None:
    text = HEAD.replace("layers.BatchNormalization()", "layers.LayerNormalization(axis=[1, 2])")
    asked = f"{text}model.predict(x, verbose=0)\nget = lambda: model.layers[2].get_weights()\n"
    found = both(asked)[1]
    with pytest.raises(NotImplementedError, match="Norm"):
        found["get"]()


def test_other_weights_are_refused_when_they_are_taken() -> None:
    text = f"{HEAD.replace('Dense(2', 'LSTM(2').replace('h = layers.Glob', 'g = layers.Glob')}"
    found = both(f"{text}get = lambda: model.layers[-1].get_weights()\n")[1]
    with pytest.raises(NotImplementedError, match="LSTM"):
        found["get"]()


@pytest.mark.parametrize(
    "line",
    [
        "print(model.losses)", "print(model.input_shape)", "shape = model.layers[1].output_shape",
        "n = len(model.variables)", "print(model.metrics)", "print(model.name)",
        "config = model.get_config()", "model.reset_states()", "model.reset_metrics()",
        "model.add_loss(1.0)", "model.load_weights('x.weights.h5', skip_mismatch=True)",
        "first = model.get_weights()[0]", "a, b, *rest = model.get_weights()",
        "for w in model.get_weights(): print(w.shape)", "print(model.layers[1].filters)",
        "a = model.predict(x, wrong=1)",
    ],
)  # fmt: skip
def test_what_only_keras_knows_is_refused_where_it_stands(line: str) -> None:
    translation = torchtwin.translate(f"{HEAD}{line}\n")
    (reason,) = translation.unresolved
    assert reason.line == len(HEAD.splitlines()) + 1
    assert "# torchtwin:" in translation.source


def test_a_callback_asks_its_model_for_no_more_than_it_has() -> None:
    text = f"""{HEAD}
class Named(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        print(self.model.name)
"""
    (reason,) = torchtwin.translate(text).unresolved
    assert reason.reason.startswith("name is an attribute")


def test_own_classes_may_have_such_names() -> None:
    text = """
import keras


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.metrics_of_mine = []
        self.units = 3
        self.dense = keras.layers.Dense(self.units)

    def losses_of(self):
        return self.units

    def pop(self):
        return self.units + 1

    def call(self, x):
        return self.dense(x)


net = Net()
print(net.units, net.pop(), net.losses_of())
"""
    assert not torchtwin.translate(text).unresolved


def test_a_call_that_a_rule_cannot_take_is_refused_alone() -> None:
    text = """
import keras

norm = keras.layers.LayerNormalization(axis=("x", 1))
dense = keras.layers.Dense(3)
"""
    translation = torchtwin.translate(text)
    (reason,) = translation.unresolved
    assert reason.line == 4
    assert "dense = LazyLinear(3)" in translation.source
