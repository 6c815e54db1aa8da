"""Layers of programs that prepare data: images changed at random, statistics, vocabularies."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import torch

from translated_layers import module_of

IMAGES = np.random.default_rng(0).uniform(0, 255, (3, 6, 7, 2)).astype("float32")
TEXTS = ["The cat sat.", "the dog, the Cat!", "A dog\tran  away", "", "cat dog bird"]


@pytest.mark.parametrize(
    ("name", "config", "low", "high"),
    [
        ("RandomBrightness", {"factor": 0.2}, -0.2, 0.2),
        ("RandomBrightness", {"factor": (0.1, -0.3)}, -0.3, 0.1),
        ("RandomContrast", {"factor": 0.3}, 1.0, 1.3),
        ("RandomContrast", {"factor": (0.1, 0.3)}, 0.9, 1.3),
    ],
)
def test_random_numbers_have_keras_bounds(name: str, config: Any, low: float, high: float) -> None:
    layer = getattr(keras.layers, name)(**config, seed=1)
    images = np.zeros((2000, 1, 1, 1), "float32")
    key = "rgb_delta" if name == "RandomBrightness" else "contrast_factor"
    drawn = np.asarray(layer.get_random_transformation(images, training=True)[key]).ravel()
    drawn = drawn / 255 if name == "RandomBrightness" else drawn
    module, bounds = module_of(name, config), []
    module.uniform = lambda x, a, b, *_: bounds.extend([a, b]) or torch.ones(len(x), 1, 1, 1)
    module(torch.zeros(2, 1, 1, 1))
    assert bounds == pytest.approx([low, high])
    assert low - 1e-6 <= drawn.min() < low + 0.01
    assert high - 0.01 < drawn.max() <= high + 1e-6


@pytest.mark.parametrize("name", ["RandomFlip", "RandomRotation", "RandomZoom", "RandomContrast"])
def test_images_stay_as_they_are_in_evaluation(name: str) -> None:
    module = module_of(name, {} if name == "RandomFlip" else
                       {"height_factor" if name == "RandomZoom" else "factor": 0.3})  # fmt: skip
    x = torch.from_numpy(IMAGES)
    assert torch.equal(module.eval()(x), x)
    torch.manual_seed(3)  # one that flips
    assert not torch.equal(module.train()(x), x)
    assert module(x[0]).shape == x[0].shape


@pytest.mark.parametrize(("height", "width"), [(4, 4), (6, 3), (9, 4), (4, 12)])
def test_center_crop(height: int, width: int) -> None:
    layer = keras.layers.CenterCrop(height, width)
    module = module_of("CenterCrop", {"height": height, "width": width})
    got = module(torch.from_numpy(IMAGES)).numpy()
    np.testing.assert_allclose(got, np.asarray(layer(IMAGES)), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(4, 5), (9, 4)])
def test_random_crop(height: int, width: int) -> None:
    module = module_of("RandomCrop", {"height": height, "width": width})
    x = torch.from_numpy(IMAGES)
    got = module(x)
    assert got.shape == (3, height, width, 2)
    assert torch.equal(module.eval()(x), x)
    if height == 9:
        wanted = keras.layers.RandomCrop(height, width)(IMAGES, training=True)
        np.testing.assert_allclose(got.numpy(), np.asarray(wanted), rtol=1e-4, atol=1e-3)
    else:
        windows = [x[:, k : k + 4, j : j + 5] for k in range(3) for j in range(3)]
        assert any(torch.equal(got, window) for window in windows)


@pytest.mark.parametrize(
    "config", [{}, {"axis": None}, {"axis": [1, 2]}, {"invert": True}], ids=str
)
@pytest.mark.parametrize("batches", [False, True])
def test_normalization_adapts(config: dict[str, Any], batches: bool) -> None:
    data = np.random.default_rng(1).normal(3, 2, (12, 4, 5)).astype("float32")
    given: Any = [data[:5], data[5:7], data[7:]] if batches else data
    layer, module = keras.layers.Normalization(**config), module_of("Normalization", config)
    layer.adapt(given)
    module.adapt(given)
    np.testing.assert_allclose(
        module(torch.from_numpy(data)).numpy(), np.asarray(layer(data)), rtol=1e-4, atol=1e-4
    )
    for got, wanted in zip(module.state_dict().values(), layer.get_weights(), strict=True):
        assert tuple(got.shape) == wanted.shape


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("shape", [(4, 3), (5,), (4, 1)], ids=str)
def test_discretization(mode: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(2).normal(size=shape).astype("float32")
    x.flat[0] = 0.5  # on a boundary
    config = {"bin_boundaries": [-0.5, 0.5, 1.0], "output_mode": mode}
    wanted = np.asarray(keras.layers.Discretization(**config)(x))
    got = module_of("Discretization", config)(torch.from_numpy(x)).numpy()
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("size", [50, 1000])
@pytest.mark.parametrize("epsilon", [0.01, 0.1])
def test_discretization_adapts(size: int, epsilon: float) -> None:
    data = np.random.default_rng(3).normal(size=size).astype("float32")
    for given in (data, [data[: size // 3], data[size // 3 :]]):
        config = {"num_bins": 6, "epsilon": epsilon}
        layer, module = keras.layers.Discretization(**config), module_of("Discretization", config)
        layer.adapt(given)
        module.adapt(given)
        np.testing.assert_allclose(module.boundaries, layer.bin_boundaries, rtol=1e-5)


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("shape", [(4, 3), (5,), (4, 1)], ids=str)
def test_category_encoding(mode: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(4).integers(0, 6, shape)
    config = {"num_tokens": 6, "output_mode": mode}
    wanted = np.asarray(keras.layers.CategoryEncoding(**config)(x))
    got = module_of("CategoryEncoding", config)(torch.from_numpy(x)).numpy()
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
    np.testing.assert_array_equal(got, wanted)


TEXT = [
    {},
    {"max_tokens": 5, "output_sequence_length": 4},
    {"standardize": "lower", "split": "character"},
    {"standardize": None, "ngrams": 2},
    {"output_mode": "multi_hot", "max_tokens": 9, "pad_to_max_tokens": True},
    {"output_mode": "count"},
    {"output_mode": "tf_idf"},
    {"output_mode": "tf_idf", "max_tokens": 20, "pad_to_max_tokens": True},
]


@pytest.mark.parametrize("config", TEXT, ids=str)
def test_text_vectorization_adapts(config: dict[str, Any]) -> None:
    layer = keras.layers.TextVectorization(**config)
    module = module_of("TextVectorization", config)
    layer.adapt(TEXTS)
    module.adapt(np.array(TEXTS))
    assert module.get_vocabulary() == layer.get_vocabulary()
    assert module.vocabulary_size() == layer.vocabulary_size()
    given = ["the cat", "unknown words and a dog", "Bird"]
    for texts in (given, [[text] for text in given]):
        wanted = np.asarray(layer(texts))
        got = module(np.array(texts)).numpy()
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=1e-5)


LOOKUPS = [
    ("StringLookup", {}, [["b", "a", "b"], ["c", "b", "a"]]),
    ("StringLookup", {"mask_token": "", "max_tokens": 3}, [["b", "", "b"], ["c", "b", "a"]]),
    ("StringLookup", {"output_mode": "multi_hot", "mask_token": "c"}, [["b", "a"], ["c", "b"]]),
    ("StringLookup", {"output_mode": "one_hot"}, ["b", "a", "b", "c"]),
    ("IntegerLookup", {}, [[7, 3, 7], [12, 7, 3]]),
    ("IntegerLookup", {"mask_token": 0, "output_mode": "count"}, [[7, 0, 7], [12, 7, 3]]),
    ("IntegerLookup", {"num_oov_indices": 0}, [[7, 3, 7], [12, 7, 3]]),
]


@pytest.mark.parametrize(("name", "config", "data"), LOOKUPS, ids=str)
def test_lookups_adapt(name: str, config: dict[str, Any], data: Any) -> None:
    layer, module = getattr(keras.layers, name)(**config), module_of(name, config)
    layer.adapt(np.array(data))
    module.adapt(data)
    assert module.get_vocabulary() == list(layer.get_vocabulary())
    wanted = np.asarray(layer(np.array(data)))
    got = module(np.array(data)).numpy()
    assert got.shape == wanted.shape
    np.testing.assert_array_equal(got, wanted)


def test_lookup_and_back() -> None:
    words = ["x", "y", "z"]
    module = module_of("StringLookup", {"vocabulary": words, "mask_token": ""})
    back = module_of("StringLookup", {"vocabulary": words, "mask_token": "", "invert": True})
    layer = keras.layers.StringLookup(vocabulary=words, mask_token="")
    given = [["z", "what", ""], ["x", "y", "x"]]
    places = module(given)
    np.testing.assert_array_equal(places.numpy(), np.asarray(layer(given)))
    assert back(places).tolist() == [["z", "[UNK]", ""], ["x", "y", "x"]]  # JAX has no strings
    with pytest.raises(ValueError, match="not in the vocabulary"):
        module_of("StringLookup", {"vocabulary": words, "num_oov_indices": 0})(["w"])
