"""What add_weight says beyond shape and first value."""

from __future__ import annotations

import torch

import torchtwin
from torchtwin.nn.penalties import weight_penalties

SOURCE = """
import keras


class Bounded(keras.layers.Layer):
    def __init__(self, penalty="l2"):
        super().__init__()
        self.penalty = keras.regularizers.get(penalty)

    def build(self, input_shape):
        shape = (input_shape[-1], 2)
        self.w = self.add_weight(shape, regularizer=self.penalty, constraint="non_neg")
        self.b = self.add_weight(shape=(2,), regularizer=keras.regularizers.L1(0.5))
        self.c = self.add_weight(shape=(2,))

    def call(self, x):
        return x @ self.w + self.b + self.c
"""


def test_penalties_and_constraints_of_own_weights() -> None:
    translation = torchtwin.translate(SOURCE)
    assert not translation.unresolved
    space: dict[str, object] = {}
    exec(translation.source, space)
    layer = space["Bounded"]("l1")  # type: ignore[operator]
    layer(torch.ones(3, 4))
    assert sorted(layer.penalties) == ["b", "w"]
    assert sorted(layer.constraints) == ["w"]
    weight = torch.tensor([1.0, -3.0])
    assert float(layer.penalties["b"](weight)) == 2.0
    torch.testing.assert_close(layer.penalties["w"](weight), torch.tensor(0.04))
    assert layer.constraints["w"](weight).tolist() == [1.0, 0.0]


def test_weights_in_a_list_keep_their_penalties() -> None:
    source = SOURCE.replace("self.c = self", "self.c = [self").replace(
        "shape=(2,))\n\n", "shape=(2,), regularizer='l2')]\n\n"
    )
    source = source.replace("+ self.c", "+ self.c[0]")
    translation = torchtwin.translate(source)
    assert not translation.unresolved
    space: dict[str, object] = {}
    exec(translation.source, space)
    layer = space["Bounded"]("l1")  # type: ignore[operator]
    layer(torch.ones(3, 4))
    with torch.no_grad():
        layer.w.zero_()
        layer.b.zero_()
        layer.c[0].copy_(torch.tensor([1.0, -3.0]))
    found = [penalty.detach() for penalty in weight_penalties(layer)]
    torch.testing.assert_close(found, [torch.tensor(value) for value in (0.0, 0.0, 0.1)])


def test_what_is_given_is_not_changed_in_place() -> None:
    source = (
        "import keras\n\n\nclass Doubled(keras.layers.Layer):\n"
        "    def call(self, x):\n        x *= 2.0\n        x -= x - 1.0\n        return x\n"
    )
    translated = torchtwin.translate(source).source
    assert "x = x * 2.0\n        x = x - (x - 1.0)\n" in translated
    space: dict[str, object] = {}
    exec(translated, space)
    given = torch.ones(2)
    space["Doubled"]()(given)  # type: ignore[operator]
    assert given.tolist() == [1.0, 1.0]


def test_names_of_the_program_do_not_hide_those_of_helpers() -> None:
    source = (
        "import keras\n\n\nclass Started(keras.layers.Layer):\n"
        "    def __init__(self, initializer='ones'):\n        super().__init__()\n"
        "        self.first = keras.initializers.get(initializer)\n\n"
        "    def build(self, shape):\n"
        "        self.w = self.add_weight((2,), initializer=self.first)\n\n"
        "    def call(self, x):\n        return x * self.w\n"
    )
    translation = torchtwin.translate(source)
    assert not translation.unresolved
    space: dict[str, object] = {}
    exec(translation.source, space)
    assert space["Started"]()(torch.ones(3, 2)).tolist() == [[1.0, 1.0]] * 3  # type: ignore[operator]


def test_functions_among_layers_are_modules_too() -> None:
    source = (
        "import keras\n\n\nclass Chain(keras.layers.Layer):\n"
        "    def __init__(self, activation='relu'):\n        super().__init__()\n"
        "        act = keras.activations.get(activation)\n"
        "        self.parts = [keras.layers.Dense(3), act, keras.layers.Dense(2)]\n\n"
        "    def call(self, x):\n        for part in self.parts:\n            x = part(x)\n"
        "        return x\n"
    )
    translation = torchtwin.translate(source)
    assert not translation.unresolved
    space: dict[str, object] = {}
    exec(translation.source, space)
    chain = space["Chain"]()  # type: ignore[operator]
    assert chain(torch.ones(3, 4)).shape == (3, 2)
    assert len(list(chain.parameters())) == 4
