"""What fuzzing has found: errors that were Python's, or that a terminal would obey."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import torchtwin
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


def test_a_model_that_only_has_a_name_of_keras(tmp_path: Path) -> None:
    """Its config was taken for Keras's, and its arguments were not looked at."""
    path = tmp_path / "model.json"
    layer = {"class_name": "Bidirectional", "config": {"name": "b", "layer": -1}}
    first = {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 8, 4]}}
    config = {"name": "m", "layers": [first, layer]}
    path.write_text(json.dumps({"class_name": "Sequential", "module": "evil", "config": config}))
    with pytest.raises(TorchTwinError, match="class of its author"):
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
