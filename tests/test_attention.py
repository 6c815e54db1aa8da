"""Masks through attention: what Keras 3 really hands on, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import torch

import torchtwin

TOKENS = np.array([[1, 2, 3, 0, 0], [4, 0, 5, 6, 0]], dtype="int32")
layers = keras.layers


def summed(x: Any) -> Any:
    """MultiHeadAttention takes the mask off its inputs, so that the sum has none."""
    return layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)])


def attended(x: Any) -> Any:
    y = summed(x)
    return layers.Attention()([y, y])


def pooled(x: Any) -> Any:
    y = summed(x)
    joined = layers.Concatenate()([y, layers.Attention()([y, y])])
    return layers.GlobalAveragePooling1D()(joined)


@pytest.mark.parametrize("build", [attended, pooled], ids=lambda f: f.__name__)
def test_masks_behind_multi_head_attention(build: Callable[[Any], Any]) -> None:
    inputs = keras.Input((None,), dtype="int32")
    model = keras.Model(inputs, build(layers.Embedding(10, 8, mask_zero=True)(inputs)))
    twin = torchtwin.convert(model)
    got = twin.module(torch.from_numpy(TOKENS)).detach().numpy()
    np.testing.assert_allclose(got, np.asarray(model(TOKENS)), atol=1e-5)
