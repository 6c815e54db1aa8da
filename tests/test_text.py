"""Layers that take text, in numbers against Keras.

Keras on JAX cannot call a model on strings, so its layers are called one after another.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tf_keras
import torch
from keras import layers as kl

import torchtwin
from cases import randomize

CORPUS = ["the quick fox, the fox!", "école is a cafe in école", "a b c the end's c"]
TEXTS = [
    "The QUICK brown-fox [jumps]; over 'the' {lazy} dog_s ~ #1",
    "ÉCOLE école École's İstanbul straße ΑΒΓ 日本語 👍🏽 e\u0301",
    "",
    "  a\u00a0b\u2003c\x1cd\x0bthe\x85fox\r\nfox\tend\x00s  ",
    "!!! ... a",
    "a b c the end's c a b c the end's c",
]


def model_of(*layers: Any, shape: tuple[int, ...] = (1,)) -> keras.Model:
    model = keras.Sequential([keras.Input(shape, dtype="string"), *layers])
    randomize(model)
    return model


def wanted_of(model: keras.Model, texts: Any) -> np.ndarray:
    x: Any = np.array(texts)
    for layer in model.layers:
        x = layer(x)
    return keras.ops.convert_to_numpy(x)


def agree(given: Any, model: keras.Model, texts: Any) -> torchtwin.Twin:
    twin, wanted = torchtwin.convert(given), wanted_of(model, texts)
    with torch.no_grad():
        got = twin.module(texts).numpy()
    assert got.shape == wanted.shape
    if wanted.dtype.kind == "f":
        assert got.dtype == wanted.dtype
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5)
    return twin


def adapted(**config: Any) -> keras.layers.Layer:
    layer = kl.TextVectorization(**config)
    layer.adapt(CORPUS)
    return layer


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"standardize": "lower"},
        {"standardize": "strip_punctuation"},
        {"standardize": None},
        {"split": "character"},
        {"ngrams": 2},
        {"ngrams": (3, 1)},
        {"ngrams": 2, "split": "character", "output_mode": "count"},
        {"output_sequence_length": 4},
        {"output_sequence_length": 40},
        {"max_tokens": 5},
        {"max_tokens": 50, "pad_to_max_tokens": True},
        {"output_mode": "multi_hot"},
        {"output_mode": "count"},
        {"output_mode": "count", "max_tokens": 50, "pad_to_max_tokens": True},
        {"output_mode": "tf_idf"},
        {"output_mode": "tf_idf", "max_tokens": 50, "pad_to_max_tokens": True},
    ],
    ids=str,
)
def test_text_vectorization(config: dict[str, Any], tmp_path: Path) -> None:
    model = model_of(adapted(**config))
    agree(model, model, [[text] for text in TEXTS])
    agree(model, model, [[""], [""]])
    model.save(tmp_path / "model.keras")
    agree(tmp_path / "model.keras", model, [[text] for text in TEXTS])


def test_a_row_may_be_a_string() -> None:
    model = model_of(adapted(), shape=())
    agree(model, model, TEXTS)


@pytest.mark.parametrize("length", [None, 2, 5])
def test_strings_that_are_not_split(length: int | None) -> None:
    layer = kl.TextVectorization(
        split=None, vocabulary=["a b", "é", "c"], output_sequence_length=length
    )
    agree(model := model_of(layer, shape=(3,)), model, [["A B!", "É", "é"], ["", "c", "a"]])


def test_nested_models_of_texts() -> None:
    text = keras.Input((1,), dtype="string")
    inner = keras.Model(text, adapted(output_sequence_length=3)(text), name="inner")
    model = model_of(inner, kl.Embedding(20, 2), kl.Flatten(), kl.Dense(2))
    twin = torchtwin.convert(model)
    x = inner.layers[1](np.array(TEXTS))
    for layer in model.layers[1:]:
        x = layer(x)
    got = twin.module([[text] for text in TEXTS]).detach()
    np.testing.assert_allclose(got, keras.ops.convert_to_numpy(x), atol=1e-5)


@pytest.mark.parametrize("special", [[], ["", "[UNK]"]])
def test_vocabulary_of_the_config(special: list[str], tmp_path: Path) -> None:
    model = model_of(kl.TextVectorization(vocabulary=[*special, "the", "fox", "école"]))
    model.save(tmp_path / "model.keras")
    for given in (model, tmp_path / "model.keras"):
        agree(given, model, [[text] for text in TEXTS])


def test_weights_of_the_config(tmp_path: Path) -> None:
    layer = kl.TextVectorization(
        vocabulary=["the", "fox"], idf_weights=[0.3, 0.9], output_mode="tf_idf"
    )
    model = model_of(layer, kl.Dense(2))
    model.save(tmp_path / "model.keras")
    for given in (model, tmp_path / "model.keras"):
        agree(given, model, [[text] for text in TEXTS])


def test_words_that_hold_anything() -> None:
    words = ["a\nb", "x\x00y", '"', "\\", "\u2028", "👍🏽", ",", " "]
    layer = kl.TextVectorization(vocabulary=words, standardize=None, split=None)
    agree(model := model_of(layer), model, [[word] for word in [*words, "b", "[UNK]", ""]])


def classifier(layer: keras.layers.Layer) -> keras.Model:
    size = len(layer.get_vocabulary())
    return model_of(
        layer, kl.Embedding(size, 8), kl.GlobalAveragePooling1D(), kl.Dense(3, "softmax")
    )


def test_classifier_of_texts(tmp_path: Path) -> None:
    model = classifier(adapted(output_sequence_length=7))
    model.save(tmp_path / "model.keras")
    twin = agree(tmp_path / "model.keras", model, [[text] for text in TEXTS])
    assert "(B, 1) of str" in twin.source
    assert "quick" not in twin.source
    folder, texts = twin.save(tmp_path / "twin"), TEXTS
    program = (
        "import json, sys\n"
        "for name in ('torchtwin', 'keras', 'tensorflow'): sys.modules[name] = None\n"
        "import model\n"
        "print(json.dumps(model.load()(json.loads(sys.argv[1])).tolist()))\n"
    )
    command = [sys.executable, "-c", program, json.dumps(texts)]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    wanted = wanted_of(model, [[text] for text in texts])
    np.testing.assert_allclose(json.loads(done.stdout), wanted, atol=1e-5)


@pytest.mark.parametrize("mode", ["int", "multi_hot", "tf_idf"])
def test_texts_in_keras2(mode: str, tmp_path: Path) -> None:
    layer = tf_keras.layers.TextVectorization(output_mode=mode)
    layer.adapt(CORPUS)
    model = tf_keras.Sequential([tf_keras.Input((1,), dtype="string"), layer])
    model.save(tmp_path / "model.keras")
    texts = [[text] for text in TEXTS]
    wanted = model(np.array(texts)).numpy()
    for given in (model, tmp_path / "model.keras"):
        got = torchtwin.convert(given).module(texts)
        np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_twin_of_texts_trains() -> None:
    module = torchtwin.convert(classifier(adapted())).module.train()
    module(TEXTS[3:]).square().sum().backward()
    assert all(p.grad is not None for p in module.parameters())
    counts = model_of(adapted(output_mode="count"), kl.Dense(2))
    assert torchtwin.convert(counts).module.double()(TEXTS).dtype == torch.float64


def test_vocabulary_is_loaded_again() -> None:
    first, second = (
        torchtwin.convert(model_of(kl.TextVectorization(vocabulary=words, name="words"))).module
        for words in (["a", "b"], ["b", "a"])
    )
    assert first(["a b"]).tolist() == [[2, 3]]
    first.load_state_dict(second.state_dict())
    assert first(["a b"]).tolist() == [[3, 2]]


@pytest.mark.parametrize(
    ("config", "shape", "texts"),
    [
        ({}, (), ["a", "q", ""]),
        ({"mask_token": ""}, (1,), [["a"], [""], ["q"]]),
        ({"mask_token": ""}, (2,), [["a", "q"], ["", "é"]]),
        ({"num_oov_indices": 0}, (2,), [["a", "é"], ["é", "é"]]),
        ({"num_oov_indices": 0, "mask_token": "m"}, (2,), [["a", "m"], ["é", "é"]]),
        ({"output_mode": "one_hot"}, (1,), [["a"], ["q"], ["é"]]),
        ({"output_mode": "one_hot"}, (), ["a", "q", "é"]),
        ({"output_mode": "one_hot", "mask_token": "m"}, (1,), [["a"], ["m"], ["q"]]),
        ({"output_mode": "multi_hot"}, (3,), [["a", "a", "é"], ["q", "q", "a"]]),
        ({"output_mode": "multi_hot", "mask_token": "m"}, (2,), [["a", "m"], ["m", "m"]]),
        ({"output_mode": "count"}, (3,), [["a", "a", "é"], ["q", "q", "a"]]),
        ({"output_mode": "count", "max_tokens": 9, "pad_to_max_tokens": True}, (1,), [["a"]]),
        ({"output_mode": "tf_idf", "idf_weights": [0.5, 2.0]}, (2,), [["a", "q"], ["é", "é"]]),
    ],
    ids=str,
)
def test_string_lookup(config: dict[str, Any], shape: tuple[int, ...], texts: Any) -> None:
    model = model_of(kl.StringLookup(vocabulary=["a", "é"], **config), shape=shape)
    agree(model, model, texts)


def test_unknown_string_without_a_place() -> None:
    model = model_of(kl.StringLookup(vocabulary=["a"], num_oov_indices=0))
    with pytest.raises(ValueError, match="'q' is not in the vocabulary"):
        torchtwin.convert(model).module([["q"]])


@pytest.mark.parametrize(
    ("layer", "problem"),
    [
        (lambda: kl.StringLookup(vocabulary=["a"], encoding="latin-1"), "encoding"),
        (lambda: kl.TextVectorization(vocabulary=["a"], split=None, ngrams=2), "ngrams"),
        (lambda: kl.TextVectorization(vocabulary=["a"], encoding="latin-1"), "encoding"),
    ],
)
def test_refused(layer: Any, problem: str) -> None:
    with pytest.raises(torchtwin.UnsupportedError, match=problem):
        torchtwin.convert(model_of(layer()))


def test_model_of_texts_is_not_verified(tmp_path: Path) -> None:
    model = model_of(adapted())
    model.save(tmp_path / "model.keras")
    command = [sys.executable, "-m", "torchtwin", "convert", str(tmp_path / "model.keras")]
    done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert "takes strings" in done.stdout + done.stderr
