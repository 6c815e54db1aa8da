"""Calls of keras.ops in Functional models, many in each, beside Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras import ops

import torchtwin
from ops_support import compare_values
from torchtwin.errors import UnsupportedError

RNG = np.random.default_rng(8)
X = RNG.normal(size=(4, 5, 6)).astype("float32")
WHOLE = RNG.integers(0, 7, (4, 5, 6)).astype("int32")
TRUE = RNG.random((4, 5, 6)) < 0.5

Nodes = Mapping[str, Callable[..., Any]]
AXES: Nodes = {
    "softmax": lambda t: ops.softmax(t.x, axis=(1, 2)),
    "log_softmax": lambda t: ops.log_softmax(t.x, axis=(-1, 1)),
    "normalize": lambda t: ops.normalize(t.x, axis=(1, 2)),
    "normalize all": lambda t: ops.normalize(t.x, axis=None),
    "none reduced": lambda t: ops.max(t.x, axis=()),
    "none counted": lambda t: ops.count_nonzero(t.i, axis=()),
    "backwards": lambda t: t.x[:, ::-1],
    "backwards by two": lambda t: t.x[:, ::-2, 3:0:-1],
    "backwards from the end": lambda t: t.x[..., -2:1:-1],
    "fixed batch": lambda t: ops.reshape(t.x, (4, 30)),
    "unstacked batch": lambda t: ops.unstack(t.x, 4, axis=0)[3],
    "planes": lambda t: ops.cross(t.x[..., :2], t.x[..., 3:5]),
    "plane and space": lambda t: ops.cross(t.x[..., :2], t.x[..., 3:]),
    "one vector": lambda t: ops.cross(t.x[..., :3], np.array([1.0, 2, 3], "float32")),
    "real pairs": lambda t: ops.view_as_real(t.x),
    "solved vectors": lambda t: ops.solve(
        ops.matmul(t.x, ops.transpose(t.x, (0, 2, 1))) + ops.eye(5), t.x[:, :, :2]
    ),
    "quantile in a graph": lambda t: ops.quantile(t.x, 0.3, axis=(1,), method="higher"),
    "line to a number": lambda t: ops.linspace(t.x, 2.0, 3, endpoint=False),
    "filled by a tensor": lambda t: ops.full_like(t.x, t.x[:, :1, :1]),
    "equal to a list": lambda t: ops.equal(t.i[..., :3], [1, 2, 3]),
    "angle to a list": lambda t: ops.arctan2(t.x[..., :2], [1.0, 2.0]),
    "patches": lambda t: ops.image.affine_transform(
        t.x[..., None], np.array([[1, 0.1, 0, 0, 1, 0.5, 0, 0]] * 4, "float32")
    ),
    "values of a matrix": lambda t: ops.eigh(
        ops.matmul(t.x, ops.transpose(t.x, (0, 2, 1)))
    )[0],
    "singular values": lambda t: ops.svd(t.x)[1],
}  # fmt: skip


def of_both(name: str) -> Callable[..., Any]:
    function = getattr(ops, name)
    return lambda t: (function(t.i), function(t.b))


KINDS: Nodes = {
    **{name: of_both(name) for name in (
        "gelu", "elu", "celu", "hard_shrink", "softplus", "hard_silu", "tanh_shrink", "relu",
        "hard_tanh", "leaky_relu", "cbrt", "square", "abs", "trunc", "nanvar", "nansum",
    )},
    "nanmax": lambda t: (ops.nanmax(t.i, axis=1), ops.nanmax(t.b, axis=1)),
    "truth subtracted": lambda t: (t.x - t.b, ops.subtract(t.i, t.b), True - t.x),
    "truth to the power": lambda t: ops.power(t.b, t.b),
    "truth clipped": lambda t: ops.clip(t.b, 0, 1),
    "traced": lambda t: ops.trace(t.b, axis1=1, axis2=2),
    "rounded": lambda t: (ops.round(t.i * 7, decimals=-1), ops.round(t.i, decimals=1)),
    "close": lambda t: (ops.isclose(t.x, t.i), ops.isclose(t.i, 2), ops.isclose(t.x, 0, atol=0.5)),
    "products": lambda t: (
        ops.matmul(t.x, ops.transpose(t.i, (0, 2, 1))), ops.einsum("bij,bkj->bik", t.i, t.x),
        ops.cdist(t.i, t.i),
    ),
    "correlated": lambda t: (ops.correlate(t.i[0, 0], t.i[1, 0, :3]), ops.corrcoef(t.i[:, 0])),
    "powers": lambda t: ops.vander(t.i[:, 0, 0], 3),
    "one_hot": lambda t: ops.one_hot(ops.cast(t.i, "float32"), 5),
    **{f"saturated {kind}": lambda t, k=kind: ops.saturate_cast(t.x * 9e9, k)
       for kind in ("int32", "int64", "int16")},
    "saturated from whole": lambda t: ops.saturate_cast(t.i * 99 - 200, "uint8"),
    "half": lambda t: ops.cast(ops.median(ops.cast(t.x, "float16"), axis=1), "float32"),
    "short constants": lambda t: ops.cast(t.x * ops.ones((6,), "bfloat16"), "float32"),
}  # fmt: skip
COUNTED: Nodes = {
    "nonzero": lambda t: ops.nonzero(t.b),
    "unique": lambda t: ops.unique(t.i),
    "unique with counts": lambda t: ops.unique(t.i, return_counts=True),
    "bincount": lambda t: ops.bincount(t.i[:, 0]),
    "gram": lambda t: ops.matmul(ops.transpose(t.x[:, 0]), t.x[:, 1]),
    "segment of whole": lambda t: ops.segment_max(t.i, np.array([0, 0, 1, 2]), num_segments=3),
    "chosen": lambda t: ops.sum(ops.take(t.x[:, 0], ops.nonzero(t.b[:, 0, 0])[0], axis=0)),
    "labels": lambda t: ops.ctc_decode(
        t.x, np.array([5, 4, 2, 5]), strategy="beam_search", top_paths=2
    ),
    "last is blank": lambda t: ops.ctc_decode(t.x, np.array([5, 4, 2, 5]), mask_index=None),
}  # fmt: skip


def given() -> list[Any]:
    return [keras.Input((5, 6), dtype=kind) for kind in ("float32", "int32", "bool")]


@pytest.mark.parametrize("nodes", [AXES, KINDS, COUNTED], ids=["axes", "kinds", "counted"])
def test_nodes(nodes: Nodes) -> None:
    inputs = given()
    named = SimpleNamespace(x=inputs[0], i=inputs[1], b=inputs[2])
    parts = [keras.tree.flatten(make(named)) for make in nodes.values()]
    model = keras.Model(inputs, [*inputs, *(part for group in parts for part in group)])
    wanted = model([X, WHOLE, TRUE])[3:]
    twin = torchtwin.convert(model, layout="keras")
    got = twin.module(*map(torch.from_numpy, (X, WHOLE, TRUE)))[3:]
    names = [name for name, group in zip(nodes, parts, strict=True) for _ in group]
    for name, mine, theirs in zip(names, got, wanted, strict=True):
        try:
            compare_values(mine, theirs, exact=False)
        except AssertionError as error:
            raise AssertionError(name) from error


def test_a_mask_of_attention_is_an_argument() -> None:
    x, mask = keras.Input((5, 2, 3)), keras.Input((2, 5, 5), dtype="bool")
    model = keras.Model([x, mask], ops.dot_product_attention(x, x, x, mask=mask))
    arrays = RNG.normal(size=(4, 5, 2, 3)).astype("float32"), RNG.random((4, 2, 5, 5)) < 0.6
    got = torchtwin.convert(model, layout="keras").module(*map(torch.from_numpy, arrays))
    compare_values(got, model(list(arrays)))


def as_tensorflow(make: Callable[..., Any], *arrays: np.ndarray) -> list[np.ndarray]:
    """Return what the twin of a graph gives where Keras's backends differ."""
    inputs = [keras.Input(x.shape[1:], dtype=str(x.dtype)) for x in arrays]
    model = keras.Model(inputs, make(*inputs))
    results = torchtwin.convert(model, layout="keras").module(*map(torch.from_numpy, arrays))
    return [r.numpy() for r in (results if isinstance(results, tuple) else (results,))]


def test_edges_mirror_the_border() -> None:
    x = RNG.random((2, 5, 6, 3)).astype("float32")
    wide = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
    rows = wide[:, :, :-2] + 2 * wide[:, :, 1:-1] + wide[:, :, 2:]
    columns = wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]
    slopes = rows[:, 2:] - rows[:, :-2], columns[:, :, 2:] - columns[:, :, :-2]
    (got,) = as_tensorflow(ops.image.sobel_edges, x)
    np.testing.assert_allclose(got, np.stack(slopes, -1), atol=1e-5)


def test_places_of_several_axes_run_from_the_front() -> None:
    at = RNG.integers(0, 12, (4, 3)).astype("int32")
    rows, columns = as_tensorflow(lambda i: ops.unravel_index(i, (3, 4)), at)
    np.testing.assert_array_equal(rows, at // 3 % 4)
    np.testing.assert_array_equal(columns, at % 3)


def test_vectors_of_a_batch_are_solved() -> None:
    a, b = RNG.normal(size=(4, 3, 3)).astype("float32"), RNG.normal(size=(4, 3)).astype("float32")
    (got,) = as_tensorflow(ops.solve, a, b)
    np.testing.assert_allclose(np.einsum("bij,bj->bi", a, got), b, atol=1e-4)


def test_grids_of_matrices_are_flat() -> None:
    x, y = (RNG.normal(size=size).astype("float32") for size in ((4, 2), (4, 3)))
    rows, columns = as_tensorflow(ops.meshgrid, x, y)
    np.testing.assert_array_equal(rows, np.tile(x.ravel(), (12, 1)))
    np.testing.assert_array_equal(columns, np.tile(y.ravel(), (8, 1)).T)


def test_each_row_is_repeated_its_own_times() -> None:
    (got,) = as_tensorflow(lambda x: ops.repeat(x, [1, 2, 0, 1, 3], axis=1), X)
    np.testing.assert_array_equal(got, X.repeat([1, 2, 0, 1, 3], axis=1))


def test_a_histogram() -> None:
    x = RNG.normal(size=(4, 9)).astype("float32")
    counts, edges = as_tensorflow(lambda x: ops.histogram(ops.reshape(x, (-1,)), bins=4), x)
    wanted = np.histogram(x, bins=4)
    np.testing.assert_array_equal(counts, wanted[0])
    np.testing.assert_allclose(edges, wanted[1], atol=1e-6)


def test_blocks_of_channels_first_count_like_channels_last() -> None:
    x = RNG.random((2, 8, 2, 3)).astype("float32")
    last = ops.depth_to_space(x.transpose(0, 2, 3, 1), 2)
    (got,) = as_tensorflow(lambda x: ops.depth_to_space(x, 2, data_format="channels_first"), x)
    np.testing.assert_array_equal(got, np.asarray(last).transpose(0, 3, 1, 2))


def test_the_ends_of_a_signal_are_divided_like_its_middle() -> None:
    pair = [RNG.normal(size=(2, 4, 5)).astype("float32") for _ in range(2)]
    (got,) = as_tensorflow(lambda r, i: ops.istft((r, i), 8, 2, 8, center=False), *pair)
    window = np.hanning(9)[:8]
    frames = np.fft.irfft(pair[0] + 1j * pair[1], 8) * window
    wanted, norm = np.zeros((2, 14)), (window**2).reshape(4, 2).sum(0)
    for k in range(4):
        wanted[:, 2 * k : 2 * k + 8] += frames[:, k]
    np.testing.assert_allclose(got, wanted / np.tile(norm, 7), atol=1e-5)


def test_whole_images_stay_whole() -> None:
    x = RNG.integers(0, 255, (2, 6, 8, 3)).astype("uint8")
    (got,) = as_tensorflow(lambda x: ops.image.resize(x, (5, 3), interpolation="bicubic"), x)
    (real,) = as_tensorflow(
        lambda x: ops.image.resize(x, (5, 3), interpolation="bicubic"), x.astype("float32")
    )
    np.testing.assert_array_equal(got, real.round().clip(0, 255).astype("uint8"))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda x: ops.map(lambda row: row * 2, x), "Python function of the model's author"),
        (lambda x: ops.eigh(x[:, :, None] * x[:, None]), "signs of its vectors"),
    ],
)
def test_refused(make: Callable[..., Any], reason: str) -> None:
    x = keras.Input((5,))
    with pytest.raises(UnsupportedError, match=reason):
        torchtwin.convert(keras.Model(x, make(x)))
