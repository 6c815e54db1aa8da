"""Lambda layers: what their function computes, beside the function itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from lambda_cases import ONE, SEVERAL
from lambda_support import Shapes, arrays, ran, stored

CASES = [([shape], f) for shape, functions in ONE.items() for f in functions] + SEVERAL


@pytest.mark.parametrize(("shapes", "function"), CASES)
def test_as_the_function(shapes: Shapes, function: Callable[..., Any]) -> None:
    inputs = arrays(shapes)
    ours = any(name in function.__code__.co_names for name in ("ops", "keras")) and (
        "tf" not in function.__code__.co_names
    )
    given = [ops.convert_to_tensor(x) if ours else tf.constant(x) for x in inputs]
    wanted = np.asarray(function(given if len(given) > 1 else given[0]))
    got = ran(stored(function), inputs).numpy()
    assert got.shape == wanted.shape
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(got, wanted, atol=1e-4 * max(1, np.abs(wanted).max()), rtol=0)
