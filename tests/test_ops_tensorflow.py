"""Functions of TensorFlow in the source of a program, beside TensorFlow."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import ops_rows_tf as rows
from ops_support import check_made
from torchtwin.ops.functions import operation_for

ROWS = [*rows.ARRAYS, *rows.CONVOLUTIONS, *rows.IMAGES]


@pytest.mark.parametrize(("name", "args", "kwargs"), ROWS, ids=[row[0] for row in ROWS])
def test_functions_of_tensorflow(name: str, args: Any, kwargs: Any) -> None:
    given, named = keras.tree.map_structure(_tensor, (args, kwargs))
    wanted = keras.tree.map_structure(_array, attrgetter(name)(tf)(*given, **named))
    check_made(lambda a, k: operation_for(f"tf.{name}", a, k), args, kwargs, wanted)


def _tensor(value: Any) -> Any:
    return tf.constant(value) if isinstance(value, np.ndarray) else value


def _array(value: Any) -> Any:
    return value.numpy() if tf.is_tensor(value) else value
