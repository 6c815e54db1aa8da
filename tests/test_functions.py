"""Functions by name, as the source of a program calls them, beside the functions themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.legacy import backend

from function_rows import ACTIVATIONS, BACKEND, KERAS, TENSORFLOW
from ops_support import check_made
from torchtwin.errors import UnsupportedError
from torchtwin.ops.functions import operation_for

SPACES: dict[str, Any] = {
    "keras.ops": keras.ops, "keras.backend": backend, "keras.activations": keras.activations,
}  # fmt: skip
ROWS = [
    *((f"keras.ops.{name}", *rest) for name, *rest in KERAS), *TENSORFLOW,
    *((f"keras.backend.{name}", *rest) for name, *rest in BACKEND),
    *((f"keras.activations.{name}", *rest) for name, *rest in ACTIVATIONS),
]  # fmt: skip


def function(name: str) -> Callable[..., Any]:
    space, _, word = name.rpartition(".")
    found: Any = SPACES.get(space, tf)
    for part in name.removeprefix("tf.").split(".") if found is tf else [word]:
        found = getattr(found, part)
    return found


def as_tensors(value: Any) -> Any:
    """Return arrays as tensors of TensorFlow, which the old backend wants."""
    if isinstance(value, dict):
        return {key: as_tensors(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(as_tensors, value))
    return tf.constant(value) if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize(("name", "args", "kwargs"), ROWS, ids=[row[0] for row in ROWS])
def test_function(name: str, args: Any, kwargs: Any) -> None:
    given = as_tensors((args, kwargs)) if name.startswith("keras.backend.") else (args, kwargs)
    wanted = function(name)(*given[0], **given[1])
    check_made(partial(operation_for, name), args, kwargs, wanted)


@pytest.mark.parametrize("name", ["tf.audio.decode_wav", "tf.linalg.svd_lowrank", "keras.ops.jvp"])
def test_unknown_functions_are_refused_by_name(name: str) -> None:
    with pytest.raises(UnsupportedError, match=name):
        operation_for(name, [], {})
