"""Layers with drawn arguments, and drawn graphs of layers, beside Keras.

    KERAS_BACKEND=tensorflow pytest tests/drawn/check.py [--hypothesis-profile=long]

Any backend of Keras but torch will do. TensorFlow is the quickest: JAX compiles every operation
for every shape. What differs there is looked at on JAX too: of MultiHeadAttention with two heads
over two steps, Keras 3.15 on TensorFlow was seen to differ from NumPy in the query's projection.
"""

from __future__ import annotations

import keras
import pytest
from hypothesis import assume, given, settings

from drawn.draft import Draft
from drawn.graphs import INPUTS, graphs
from drawn.judge import Invalid, Refused, judge
from drawn.layers import single_layers
from torchtwin.rule import rules

ELSEWHERE = {
    "Lambda", "StringLookup", "TextVectorization", "Equalization", "CategoryEncoding",
    "Discretization", "HashedCrossing", "Hashing", "IntegerLookup", "MelSpectrogram",
    "LSTMCell", "GRUCell", "SimpleRNNCell", "StackedRNNCells",
}  # fmt: skip
"""What takes code, strings, whole numbers, categories, waves or states: none are drawn."""
LAYERS = sorted(n for n in rules() if hasattr(keras.layers, n) and n not in ELSEWHERE)

EXPECTED = (
    "a nested model that is called with a mask and without one",
    "one layer is called on sizes that need two modules",
    "a mask that differs within a step",
    "RMSNormalization over axes that are not the last",
)
"""What a refusal may say: what is refused with a reason, and is no fault."""


def check(draft: Draft) -> None:
    assume("model" in draft.names)
    try:
        judge(draft)
    except Invalid:
        assume(False)
    except Refused as error:
        if not any(part in str(error) for part in EXPECTED):
            raise


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    some = settings(max_examples=settings().max_examples // 8)
    some(given(single_layers(name))(check))()


@pytest.mark.parametrize("kind", INPUTS)
def test_graphs(kind: str) -> None:
    some = settings(max_examples=settings().max_examples // 2)
    some(given(graphs(kind))(check))()
