"""Layers that look up or hash whole numbers and strings, in numbers against Keras.

Keras runs TensorFlow's operations for them under every backend.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras import layers as kl

import torchtwin

NUMBERS = np.array([[3], [-7], [12345678901], [0], [5]])
STRINGS = [["a"], ["école"], [""], ["a word of more than sixteen bytes"], ["x" * 70], ["y" * 130]]
WORDS = ["a", "b", "x" * 70]


def agree(layer: Any, *given: Any) -> torchtwin.Twin:
    arrays = [np.array(x) for x in given]
    inputs = [
        keras.Input(x.shape[1:], dtype="string" if x.dtype.kind == "U" else "int64") for x in arrays
    ]
    model = keras.Model(inputs, layer(inputs if len(inputs) > 1 else inputs[0]))
    twin = torchtwin.convert(model)
    many: Any = [torch.from_numpy(x) if x.dtype.kind != "U" else x.tolist() for x in arrays]
    got = twin.module(*many).numpy()
    wanted = np.asarray(layer(arrays if len(arrays) > 1 else arrays[0]))
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5)
    return twin


@pytest.mark.parametrize(
    ("config", "given"),
    [
        ({}, STRINGS),
        ({}, NUMBERS),
        ({}, NUMBERS[:, 0]),
        ({"mask_value": "a"}, STRINGS),
        ({"mask_value": 3, "salt": 133}, NUMBERS),
        ({"salt": (133, 137)}, STRINGS),
        ({"output_mode": "one_hot"}, NUMBERS),
        ({"output_mode": "count"}, [["a", "b", "a"], ["", "c", "d"]]),
    ],
    ids=str,
)
def test_hashing(config: dict[str, Any], given: Any) -> None:
    agree(kl.Hashing(11, **config), given)


@pytest.mark.parametrize("mode", ["int", "one_hot"])
def test_hashed_crossing(mode: str) -> None:
    agree(kl.HashedCrossing(13, output_mode=mode), NUMBERS[:, 0], NUMBERS[::-1, 0])
    agree(kl.HashedCrossing(13, output_mode=mode), STRINGS[:5], NUMBERS)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"mask_token": 0},
        {"mask_token": 0, "num_oov_indices": 3},
        {"num_oov_indices": 3, "oov_method": "farmhash"},
        {"num_oov_indices": 3, "oov_method": "farmhash", "salt": [1, 2]},
        {"output_mode": "multi_hot", "mask_token": 0},
        {"output_mode": "one_hot", "max_tokens": 9, "pad_to_max_tokens": True},
        {"output_mode": "tf_idf", "idf_weights": [0.5, 2.0, 3.0]},
    ],
    ids=str,
)
def test_integer_lookup(config: dict[str, Any]) -> None:
    agree(kl.IntegerLookup(vocabulary=[5, -7, 3], **config), NUMBERS)


def test_integer_lookup_without_unknown_numbers() -> None:
    layer = kl.IntegerLookup(vocabulary=[5, 3], num_oov_indices=0)
    twin = agree(layer, [[3, 5]])
    with pytest.raises(ValueError, match=r"\[4\] are not in the vocabulary"):
        twin.module(torch.tensor([[3, 4]]))


@pytest.mark.parametrize(
    "config",
    [
        {"num_oov_indices": 4},
        {"num_oov_indices": 4, "mask_token": ""},
        {"num_oov_indices": 4, "salt": 7, "output_mode": "count"},
    ],
    ids=str,
)
def test_unknown_strings_are_hashed(config: dict[str, Any]) -> None:
    agree(kl.StringLookup(vocabulary=WORDS, **config), [*STRINGS, ["[UNK]"]])


def test_what_was_adapted_comes_from_the_file(tmp_path: Any) -> None:
    given = keras.Input((2,), dtype="int64")
    lookup = kl.IntegerLookup(mask_token=0, num_oov_indices=2)
    lookup.adapt(np.array([4, 4, 9, 0, 2]))
    model = keras.Model(given, lookup(given))
    model.save(tmp_path / "model.keras")
    twin = torchtwin.convert(tmp_path / "model.keras")
    numbers = np.array([[4, 0], [9, 8], [7, 2]])
    assert twin.module(torch.from_numpy(numbers)).tolist() == np.asarray(lookup(numbers)).tolist()
