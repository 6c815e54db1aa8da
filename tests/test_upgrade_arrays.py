"""Weights in the layouts of Keras 1, Theano and CuDNN become today's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from torchtwin.errors import UnreadableModel
from torchtwin.source import Array, Ordered, Source
from torchtwin.upgrade import upgraded

RNG = np.random.default_rng(0)


def array(name: str, value: np.ndarray) -> Array:
    return Array(name, value.shape, value.dtype.name, lambda: value)


def converted(
    cls: str, config: Mapping[str, Any], arrays: Sequence[Array], version: str = "1.2.2",
    *, backend: str = "tensorflow", group: str = "x",
) -> list[Array]:  # fmt: skip
    given = {"class_name": cls, "config": {"name": "x", **config}}
    model = {"class_name": "Sequential", "config": [given], "backend": backend}
    source = upgraded(Source(model, version, "test", Ordered({group: tuple(arrays)})))
    assert "backend" not in source.config
    assert isinstance(source.weights, Ordered)
    result = list(source.weights.groups[group])
    for each in result:
        assert each.read().shape == each.shape
    return result


def values(arrays: Sequence[Array]) -> list[np.ndarray]:
    return [each.read() for each in arrays]


def random(*shape: int) -> np.ndarray:
    return RNG.random(shape).astype("f4")


def gates(letters: str, shapes: Mapping[str, tuple[int, ...]], layer: str) -> dict[str, Array]:
    """Return Keras 1's arrays of a recurrent layer, in its order: by gate."""
    return {
        f"{kind}_{gate}": array(f"{layer}_{kind}_{gate}:0", random(*shape))
        for gate in letters
        for kind, shape in shapes.items()
    }


RNN_SHAPES = {"W": (4, 3), "U": (3, 3), "b": (3,)}


@pytest.mark.parametrize(
    ("cls", "stored", "today"), [("LSTM", "icfo", "ifco"), ("GRU", "zrh", "zrh")]
)
def test_gates_kept_apart(cls: str, stored: str, today: str) -> None:
    parts = gates(stored, RNN_SHAPES, "x")
    kernel, recurrent, bias = converted(cls, {"output_dim": 3}, list(parts.values()))
    for got, kind in ((kernel, "W"), (recurrent, "U"), (bias, "b")):
        wanted = np.concatenate([parts[f"{kind}_{gate}"].read() for gate in today], axis=-1)
        np.testing.assert_array_equal(got.read(), wanted)
    assert [kernel.name, recurrent.name, bias.name] == [
        "x/kernel", "x/recurrent_kernel", "x/bias",
    ]  # fmt: skip


def test_gates_of_two_directions() -> None:
    forward = gates("icfo", RNN_SHAPES, "forward_l")
    backward = gates("icfo", RNN_SHAPES, "backward_l")
    inner = {"class_name": "LSTM", "config": {"name": "l", "output_dim": 3}}
    got = converted("Bidirectional", {"layer": inner}, [*forward.values(), *backward.values()])
    assert [a.name.split("/")[0] for a in got] == ["forward_l"] * 3 + ["backward_l"] * 3
    np.testing.assert_array_equal(got[5].read()[3:6], backward["b_f"].read())


def test_joined_gates_of_keras_1_stay() -> None:
    """consume_less="gpu" kept them joined already, in today's order."""
    given = [array(f"x_{kind}:0", random(*shape)) for kind, shape in RNN_SHAPES.items()]
    assert converted("LSTM", {"output_dim": 3}, given) == given


@pytest.mark.parametrize(
    ("config", "shape", "axes"),
    [
        ({"dim_ordering": "th"}, (8, 2, 3, 5), (2, 3, 1, 0)),
        ({"dim_ordering": "tf"}, (3, 5, 2, 8), (0, 1, 2, 3)),
    ],
)
def test_conv2d(config: dict[str, Any], shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    value = random(*shape)
    config = {"nb_filter": 8, "nb_row": 3, "nb_col": 5, **config}
    kernel, bias = converted(
        "Convolution2D", config, [array("x_W:0", value), array("x_b:0", random(8))]
    )
    assert kernel.shape == (3, 5, 2, 8)
    np.testing.assert_array_equal(kernel.read(), value.transpose(axes))
    assert bias.shape == (8,)


@pytest.mark.parametrize(
    ("ordering", "shape", "axes"),
    [("th", (2, 8, 3, 5), (2, 3, 0, 1)), ("tf", (3, 5, 8, 2), (0, 1, 3, 2))],
)
def test_transposed_conv2d(ordering: str, shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    value = random(*shape)
    config = {"nb_filter": 2, "nb_row": 3, "nb_col": 5, "dim_ordering": ordering}
    (kernel,) = converted("Deconvolution2D", config, [array("x_W:0", value)])
    assert kernel.shape == (3, 5, 2, 8)
    np.testing.assert_array_equal(kernel.read(), value.transpose(axes))


def test_conv1d_of_1_2_and_before() -> None:
    config = {"nb_filter": 8, "filter_length": 3}
    value = random(3, 1, 2, 8)
    (kernel,) = converted("Convolution1D", config, [array("x_W:0", value)])
    np.testing.assert_array_equal(kernel.read(), value[:, 0])
    value = random(8, 2, 3, 1)
    (kernel,) = converted("Convolution1D", config, [array("x_W:0", value)])
    np.testing.assert_array_equal(kernel.read(), value[..., 0].transpose(2, 1, 0))


@pytest.mark.parametrize("version", ["1.2.2", "2.0.8"])
def test_theano_kernels_run_backwards(version: str) -> None:
    value = random(3, 5, 2, 8)
    config = {"filters": 8, "kernel_size": [3, 5], "data_format": "channels_last"}
    given = [array("x/kernel:0", value), array("x/bias:0", random(8))]
    kernel, bias = converted("Conv2D", config, given, version, backend="theano")
    np.testing.assert_array_equal(kernel.read(), value[::-1, ::-1])
    assert bias is given[1]
    assert converted("Conv2D", config, given, "2.0.8")[0] is given[0]


def test_conversion_inside_a_nested_model() -> None:
    value = random(8, 2, 3, 5)
    conv = {
        "class_name": "Convolution2D",
        "config": {
            "name": "conv_1",
            "nb_filter": 8,
            "nb_row": 3,
            "nb_col": 5,
            "dim_ordering": "th",
        },
    }
    given = [array("dense_1_W:0", random(3, 3)), array("conv_1_W:0", value)]
    dense, kernel = converted("Sequential", {"layers": [conv]}, given)
    assert dense is given[0]
    np.testing.assert_array_equal(kernel.read(), value.transpose(2, 3, 1, 0))


def test_old_kernels_that_cannot_be_found_are_refused() -> None:
    config = {"nb_filter": 8, "nb_row": 3, "nb_col": 5, "dim_ordering": "th"}
    given = [array("conv_W:0", random(8, 2, 3, 5))]
    with pytest.raises(UnreadableModel, match="'x'"):
        converted("Convolution2D", config, given, group="other")


def cudnn(value: np.ndarray, count: int) -> np.ndarray:
    """Return a kernel as CuDNN keeps it: each gate's block by rows instead of by columns."""
    blocks = np.hsplit(value, count)
    return np.hstack([block.reshape(block.shape[::-1], order="F").T for block in blocks])


@pytest.mark.parametrize(("cls", "count"), [("CuDNNLSTM", 4), ("CuDNNGRU", 3)])
@pytest.mark.parametrize("prefix", ["x", "bi/forward_x"])
def test_cudnn(cls: str, count: int, prefix: str) -> None:
    kernel, recurrent = random(4, 3 * count), random(3, 3 * count)
    bias = random(2 * 3 * count)
    given = [
        array(f"{prefix}/kernel:0", cudnn(kernel, count)),
        array(f"{prefix}/recurrent_kernel:0",
              np.hstack([block.T for block in np.hsplit(recurrent, count)])),
        array(f"{prefix}/bias:0", bias),
    ]  # fmt: skip
    got = converted(cls, {"units": 3}, given, "2.2.4")
    np.testing.assert_array_equal(got[0].read(), kernel)
    np.testing.assert_array_equal(got[1].read(), recurrent)
    wanted = bias[:12] + bias[12:] if count == 4 else bias.reshape(2, 9)
    np.testing.assert_array_equal(got[2].read(), wanted)


def test_cudnn_computes_the_same_in_keras() -> None:
    """tf_keras's own conversion is the judge of ours."""
    import tf_keras
    from tf_keras.src.saving.legacy.hdf5_format import preprocess_weights_for_loading

    for cls, count, bias in ((tf_keras.layers.LSTM, 4, 24), (tf_keras.layers.GRU, 3, 18)):
        layer = cls(3)
        layer.build((None, None, 5))
        given = [random(5, 3 * count), random(3, 3 * count), random(bias)]
        names = ("kernel:0", "recurrent_kernel:0", "bias:0")
        arrays = [array(f"x/{n}", v) for n, v in zip(names, given, strict=True)]
        got = converted(cls.__name__, {"units": 3}, arrays, "2.2.4")
        wanted = preprocess_weights_for_loading(layer, [v.copy() for v in given], "2")
        for a, b in zip(values(got), wanted, strict=True):
            np.testing.assert_array_equal(a, b)


def test_nothing_is_read_before_it_is_asked_for() -> None:
    def fail() -> np.ndarray:
        raise AssertionError("read")

    shapes = ((4, 12), (3, 12), (24,))
    names = ("kernel:0", "recurrent_kernel:0", "bias:0")
    given = [Array(f"x/{n}", s, "float32", fail) for n, s in zip(names, shapes, strict=True)]
    model = {"class_name": "Sequential", "config": [
        {"class_name": "CuDNNLSTM", "config": {"name": "x", "units": 3}}]}  # fmt: skip
    source = upgraded(Source(model, "2.2.4", "test", Ordered({"x": tuple(given)})))
    assert [a.shape for a in source.weights.groups["x"]] == [(4, 12), (3, 12), (12,)]  # type: ignore[union-attr]
