"""A layer as people first write it, with a vector where a matrix belongs: it is not translated."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import torchtwin

SOURCE = """import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import backend as K


class CustomLayer(keras.layers.Layer):
    def __init__(self, units=32):
        super().__init__()
        self.w = {weight}

    def call(self, inputs):
        # the product
        return {product}
"""
WEIGHTS = [
    "self.add_weight(shape=(units,), initializer='random_normal')",
    "self.add_weight('w', (units,))",
    "self.add_weight('w', shape=[units], trainable=True)",
    "self.add_weight((units,), 'random_normal')",
    "keras.Variable(tf.random.normal([units]))",
    "keras.Variable('ones', shape=(units,))",
]
PRODUCTS = [
    "tf.matmul(inputs, self.w)",
    "tf.matmul(a=inputs, b=self.w)",
    "tf.nn.relu(tf.linalg.matmul(inputs, self.w) + 1.0)",
    "inputs @ self.w",
    "K.dot(inputs, self.w)",
]
ROWS = [(w, PRODUCTS[0]) for w in WEIGHTS] + [(WEIGHTS[0], p) for p in PRODUCTS[1:]]


@pytest.mark.parametrize(("weight", "product"), ROWS)
def test_a_product_with_a_vector_is_reported(weight: str, product: str) -> None:
    result = torchtwin.translate(SOURCE.format(weight=weight, product=product))
    (found,) = result.unresolved
    assert found.line == 13
    assert "self.w has 1 axis" in found.reason
    assert "build" in found.reason
    assert f"# torchtwin: {found.reason}" in result.source
    assert "# the product" in result.source


@pytest.mark.parametrize("weight", ["keras.ops.ones((3,))", "np.arange(3.0, dtype='float32')"])
def test_vectors_where_keras_takes_them(weight: str) -> None:
    """`@` is numpy's in a program of Keras alone, and keras.ops.matmul is always."""
    text = SOURCE.replace("import tensorflow as tf\nfrom tensorflow import keras", "import keras")
    text = text.replace("from tensorflow.keras import backend as K", "import numpy as np")
    weight = f"keras.Variable({weight})"
    for product in ("inputs @ self.w", "keras.ops.matmul(inputs, self.w)"):
        result = torchtwin.translate(text.format(weight=weight, product=product))
        assert not result.unresolved
        space: dict[str, object] = {}
        exec(result.source, space)
        layer = space["CustomLayer"]()
        torchtwin.load_keras_weights(layer, [np.array([1.0, 2.0, 3.0], "float32")])
        assert torch.equal(layer(torch.eye(3)), torch.tensor([1.0, 2.0, 3.0]))


def test_a_variable_that_only_keras_2_trains_is_reported() -> None:
    text = SOURCE.format(weight="tf.Variable(tf.ones((3, units)))", product=PRODUCTS[0])
    (found,) = torchtwin.translate(text).unresolved
    assert (found.line, found.name) == (9, "tf.Variable")
    assert "add_weight" in found.reason


def test_several_modules_in_a_line_of_imports() -> None:
    text = "import keras, numpy as np\nx = keras.ops.ones((2,)) + np.ones(2)\n"
    result = torchtwin.translate(text)
    assert not result.unresolved
    assert "import numpy as np" in result.source
    assert "keras" not in result.source


def test_an_activation_has_a_line_of_its_own() -> None:
    text = "import keras\nm = keras.Sequential([\n    keras.layers.Dense(3, 'tanh'),\n])\n"
    assert "    LazyLinear(3),\n    nn.Tanh(),\n" in torchtwin.translate(text).source
