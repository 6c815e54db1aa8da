"""Models of one Lambda layer, as files of several Keras versions hold them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch

from torchtwin.build import build
from torchtwin.emit.source import emit_source
from torchtwin.evaluate import Runner
from torchtwin.lower import lower
from torchtwin.passes import run_passes
from torchtwin.source import Ordered, Source
from torchtwin.upgrade import upgraded

Shapes = list[tuple[int, ...]]


def stored(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the entry of Keras 3 for a lambda."""
    config: dict[str, Any] = keras.layers.Lambda(function, output_shape=(1,)).get_config()
    return json.loads(json.dumps({"function": config["function"]}))


def old(code: bytes, defaults: Any = None, closure: Any = None) -> dict[str, Any]:
    """Return the entry of Keras 2 for a function with this code."""
    text = base64.encodebytes(code).decode()
    return {"function": [text, defaults, closure], "function_type": "lambda"}


def source(config: dict[str, Any], shapes: Shapes, version: str = "2.11.0") -> Source:
    """Return a model with a Lambda on inputs of these shapes."""
    names = [f"input_{k}" for k in range(len(shapes))]
    layers: list[dict[str, Any]] = [
        {
            "class_name": "InputLayer",
            "name": name,
            "config": {"name": name, "batch_input_shape": [None, *shape], "dtype": "float32"},
            "inbound_nodes": [],
        }
        for name, shape in zip(names, shapes, strict=True)
    ]
    own = {"name": "made", "trainable": True, "dtype": "float32", "arguments": {}, **config}
    inbound = [[name, 0, 0, {}] for name in names]
    layers.append(
        {"class_name": "Lambda", "name": "made", "config": own, "inbound_nodes": [inbound]}
    )
    whole = {
        "name": "model",
        "layers": layers,
        "input_layers": [[name, 0, 0] for name in names],
        "output_layers": [["made", 0, 0]],
    }
    return Source({"class_name": "Functional", "config": whole}, version, "test", Ordered({}))


def ran(config: dict[str, Any], inputs: list[np.ndarray], version: str = "2.11.0") -> Any:
    given = source(config, [x.shape[1:] for x in inputs], version)
    program = lower(run_passes(build(upgraded(given)), "keras"))
    return Runner(program)(*map(torch.from_numpy, inputs))


def lines(config: dict[str, Any], shapes: Shapes) -> list[str]:
    """Return the lines of `forward` of a model with a Lambda."""
    program = lower(run_passes(build(upgraded(source(config, shapes))), "keras"))
    body = emit_source(program).split("def forward")[1].split("\n\n\n")[0]
    return [line.strip().partition("  #")[0] for line in body.splitlines()[1:]]


def arrays(shapes: Shapes) -> list[np.ndarray]:
    numbers = np.random.default_rng(0)
    return [numbers.normal(size=(2, *shape)).astype("float32") for shape in shapes]
