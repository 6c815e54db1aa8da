"""Arrays that come without the last axis of length one that an input has."""

from __future__ import annotations

import libcst as cst
import pytest

from program_support import both, same
from torchtwin.translate.array_axes import given_axes

PROGRAM = """
import numpy as np
import keras
from keras import layers

rng = np.random.default_rng(0)
x = rng.normal(size=(20, 6)).astype("float32")
y = (x @ rng.normal(size=(6, 1))).astype("float32")
CHANNELS = 1

# Arrays are given axes here, though not those of the first two models.
images = np.expand_dims(x.reshape(20, 2, 3), -1)

numbers = keras.Sequential([keras.Input((1,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
start(numbers, x[:2, :1])
numbers.compile("sgd", "mse", metrics=["mae"])
curves = numbers.fit(x[:, 0], y, epochs=2, verbose=0, shuffle=False).history
numbers.compile("sgd", "mse", metrics=["mae"])
more = numbers.fit(x[:, 0], y[:, 0], epochs=2, verbose=0, shuffle=False).history
one = numbers.train_on_batch(x[:1, 0], y[:1, 0])
outputs = numbers.predict(x[:5, 0], verbose=0)
single = numbers(np.array([0.5], "float32"))

left = keras.Input((1,), name="left")
right = keras.Input(shape=(6, CHANNELS), name="right")
h = layers.Flatten()(layers.Conv1D(3, 2)(right))
pair = keras.Model([left, right], layers.Dense(1)(layers.Concatenate()([left, h])))
start(pair, [x[:2, :1], x[:2, :, None]])
pair.compile("sgd", "mse")
two = pair.fit([x[:, 0], x], y[:, 0], epochs=2, verbose=0, shuffle=False).history
two_outputs = pair.predict([x[:5, :1], x[:5, :, np.newaxis]], verbose=0)

inputs = keras.Input((2, 3, 1))
flat = layers.Flatten()(layers.Conv2D(2, 2)(inputs))
net = keras.Model(inputs, layers.Dense(1)(flat))
start(net, images[:2])
net.compile("sgd", "mse")
three = net.fit(images, y, epochs=1, verbose=0, shuffle=False).history
"""


def test_programs_whose_arrays_lack_an_axis_train_as_in_keras() -> None:
    wanted, found, source = both(PROGRAM)
    for name in ("curves", "more", "one", "outputs", "single", "two", "two_outputs", "three"):
        same(wanted[name], found[name])
    assert source.count("[..., None]") == 4  # in Sequential, and for three inputs
    assert source.count("input_axes=2") == 1


KNOWN = [
    ("(x, y), _ = keras.datasets.mnist.load_data()\nm.fit(x / 255, y)", {3}),
    ("(x, y), _ = mnist.load_data()\nx = np.expand_dims(x, -1)\nm.fit(x, y)", {4}),
    ("x = np.load('a')\nm.fit(x.reshape(-1, 28, 28, 1), y)", {4}),
    ("x = np.load('a')\nx = x.reshape(x.shape + (1,)).astype('f')\nm.fit(x[:5], y)", {-1}),
    ("x = np.load('a')[..., np.newaxis]\nm.evaluate(x, y)", {-1}),
    ("def f(a):\n    return a[:, :, None]\nm.predict(f(np.ones((2, 3))))", {3}),
    ("def f(a):\n    m.fit(a, b)\nf(np.ones((2, 3)))\nf(np.zeros(3))", {1, 2}),
    ("x = np.ones((2, 3))\nif a:\n    x = x[:, 0]\nm.fit(x, y)", {None}),
    ("a, b, c, d = train_test_split(np.ones((2, 3)), y)\nm.fit(a, c, validation_data=(b, d))", {2}),
    ("x = np.ones((2, 3))\nx -= x.mean(axis=0)\nx = x / np.std(x)\nm.fit(x)", {2}),
    ("for x in data:\n    m.train_on_batch(x, y)", {None}),
    ("m.fit({'a': np.ones(3), 'b': rng.normal(size=(3, 4))}, y)", {1, 2}),
    ("m.fit(*data)", {None}),
    ("print(np.ones(3))\nx = m(np.array([[1.0], [2.0]]))", {2}),
    ("def f(a):\n    return f(a)\nm.fit(f(1))", {None}),
    ("x = unknown * 2\nm.fit(1 - x)", {None}),
    ("x = np.ones((4, 5))\nm.fit(x[rows], x[0])", {None}),
    ("x = np.ones((4, 5))\nfor a, b in folds.split(x):\n    m.fit(x[a], y[b])", {2}),
]


@pytest.mark.parametrize(("text", "axes"), KNOWN)
def test_how_many_axes_arrays_have(text: str, axes: set[int | None]) -> None:
    head = "import numpy as np\nimport keras\nfrom keras.datasets import mnist\n"
    assert given_axes(cst.parse_module(head + text + "\n")) == axes
