"""Operations in the source of a program, beside Keras."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import torch

import ops_rows as rows
from ops_support import check_call, compare_values, ran
from torchtwin.ops.registry import load_operations

ROWS = [
    *rows.MOVING, *rows.JOINING, *rows.INDEXING, *rows.PRODUCTS, *rows.MAKING, *rows.CONVOLUTION,
    *rows.NORMALIZING, *rows.MATRICES, *rows.FOURIER, *rows.IMAGE, *rows.LATE,
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "kwargs"), ROWS, ids=[row[0] for row in ROWS])
def test_operations_in_source(name: str, args: Any, kwargs: Any) -> None:
    check_call(name, args, kwargs)


@pytest.mark.parametrize("full", [True, False])
def test_singular_vectors(full: bool) -> None:
    """Their signs differ between libraries: what they are made of is compared."""
    u, s, vh = ran(load_operations()["SVD"], (rows.X,), {"full_matrices": full}, computed=False)
    assert [tuple(t.shape) for t in (u, s, vh)] == [
        tuple(t.shape) for t in keras.ops.svd(rows.X, full_matrices=full)
    ]
    few = s.shape[-1]
    again = (u[..., :few] * s[..., None, :]) @ vh[..., :few, :]
    np.testing.assert_allclose(again.numpy(), rows.X, atol=1e-5)


def test_eigenvectors_of_symmetric_matrices() -> None:
    """Their signs differ between libraries: the values, and what both sides make of them."""
    wanted_values, wanted_vectors = map(np.asarray, keras.ops.eigh(rows.POSITIVE))
    values, vectors = ran(load_operations()["Eigh"], (rows.POSITIVE,), {}, computed=False)
    compare_values(values, wanted_values)
    signs = np.sign((vectors.numpy() * wanted_vectors).sum(axis=0))
    compare_values(vectors * torch.from_numpy(signs), wanted_vectors)
