"""What the tests of readers, upgrade and binding share: models, and Keras's view of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from torchtwin.binding import Holder, Variable
from torchtwin.source import Array, Source, Tree

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
PARTS = ("layer", "forward_layer", "backward_layer", "cell")


def corpus_files(*parts: str) -> list[tuple[Path, Path | None]]:
    """Return every model file of the corpora, with its weights file."""
    found = []
    for part in parts:
        for meta_file in sorted((CORPUS / part).glob("*/meta.json")):
            meta, folder = json.loads(meta_file.read_text()), meta_file.parent
            for name in [meta["model"]] if "model" in meta else meta["files"]:
                weights = folder / meta["weights"] if meta.get("weights") else None
                found.append((folder / name, weights))
    return found


def arrays_of(source: Source) -> Iterator[Array]:
    assert source.weights is not None
    if isinstance(source.weights, Tree):
        yield from source.weights.arrays.values()
        return
    for group in source.weights.groups.values():
        yield from group


def layers_in(config: Any) -> Iterator[dict[str, Any]]:
    """Yield every layer entry of an upgraded config, at any depth."""
    if isinstance(config, dict):
        if "class_name" in config and "name" in config:
            yield config
        for value in config.values():
            yield from layers_in(value)
    elif isinstance(config, list):
        for value in config:
            yield from layers_in(value)


def randomized(model: Any) -> Any:
    rng = np.random.default_rng(0)
    model.set_weights([np.asarray(rng.random(w.shape), w.dtype) for w in model.get_weights()])
    return model


def holders_of(model: Any) -> tuple[list[Holder], dict[str, Any]]:
    """Return what a live model, of Keras 3 or tf_keras, holds, and its variables by key."""
    variables: dict[str, Any] = {}
    return [_holder(layer, "", variables) for layer in _layers(model)], variables


def _layers(model: Any) -> list[Any]:
    tracked = getattr(model, "_self_tracked_trackables", None)
    return [x for x in (model._layers if tracked is None else tracked) if hasattr(x, "name")]


def _kind(layer: Any) -> str:
    names = [cls.__name__ for cls in type(layer).__mro__]
    return next((n for n in ("Sequential", "Functional") if n in names), "")


def _holder(layer: Any, prefix: str, variables: dict[str, Any]) -> Holder:
    key = f"{prefix}{layer.name}/"
    if kind := _kind(layer):
        children = tuple(_holder(inner, key, variables) for inner in _layers(layer))
        return Holder(layer.name, kind, layer.trainable, (), children)
    own: list[Variable] = []
    children, under = (), "layers"
    for path, part in _parts(layer, ""):
        if _kind(part):
            children = tuple(_holder(inner, key, variables) for inner in _layers(part))
            under = f"{path}layers"
            continue
        for name, variable, trainable in _own(part):
            own.append(Variable(path + name, tuple(variable.shape), trainable))
            variables[f"{key}{path}{name}"] = variable
    name = type(layer).__name__
    return Holder(layer.name, name, layer.trainable, tuple(own), children, under)


def _own(layer: Any) -> Iterator[tuple[str, Any, bool]]:
    keras3 = hasattr(layer, "_trainable_variables")
    for kind, trainable in (("trainable", True), ("non_trainable", False)):
        for v in getattr(layer, f"_{kind}_{'variables' if keras3 else 'weights'}"):
            name = v.name.split("/")[-1].split(":")[0]
            if name != "count" and "seed" not in name:
                yield name, v, trainable


def _parts(layer: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield a layer and the layers within it that are no model's, by the attributes they are."""
    yield path, layer
    if _kind(layer):
        return
    for name, part in _attributes(layer):
        yield from _parts(part, f"{path}{name}/")


def _attributes(layer: Any) -> Iterator[tuple[str, Any]]:
    if cells := getattr(layer, "cells", None):
        counts: dict[str, int] = {}
        for cell in cells:
            name = snake(type(cell).__name__)
            number = counts[name] = counts.get(name, -1) + 1
            yield f"cells/{name}" + f"_{number}" * (number > 0), cell
        return
    names = [n for n in PARTS if hasattr(getattr(layer, n, None), "weights")]
    if "forward_layer" in names:
        names = [name for name in names if name != "layer"]
    names += [n for n in vars(layer) if n.endswith("_dense") and n.startswith("_")]
    for name in names:
        yield name.removeprefix("_"), getattr(layer, name)


def snake(class_name: str) -> str:
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", class_name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def mlp(k: Any) -> Any:
    la = k.layers
    return k.Sequential(
        [
            la.Input((4,)),
            la.Dense(3, activation="swish", kernel_regularizer="l2", name="first"),
            la.Dropout(0.2),
            la.Normalization(mean=[0.0] * 3, variance=[1.0] * 3),
            la.Dense(2, activation=k.activations.softmax),
        ]
    )


def late(k: Any) -> Any:
    """A Sequential without an InputLayer."""
    model = k.Sequential([k.layers.Dense(3), k.layers.BatchNormalization(), k.layers.Dense(2)])
    model.build((None, 4))
    return model


def cnn(k: Any) -> Any:
    la = k.layers
    return k.Sequential(
        [
            la.Input((8, 8, 3)),
            la.Conv2D(4, 3, padding="same", use_bias=False),
            la.BatchNormalization(),
            la.LeakyReLU(),
            la.MaxPooling2D(),
            la.DepthwiseConv2D(3),
            la.SeparableConv2D(4, 2),
            la.Conv2DTranspose(3, 3, strides=2, padding="same"),
            la.ZeroPadding2D(1),
            la.UpSampling2D(),
            la.GlobalAveragePooling2D(),
            la.PReLU(),
            la.Softmax(),
        ]
    )


def rnn(k: Any) -> Any:
    la = k.layers
    return k.Sequential(
        [
            la.Input((None, 5)),
            la.Bidirectional(la.LSTM(3, return_sequences=True)),
            la.GRU(4, return_sequences=True),
            la.TimeDistributed(la.Dense(2)),
            la.RNN([la.LSTMCell(3), la.LSTMCell(4), la.GRUCell(2)], return_sequences=True),
            la.SimpleRNN(2),
        ]
    )


def nested(k: Any) -> Any:
    """Two nested models, one of them used twice, and a shared layer."""
    la = k.layers
    inner = k.Sequential([la.Input((4,)), la.Dense(3), la.BatchNormalization(), la.Dense(2)])
    given = la.Input((5, 2))
    outer = k.Model(given, la.Dense(4)(la.Flatten()(given)))
    a, b, c = la.Input((4,)), la.Input((4,)), la.Input((5, 2))
    shared = la.Dense(8, activation="tanh")
    x = shared(shared(la.Concatenate()([inner(a), inner(b), outer(c)])))
    return k.Model([a, b, c], [x, la.BatchNormalization()(la.Add()([x, la.Dense(8)(a)]))])


def frozen(k: Any) -> Any:
    """A frozen nested model, and one of which some layers are."""
    la = k.layers

    def part() -> Any:
        return k.Sequential(
            [
                la.Input((4,)),
                la.Dense(4),
                la.BatchNormalization(),
                la.Dense(4),
                la.BatchNormalization(),
            ]
        )

    whole, half = part(), part()
    whole.trainable = False
    half.layers[0].trainable = half.layers[-1].trainable = False
    return k.Sequential([la.Input((4,)), whole, half, la.Dense(2)])


def wrapped(k: Any) -> Any:
    """A model inside a wrapper."""
    la = k.layers
    inner = k.Sequential([la.Input((4,)), la.Dense(3), la.BatchNormalization()])
    return k.Sequential(
        [
            la.Input((5, 4)),
            la.TimeDistributed(inner),
            la.Bidirectional(la.GRU(2), merge_mode="sum"),
        ]
    )


def attention(k: Any) -> Any:
    la = k.layers
    given = la.Input((6,), dtype="int32")
    x = la.Embedding(10, 8, mask_zero=True)(given)
    x = la.LayerNormalization()(la.MultiHeadAttention(2, 4)(x, x))
    x = la.Attention(use_scale=True)([x, x])
    out, h, c = la.LSTM(4, return_state=True, return_sequences=True)(x)
    out = la.LSTM(4, go_backwards=True)(out, initial_state=[h, c])
    return k.Model(given, la.Dense(2, dtype="float32", activation=la.LeakyReLU())(out))


MODELS: list[Callable[[Any], Any]] = [
    mlp, late, cnn, rnn, nested, frozen, wrapped, attention,
]  # fmt: skip
