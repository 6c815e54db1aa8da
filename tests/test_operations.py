"""Operations of TensorFlow among the layers of Keras 2 files, which Keras 3 cannot read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from torchtwin.build import build
from torchtwin.errors import UnsupportedError
from torchtwin.evaluate import Runner
from torchtwin.lower import lower
from torchtwin.passes import run_passes
from torchtwin.source import Ordered, Source
from torchtwin.upgrade import upgraded

X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")


def ran(class_name: str, config: dict[str, Any], inbound: list[Any], x: np.ndarray = X) -> Any:
    """Return what a model gives whose one layer is this operation on input "a"."""
    given = {"name": "a", "batch_input_shape": [None, *x.shape[1:]], "dtype": "float32"}
    layers = [
        {"class_name": "InputLayer", "name": "a", "config": given, "inbound_nodes": []},
        {
            "class_name": class_name,
            "name": "op",
            "config": {"name": "op", "trainable": True, "dtype": "float32", **config},
            "inbound_nodes": [inbound],
        },
    ]
    whole = {
        "name": "model",
        "layers": layers,
        "input_layers": [["a", 0, 0]],
        "output_layers": [["op", 0, 0]],
    }
    source = Source({"class_name": "Functional", "config": whole}, "2.11.0", "test", Ordered({}))
    program = lower(run_passes(build(upgraded(source)), "keras"))
    return Runner(program)(torch.from_numpy(x)).numpy()


LAMBDAS = [
    ("math.add", [["a", 0, 0, {"y": 2.0, "name": None}]], X + 2),
    ("__operators__.add", [["a", 0, 0, {"y": ["a", 0, 0], "name": None}]], X + X),
    ("math.subtract", [["_CONSTANT_VALUE", -1, 1.0, {"y": ["a", 0, 0], "name": None}]], 1 - X),
    ("math.reduce_mean", [["a", 0, 0, {"axis": [1, 2], "keepdims": False}]], X.mean((1, 2))),
    ("math.reduce_max", [["a", 0, 0, {"axis": -1, "keepdims": True}]], X.max(-1, keepdims=True)),
    ("expand_dims", [["a", 0, 0, {"axis": -1}]], X[..., None]),
    ("reshape", [["a", 0, 0, {"shape": [-1, 12]}]], X.reshape(2, 12)),
    ("compat.v1.transpose", [["a", 0, 0, {"perm": [0, 2, 1]}]], X.transpose(0, 2, 1)),
    ("concat", [["a", 0, 0, {"axis": 1}], ["a", 0, 0, {"axis": 1}]], np.concatenate([X, X], 1)),
    ("nn.relu", [["a", 0, 0, {"name": None}]], np.maximum(X, 0)),
    ("clip_by_value", [["a", 0, 0, {"clip_value_min": 0, "clip_value_max": 1}]], X.clip(0, 1)),
    ("cast", [["a", 0, 0, {"dtype": "int32"}]], X.astype("int32")),
    ("linalg.matmul", [["a", 0, 0, {"b": ["a", 0, 0], "transpose_b": False}]], None),
    ("linalg.matmul", [["a", 0, 0, {"b": ["a", 0, 0], "transpose_b": True}]], X @ X.swapaxes(1, 2)),
    ("__operators__.rsub", [["a", 0, 0, {"y": 1.0, "name": None}]], 1 - X),
    ("__operators__.neg", [["a", 0, 0, {}]], -X),
    ("math.argmax", [["a", 0, 0, {"axis": -1}]], X.argmax(-1)),
    (
        "compat.v1.reduce_sum",
        [["a", 0, 0, {"reduction_indices": [1], "keep_dims": True}]],
        X.sum(1, keepdims=True),
    ),
    ("split", [["a", 0, 0, {"num_or_size_splits": 1, "axis": 1}]], X),
]


@pytest.mark.parametrize(("function", "inbound", "wanted"), LAMBDAS, ids=[n for n, *_ in LAMBDAS])
def test_tf_op_lambda(function: str, inbound: list[Any], wanted: Any) -> None:
    x = X if wanted is not None else X[:, :, :3]
    wanted = wanted if wanted is not None else x @ x
    got = ran("TFOpLambda", {"function": function}, inbound, np.ascontiguousarray(x))
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ([{"start": None, "stop": None, "step": None}, 1], X[:, 1]),
        ([{"start": None, "stop": None, "step": None}, {"start": 1, "stop": 3, "step": None}],
         X[:, 1:3]),
    ],
)  # fmt: skip
def test_slicing(spec: list[Any], wanted: np.ndarray) -> None:
    inbound = [["a", 0, 0, {"slice_spec": spec}]]
    got = ran("SlicingOpLambda", {"function": "__operators__.getitem"}, inbound)
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    ("node", "constants", "wanted"),
    [
        ({"op": "AddV2", "attr": {}}, {"1": 2.0}, X + 2),
        ({"op": "Sub", "attr": {}}, {"0": 1.0}, 1 - X),
        ({"op": "Mul", "attr": {}}, {"1": [1.0, 2.0, 3.0, 4.0]}, None),
        ({"op": "Mean", "attr": {"keep_dims": {"b": True}}}, {"1": [1]}, X.mean(1, keepdims=True)),
        ({"op": "Reshape", "attr": {}}, {"1": [-1, 12]}, X.reshape(2, 12)),
        (
            {
                "op": "StridedSlice",
                "attr": {
                    "begin_mask": {"i": "5"},
                    "end_mask": {"i": "1"},
                    "shrink_axis_mask": {"i": "2"},
                },
            },
            {"1": [0, -1, 0], "2": [0, 0, 3], "3": [1, 1, 2]},
            X[:, -1, :3:2],
        ),
        (
            {
                "op": "StridedSlice",
                "attr": {"ellipsis_mask": {"i": "1"}, "new_axis_mask": {"i": "2"}},
            },
            {"1": [0, 0], "2": [0, 0], "3": [1, 1]},
            X[..., None],
        ),
        ({"op": "Cast", "attr": {"DstT": {"type": "DT_INT32"}}}, {}, X.astype("int32")),
        ({"op": "ArgMax", "attr": {"output_type": {"type": "DT_INT64"}}}, {"1": 2}, X.argmax(2)),
        ({"op": "GatherV2", "attr": {}}, {"1": [2, 0], "2": 1}, X[:, [2, 0]]),
        ({"op": "Pack", "attr": {"axis": {"i": "1"}}}, {}, X[:, None]),
        (
            {"op": "MirrorPad", "attr": {"mode": {"s": "UkVGTEVDVA=="}}},
            {"1": [[0, 0], [1, 1], [0, 2]]},
            np.pad(X, [(0, 0), (1, 1), (0, 2)], mode="reflect"),
        ),
        (
            {"op": "Cumsum", "attr": {"reverse": {"b": True}}},
            {"1": 2},
            X[..., ::-1].cumsum(2)[..., ::-1],
        ),
        ({"op": "SplitV", "attr": {}}, {"1": [3], "2": 1}, X),
        ({"op": "LeakyRelu", "attr": {"alpha": {"f": 0.5}}}, {}, np.where(X > 0, X, X / 2)),
    ],
)
def test_tensorflow_op_layer(node: Any, constants: Any, wanted: Any) -> None:
    config = {"node_def": {"name": "op", **node}, "constants": constants}
    if wanted is None:  # an array becomes a buffer of the twin, without a value on the meta device
        with pytest.raises(RuntimeError, match="meta"):
            ran("TensorFlowOpLayer", config, [["a", 0, 0, {}]])
        return
    got = ran("TensorFlowOpLayer", config, [["a", 0, 0, {}]])
    assert got.shape == wanted.shape
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(got, wanted, atol=1e-6)


@pytest.mark.parametrize("function", ["image.adjust_hue", "linalg.svd"])
def test_unknown_functions_are_refused_by_name(function: str) -> None:
    with pytest.raises(UnsupportedError, match=function):
        ran("TFOpLambda", {"function": function}, [["a", 0, 0, {}]])


def test_unknown_arguments_are_refused() -> None:
    inbound = [["a", 0, 0, {"b": ["a", 0, 0], "output_type": "float16"}]]
    with pytest.raises(UnsupportedError, match="output type"):
        ran("TFOpLambda", {"function": "linalg.matmul"}, inbound)
