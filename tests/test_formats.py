"""The same model through every format: the same graph, the same weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tf_keras

import torchtwin
from cases import randomize
from torchtwin.graph import Graph
from torchtwin.view import defaults


def branched(k: Any) -> Any:
    """Return a model with a branch, a nested model and a shared layer, by either Keras."""
    kl = k.layers
    x = k.Input((8, 8, 3), name="image")
    i = k.Input((6, 6, 4), name="inner_input")
    inner = k.Model(i, kl.Conv2D(4, 3, padding="same", name="inner_conv")(i), name="inner")
    y = kl.Conv2D(4, 3, activation="relu", name="conv")(x)
    y = inner(kl.BatchNormalization(name="norm")(y))
    y = kl.LeakyReLU(name="leaky")(y)
    shared = kl.Dense(5, activation="tanh", name="shared")
    y = kl.Flatten(name="flatten")(y)
    z = kl.Dense(144, name="again")(shared(y))
    out = kl.Concatenate(name="join")([shared(z), kl.Dropout(0.3, name="drop")(y)])
    return k.Model(x, out, name="branched")


def saved(model: Any, kind: str, folder: Path) -> dict[str, Any]:
    """Save a model in one format; return what `convert` is to be given."""
    if kind == "live":
        return {"model": model}
    if kind.startswith("json"):
        weights = "model.weights.h5" if kind.endswith("weights.h5") else "legacy.h5"
        (folder / "model.json").write_text(model.to_json())
        if weights == "legacy.h5" and isinstance(model, keras.Model):
            from keras.src.legacy.saving import legacy_h5_format

            legacy_h5_format.save_model_to_hdf5(model, folder / weights)
        else:
            model.save_weights(folder / weights)
        return {"model": folder / "model.json", "weights": folder / weights}
    model.save(folder / f"model.{kind}")
    return {"model": folder / f"model.{kind}"}


def comparable(graph: Graph) -> dict[str, Any]:
    """Return what must be equal: all of the graph but the version of its writer."""
    layers = {
        name: {
            "class": layer.class_name,
            "config": said(layer.class_name, layer.config),
            "graph": comparable(layer.graph) if layer.graph else None,
        }
        for name, layer in graph.layers.items()
    }
    values = {name: replace(v, name=name) for name, v in graph.values.items()}
    return {
        "layers": layers, "nodes": graph.nodes, "values": values,
        "inputs": graph.inputs, "outputs": graph.outputs,
    }  # fmt: skip


def said(class_name: str, config: Any) -> Any:
    """Return what a config says: no empty values, no defaults, no copies of what is elsewhere."""
    if isinstance(config, dict):
        default = defaults().get(class_name, {})
        return {
            k: said("", v)
            for k, v in config.items()
            if v is not None and k not in ELSEWHERE and said("", v) != default.get(k, ...)
        }
    return round(config, 7) if isinstance(config, float) else config


ELSEWHERE = {
    "layers", "input_layers", "output_layers",  # in the graph
    "seed", "trainable", "sparse", "ragged", "optional",  # not said by every writer
    "axis",  # 3 or -1; the source tells whether they meant the same
}  # fmt: skip

FORMATS = ["keras", "h5", "json+weights.h5", "json+legacy", "live"]


@pytest.mark.parametrize("kind", FORMATS)
def test_keras_3_formats_give_one_graph(kind: str, tmp_path: Path) -> None:
    keras.backend.clear_session()
    model = branched(keras)
    randomize(model)
    check(model, kind, tmp_path)


@pytest.mark.parametrize("kind", ["keras", "h5", "json+legacy", "live"])
def test_keras_2_formats_give_the_same_graph(kind: str, tmp_path: Path) -> None:
    tf_keras.backend.clear_session()
    model = branched(tf_keras)
    rng = np.random.default_rng(7)
    model.set_weights([np.abs(rng.normal(size=w.shape)) for w in model.get_weights()])
    check(model, kind, tmp_path)


def check(model: Any, kind: str, folder: Path) -> None:
    twin = torchtwin.convert(**saved(model, kind, folder))
    reference = torchtwin.convert(branched(keras))
    wanted = json.loads(json.dumps(comparable(reference.graph), default=repr))
    assert json.loads(json.dumps(comparable(twin.graph), default=repr)) == wanted
    assert twin.source.replace("0.30000001192092896", "0.3") == reference.source
    live = {p.name: p.read() for p in torchtwin.convert(model).parameters}
    for parameter in twin.parameters:
        np.testing.assert_array_equal(parameter.read(), live[parameter.name])
