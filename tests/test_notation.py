"""Weight notation: what it does to an array, that it inverts, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from torchtwin.notation import Notation

ROWS = [
    ("kernel: i o -> o i", {}, (2, 3), lambda a: a.T),
    ("kernel: h w i o -> o i h w", {}, (3, 2, 4, 5), lambda a: a.transpose(3, 2, 0, 1)),
    ("kernel: d h k -> (h k) d", {"h": 2}, (3, 2, 4), lambda a: a.reshape(3, 8).T),
    (
        "cell/kernel: i {z r h} -> {r z h} i",
        {},
        (2, 6),
        lambda a: np.concatenate([a[:, 2:4], a[:, :2], a[:, 4:]], axis=1).T,
    ),
    (
        "kernel: (h w c) o -> o (c h w)",
        {"h": 2, "w": 3, "c": 4},
        (24, 5),
        lambda a: a.reshape(2, 3, 4, 5).transpose(3, 2, 0, 1).reshape(5, 24),
    ),
    (
        "kernel: h w i m -> (i m) 1 h w",
        {"i": 3},
        (2, 2, 3, 4),
        lambda a: a.transpose(2, 3, 0, 1).reshape(12, 1, 2, 2),
    ),
    ("embeddings", {}, (4, 2), lambda a: a),
]


@pytest.mark.parametrize(("text", "sizes", "shape", "wanted"), ROWS, ids=[r[0] for r in ROWS])
def test_applies_and_inverts(text, sizes, shape, wanted) -> None:
    notation = Notation(text, sizes)
    array = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    result = notation.apply(array)
    assert result.shape == wanted(array).shape
    np.testing.assert_array_equal(result, wanted(array))
    np.testing.assert_array_equal(notation.invert(result), array)
    assert notation.keras_shape(result.shape) == shape


def test_a_row_of_a_variable() -> None:
    notation = Notation("cell/bias[1]: {z r h} -> {r z h}")
    array = np.arange(12).reshape(2, 6)
    np.testing.assert_array_equal(notation.apply(array), [8, 9, 6, 7, 10, 11])
    assert (notation.variable, notation.row) == ("cell/bias", 1)
    assert notation.keras_shape((6,)) == (2, 6)


def test_constants_name_no_variable() -> None:
    assert Notation("zeros").constant == "zeros"
    assert Notation("bias").constant is None


@pytest.mark.parametrize("shape", [(2,), (2, 3, 4)])
def test_refuses_another_rank(shape) -> None:
    with pytest.raises(ValueError, match="axes"):
        Notation("kernel: i o -> o i").apply(np.zeros(shape))


def test_refuses_a_length_that_does_not_divide() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        Notation("kernel: d h k -> (h k) d", {"h": 3}).keras_shape((8, 2))
