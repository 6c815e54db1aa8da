"""Random numbers in the source of a program: those of Keras's distributions."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from keras.src.legacy import backend

from function_rows import MANY, RANDOM
from ops_rows import f, row
from ops_support import ran
from torchtwin.emit.expressions import printed
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Field, Source
from torchtwin.ops.functions import operation_for

SPACES: dict[str, Any] = {"keras.random": keras.random, "keras.backend": backend}


def function(name: str) -> Any:
    space, _, word = name.rpartition(".")
    return getattr(SPACES[space], word) if space in SPACES else getattr(tf.random, word)


@pytest.mark.parametrize("computed", [False, True], ids=["plain", "computed"])
@pytest.mark.parametrize(("name", "args", "kwargs"), RANDOM, ids=[r[0] for r in RANDOM])
def test_distribution(name: str, args: Any, kwargs: Any, computed: bool) -> None:
    """Shape, dtype, mean, spread and ends are those of as many numbers drawn by Keras."""
    torch.manual_seed(3)
    theirs = np.asarray(function(name)(*args, **kwargs))
    try:
        mine = ran(partial(operation_for, name), args, kwargs, computed=computed).numpy()
    except (UnsupportedError, RuntimeError):
        assert computed  # where the program computes the parameters
        return
    assert mine.shape == theirs.shape
    assert mine.dtype == theirs.dtype
    mine, theirs = mine.astype(float), theirs.astype(float)
    error = 6 * max(theirs.std(), 1e-3) / np.sqrt(MANY)
    assert abs(mine.mean() - theirs.mean()) < error
    assert abs(mine.std() - theirs.std()) < 2 * error
    reach = theirs.max() - theirs.min()
    assert abs(mine.max() - theirs.max()) < 0.5 * reach
    assert abs(mine.min() - theirs.min()) < 0.5 * reach


def test_a_shape_of_a_tensor_makes_numbers_like_it() -> None:
    for shape in (Field(Source("x"), "shape"), Source("x.shape")):
        made = operation_for("tf.random.normal", [shape], {"stddev": 0.5})
        assert printed(made) == "torch.randn_like(x) * 0.5"


def test_a_number_as_seed_repeats() -> None:
    """keras.random draws the same numbers at every call with a number as its seed."""
    made = printed(operation_for("keras.random.uniform", [(3,)], {"seed": 5}))
    first, second = (eval(made, {"torch": torch}) for _ in range(2))
    assert torch.equal(first, second)


def test_shuffled_rows_are_all_there() -> None:
    x = np.arange(40.0, dtype="float32").reshape(20, 2)
    for name in ("keras.random.shuffle", "tf.random.shuffle"):
        mine = ran(partial(operation_for, name), [x], {}, computed=False).numpy()
        assert not np.array_equal(mine, x)
        np.testing.assert_array_equal(mine[mine[:, 0].argsort()], x)


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [row("keras.random.dropout", f(200, 50), 0.4), row("tf.nn.dropout", f(200, 50), rate=0.4),
     row("keras.backend.dropout", f(200, 50), 0.4)],
)  # fmt: skip
def test_dropout(name: str, args: Any, kwargs: Any) -> None:
    """A share of the numbers is dropped at every call, the others grow."""
    got = ran(partial(operation_for, name), args, kwargs, computed=False).numpy()
    kept = got != 0
    assert abs(kept.mean() - 0.6) < 0.03
    np.testing.assert_allclose(got[kept], (args[0] / 0.6)[kept], rtol=1e-5)


def test_dropout_of_whole_rows() -> None:
    x = np.ones((200, 50), "float32")
    made = partial(operation_for, "tf.nn.dropout")
    got = ran(made, [x, 0.4], {"noise_shape": [None, 1]}, computed=False).numpy()
    assert (got == got[:, :1]).all()
    assert abs((got[:, 0] != 0).mean() - 0.6) < 0.15


def test_a_fixed_mask_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="seed"):
        operation_for("keras.random.dropout", [Source("x"), 0.5], {"seed": 1})
