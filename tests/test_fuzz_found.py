"""What fuzzing has found: errors that were Python's, or that a terminal would obey."""

from __future__ import annotations

import ast
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import h5py
import pytest
import torch

import torchtwin
from test_hostile import SEEDS
from torchtwin.errors import TorchTwinError, UnsupportedError
from torchtwin.training.compiled import by_output

CONFIGS: dict[str, tuple[dict[str, Any], str]] = {
    "a wrapper around no layer": (
        {"class_name": "TimeDistributed", "config": {"layer": {"config": {}}}},
        "where Keras takes a layer",
    ),
    "a wrapper around nothing": ({"class_name": "TimeDistributed", "config": {}}, "has no layer"),
    "cells of nothing": ({"class_name": "StackedRNNCells", "config": {}}, "has no cells"),
    "a dtype of an own class": (
        {"class_name": "Dropout", "module": 8, "config": {"dtype": 0.5, "rate": 0.5}},
        "Dropout is not translated",
    ),
    "an initializer over axes that are none": (
        {
            "class_name": "Dense",
            "config": {
                "units": 3,
                "kernel_initializer": {
                    "class_name": "GlorotUniform",
                    "config": {"input_axes": ["x"], "output_axes": [0]},
                },
            },
        },
        "not translated",
    ),
    "an initializer without a class": (
        {"class_name": "Dense", "config": {"units": 3, "kernel_initializer": {"config": []}}},
        "an initializer, regularizer or constraint has no class",
    ),
    "weights of no numbers": (
        {"class_name": "Dense", "config": {"units": 3, "dtype": "string"}},
        "where Keras takes a dtype of real numbers",
    ),
    "a Pipeline of layers without names": (
        {
            "class_name": "Pipeline",
            "config": {"layers": [{"class_name": "ReLU", "config": {}}]},
            "build_config": {"input_shape": [None, 8, 4]},
        },
        r"Un\?known is not translated",
    ),
    "a layer that is a list": (
        {"class_name": "Sequential", "config": {"layers": [[{}]]}},
        "a layer is a list, no object",
    ),
    "an operation of TensorFlow as text": (
        {"class_name": "TensorFlowOpLayer", "config": {"node_def": "{", "constants": {}}},
        "without its definition",
    ),
    "a name that turns around": (
        {"class_name": "Inp\u202eLayer", "config": {"wrong\u202e": 1}},
        r"Inp\?Layer is not translated",
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_layers(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHTWIN_DEBUG", "1")  # errors come as they are
    entry, word = CONFIGS[name]
    first = {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 8, 4]}}
    bad = {**entry, "config": {"name": "bad", **entry["config"]}}
    other = {"class_name": "Un\u202eknown", "config": {"name": "other"}}  # more than one refusal
    config = {"name": "m", "layers": [first, bad, other]}
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"class_name": "Sequential", "config": config, "module": "keras"}))
    with pytest.raises(TorchTwinError, match=word) as refused:
        torchtwin.convert(path)
    assert all(line.isprintable() for line in str(refused.value).splitlines())


INNER = {"class_name": "LSTM", "config": {"name": "inner", "units": 3, "return_sequences": True}}


@pytest.mark.parametrize("home", [{"module": ""}, {"module": "x"}, {"registered_name": "x>LSTM"}])
@pytest.mark.parametrize("kind", ["layer", "backward_layer", "cell", "cells", "TimeDistributed"])
def test_an_inner_layer_that_only_has_a_name_of_keras(
    kind: str, home: dict[str, str], tmp_path: Path
) -> None:
    """It was read as Keras's own, with arguments that nobody had looked at."""
    mine = {**INNER, **home}
    cells = {"class_name": "StackedRNNCells", "config": {"name": "cells", "cells": [mine]}}
    class_name, config = {
        "layer": ("Bidirectional", {"layer": mine}),
        "backward_layer": ("Bidirectional", {"layer": INNER, "backward_layer": mine}),
        "cell": ("RNN", {"cell": {**mine, "class_name": "LSTMCell"}}),
        "cells": ("RNN", {"cell": cells}),
        "TimeDistributed": ("TimeDistributed", {"layer": {**mine, "class_name": "Dense"}}),
    }[kind]
    first = {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 8, 4]}}
    entry = {"class_name": class_name, "config": {"name": "outer", **config}}
    path = tmp_path / "model.json"
    layers = {"name": "m", "layers": [first, entry]}
    path.write_text(json.dumps({"class_name": "Sequential", "config": layers, "module": "keras"}))
    with pytest.raises(TorchTwinError, match=r"(own|x)>(LSTM|LSTMCell|Dense) is not translated"):
        torchtwin.convert(path)


def test_models_in_models_are_walked_once(tmp_path: Path) -> None:
    """Each level could hold vocabularies in two places: 2^30 were looked at."""
    first = {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 4]}}
    model: dict[str, Any] = {"class_name": "ReLU", "config": {"name": "relu"}}
    for k in range(30):
        config = {"name": f"m{k}", "layers": [first, model]}
        model = {"class_name": "Sequential", "config": config, "module": "keras"}
    with (
        zipfile.ZipFile(SEEDS / "plain.keras") as seed,
        zipfile.ZipFile(tmp_path / "m.keras", "w") as archive,
    ):
        archive.writestr("config.json", json.dumps(model))
        archive.writestr("model.weights.h5", seed.read("model.weights.h5"))
    started = time.process_time()
    with pytest.raises(TorchTwinError, match="dense"):
        torchtwin.convert(tmp_path / "m.keras")
    assert time.process_time() - started < 60


@pytest.mark.parametrize("name", ["Add", "Multiply", "Maximum", "Average"])
def test_a_merge_of_thousands(name: str, tmp_path: Path) -> None:
    """It was one expression, too deep for Python."""
    x = {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 4]}, "name": "x"}
    merge = {"class_name": name, "config": {"name": "merge", "trainable": True}, "name": "merge"}
    merge["inbound_nodes"] = [[["x", 0, 0, {}]] * 3000]
    config = {
        "name": "m", "layers": [{**x, "inbound_nodes": []}, merge],
        "input_layers": [["x", 0, 0]], "output_layers": [["merge", 0, 0]],
    }  # fmt: skip
    (tmp_path / "m.json").write_text(json.dumps({"class_name": "Functional", "config": config}))
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        file.create_group("vars")
    twin = torchtwin.convert(tmp_path / "m.json", weights=tmp_path / "m.weights.h5")
    ones = torch.ones(2, 4)
    expected = {"Add": 3000 * ones}.get(name, ones)
    torch.testing.assert_close(twin.module(ones), expected)


@pytest.mark.parametrize(
    "model", [{"class_name": "Sequential", "module": "evil"}, {"class_name": "TimeDistributed"}]
)
def test_a_model_that_only_has_a_name_of_keras(model: dict[str, str], tmp_path: Path) -> None:
    """Its config was taken for Keras's, and its arguments were not looked at."""
    path = tmp_path / "model.json"
    layer = {"class_name": "Bidirectional", "config": {"name": "b", "layer": -1}}
    first = {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 8, 4]}}
    config = {"name": "m", "layers": [first, layer]}
    path.write_text(json.dumps({**model, "config": config}))
    with pytest.raises(TorchTwinError, match="class of its author"):
        torchtwin.convert(path)


@pytest.mark.parametrize("layers", [[64, 32], 3, {}])
def test_a_model_of_an_author_may_have_layers_of_any_kind(layers: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"class_name": "MLP", "config": {"name": "m", "layers": layers}}))
    with pytest.raises(TorchTwinError, match="MLP is a class of its author"):
        torchtwin.convert(path)


@pytest.mark.parametrize("version", ["202 12-01@05:41:57", "3rc1", "33333.1"])
def test_versions(version: str, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    topology = {
        "model_config": {"class_name": "Sequential", "config": []},
        "keras_version": version,
    }
    manifest = [{"paths": [], "weights": []}]
    path.write_text(json.dumps({"modelTopology": topology, "weightsManifest": manifest}))
    with pytest.raises(TorchTwinError, match="version"):
        torchtwin.convert(path)


@pytest.mark.parametrize("weight", [[1.0, 2.0], "x", True])
def test_a_weight_of_a_loss_that_is_no_number(weight: Any) -> None:
    with pytest.raises(UnsupportedError, match="no number"):
        by_output({"loss": ["mse"], "loss_weights": [weight]}, ["r"], "3.15")


def test_a_loop_over_what_is_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHTWIN_DEBUG", "1")
    text = "import keras\nx = keras.Input((3,))\na, b = keras.Model(x, keras.layers.Dense(2)(x))\n"
    assert "a, b = " in torchtwin.translate(text).source


def test_an_axis_that_is_no_whole_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHTWIN_DEBUG", "1")
    text = "from keras import ops\n\ndef f(x):\n    return ops.mean(x, axis=1.5)\n"
    (reason,) = torchtwin.translate(text).unresolved
    assert "no whole number" in reason.reason


@pytest.mark.parametrize(
    "layer",
    [
        "BatchNormalization(momentum=*None*)",
        "BatchNormalization(axis=*1.5*)",
        "Dense(units=*'x'*)",
        "Dense(units=*-1*)",
        "Conv2D(8, kernel_size=*(3, 3, 3)*)",
        "Conv1D(8, 3, padding=*'reflect'*)",
        "Dropout(rate=*'a'*)",
        "Reshape(target_shape=*('x',)*)",
        "Permute(dims=*(0, 1)*)",
        "ZeroPadding2D(padding=*-1*)",
        "LayerNormalization(epsilon=*None*)",
        "LSTM(4, return_sequences=*'yes'*)",
        "Discretization(bin_boundaries=*(2, 1)*)",
    ],
)
def test_a_literal_that_keras_would_not_take(layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHTWIN_DEBUG", "1")
    before, value, after = layer.split("*")
    text = f"from keras import layers\n\nlayer = layers.{before}{value}{after}\n"
    (reason,) = torchtwin.translate(text).unresolved
    assert f"={ast.literal_eval(value)!r}, where Keras takes" in reason.reason


def test_a_flag_may_be_a_number() -> None:
    text = "from keras import layers\n\nlayer = layers.Dense(4, use_bias=0)\n"
    assert not torchtwin.translate(text).unresolved


@pytest.mark.parametrize(
    "place", ["{} = x", "{}, y = x", "{} += x", "for {} in x: pass", "with x as {}: pass", "del {}"]
)
@pytest.mark.parametrize("attribute", ["kernel", "bias"])
def test_a_weight_of_a_layer_is_set(
    place: str, attribute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHTWIN_DEBUG", "1")
    line = place.format(f"dense.{attribute}")
    text = f"from keras import layers\n\n\ndef f(x):\n    dense = layers.Dense(2)\n    {line}\n"
    made = torchtwin.translate(text)
    ast.parse(made.source)
    (reason,) = made.unresolved
    assert f"dense.{attribute} is set" in reason.reason
