"""Keras runs on JAX, an independent judge; float64 must be allowed there before it starts."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from keras.src.backend.common import dtypes

# Keras narrows float64 to float32 on JAX wherever it promotes, even when JAX allows it.
dtypes.BIT64_TO_BIT32_DTYPE.update(float64="float64")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew")
