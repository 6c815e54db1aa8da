"""Keras runs on JAX, an independent judge; float64 must be allowed there before it starts."""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Small models take longer to compile than to run: little optimisation, and nothing twice, whichever
# process of the tests has compiled it.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
)
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".cache/jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import jax
import keras
import numpy as np
import torch
from hypothesis import HealthCheck, Phase, settings
from keras.src.backend.common import dtypes
from torch.nn.modules import module as modules

from torchtwin.verify.judge_exact import compute_exactly
from train_support import precision

if keras.config.backend() == "tensorflow":
    compute_exactly()

# Keras narrows float64 to float32 on JAX wherever it promotes, even when JAX allows it.
dtypes.BIT64_TO_BIT32_DTYPE.update(float64="float64")

settings.register_profile(
    "ci", max_examples=16, derandomize=True, database=None, deadline=None,
    suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
)  # fmt: skip
settings.register_profile("long", settings.get_profile("ci"), max_examples=1000, derandomize=False)
settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew")


@pytest.fixture(scope="module", autouse=True)
def _no_memory_kept() -> Iterator[None]:
    """JAX keeps every function that it compiled: after thousands of tests, gigabytes of them."""
    _seed()
    yield
    assert keras.config.floatx() == keras.config.dtype_policy().name == "float32"
    keras.backend.clear_session()
    jax.clear_caches()
    for hooks in (modules._global_forward_pre_hooks, modules._global_forward_hooks):
        for key, hook in [*hooks.items()]:  # of programs that a test ran: no module to compile
            if getattr(hook, "__module__", "") not in sys.modules:
                del hooks[key]
    gc.collect()


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """A test of drawn numbers that fails once in a thousand runs would fail CI once a week."""
    _seed()


def _seed() -> None:
    """Seed what draws: Keras's initializers and layers take their seeds from `random`."""
    random.seed(7)
    np.random.seed(7)
    torch.manual_seed(7)


@pytest.fixture
def float64() -> Iterator[None]:
    """Keras builds and computes in float64."""
    with precision("float64"):
        yield
