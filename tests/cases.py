"""Runs the cases that rules carry: a Keras layer beside its twin, in numbers.

One call checks a case in every way that matters: shapes and dtypes, then values in float32 and
float64 and in both layouts, that `train()` runs, and that all that Keras trains gets a gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import torch

import torchtwin
from torchtwin.rule import Case

FLOAT32, FLOAT64 = 1e-4, 1e-9


def check_case(name: str, case: Case) -> None:
    model = keras_model(name, case, "float32")
    given = inputs_of(case)
    wanted = outputs(model, given)
    for layout in ("keras", "torch"):
        twin = torchtwin.convert(model, layout=layout)
        compare(run(twin, given), wanted, FLOAT32)
    if not case.single:
        precise = keras_model(name, case, "float64")
        precise.set_weights(model.get_weights())
        settle(precise)
        twin.module.double()
        doubled = [x.astype("float64") if x.dtype == np.float32 else x for x in given]
        compare(run(twin, doubled), outputs(precise, doubled), FLOAT64)
    check_training(torchtwin.convert(model, layout="keras"), model, given)


def keras_model(name: str, case: Case, dtype: str) -> keras.Model:
    """Return a model of the one layer, with random weights, the same for every dtype."""
    shapes = case.shape if isinstance(case.shape, list) else [case.shape]
    kinds = ["int32" if kind.startswith("int") else dtype for kind in case.each(case.inputs)]
    if case.free:
        shapes = [(s[0], *[None] * (len(s) - 2), s[-1]) for s in shapes]
    inputs = [
        keras.Input(shape[1:], dtype=kind, name=f"given_{k}")
        for k, (shape, kind) in enumerate(zip(shapes, kinds, strict=True))
    ]
    config = {k: built(v, dtype) for k, v in case.config.items()}
    layer = callable_of(name, config, dtype)
    masked = case.each(case.mask)
    given = [
        keras.layers.Masking(dtype=dtype)(x) if m else x
        for x, m in zip(inputs, masked, strict=True)
    ]
    if case.names:
        named = list(zip(case.names, given, strict=True))
        args = [x for name, x in named if not name]
        result = layer(*args, **{name: x for name, x in named if name}, **case.call)
    else:
        result = layer(given if len(given) > 1 else given[0], **case.call)
    model = keras.Model(inputs, result, name="case")
    randomize(model)
    return model


def callable_of(name: str, config: dict[str, Any], dtype: str) -> Any:
    """Return a Keras layer, or for "ops.NotEqual" the function keras.ops.not_equal."""
    kind, _, operation = name.rpartition(".")
    if not kind:
        return getattr(keras.layers, name)(**config, dtype=dtype, name="layer")
    function = keras_operation(operation)
    several = operation in ("Concatenate", "Stack", "Hstack", "Vstack", "Dstack")
    return lambda x: function(*([x] if several or not isinstance(x, list) else x), **config)


NAMED = {"BatchNorm": "batch_normalization", "LayerNorm": "layer_normalization",
         "RMSNorm": "rms_normalization", "IdentityMatrix": "identity"}  # fmt: skip
"""Operations whose function is not called like their class."""


def keras_operation(name: str) -> Any:
    """Return the function of keras.ops that makes an operation: "IsIn" is keras.ops.isin."""
    wanted = NAMED.get(name, name).replace("_", "").lower()
    for place in (keras.ops, keras.ops.image):
        for word in dir(place):
            if word.replace("_", "") == wanted:
                return getattr(place, word)
    raise KeyError(name)


def built(value: Any, dtype: str) -> Any:
    """Return an argument with the layers inside it made: {"class_name": ..., "config": ...}."""
    if isinstance(value, Mapping) and "class_name" in value:
        config = {k: built(v, dtype) for k, v in value["config"].items()}
        return getattr(keras.layers, value["class_name"])(**config, dtype=dtype)
    if isinstance(value, list):
        return [built(v, dtype) for v in value]
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(dtype)
    return value


def randomize(model: keras.Model, seed: int = 7) -> None:
    """Give every weight a value that matters; variances and counts stay positive."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed" in weight.path or not str(weight.dtype).startswith(("float", "bfloat")):
            continue
        value = rng.normal(scale=0.5, size=weight.shape)
        weight.assign(np.abs(value) + 0.5 if "variance" in weight.path else value)
    settle(model)


def settle(model: keras.Model) -> None:
    """Let layers that compute with copies of their weights copy them again."""
    for layer in getattr(model, "layers", [model]):
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def inputs_of(case: Case, seed: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = case.shape if isinstance(case.shape, list) else [case.shape]
    given: list[np.ndarray] = []
    for shape, kind in zip(shapes, case.each(case.inputs), strict=True):
        whole = kind.startswith("int:")
        x = rng.integers(0, int(kind[4:]), shape) if whole else rng.normal(size=shape)
        given.append(x.astype("int32" if whole else "float32"))
    for x, masked in zip(given, case.each(case.mask), strict=True):
        if masked:
            x[rng.random(x.shape[:2]) < 0.4] = 0.0  # in the middle and at both ends
            x[0, :1] = 0.0
    return given


def outputs(model: keras.Model, given: Sequence[np.ndarray]) -> list[np.ndarray]:
    result = model(list(given) if len(given) > 1 else given[0], training=False)
    return [keras.ops.convert_to_numpy(x) for x in keras.tree.flatten(result)]


def run(twin: torchtwin.Twin, given: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Run a twin on inputs in Keras's layout; return its outputs in Keras's layout."""
    tensors = []
    for x, argument in zip(given, twin.program.inputs, strict=True):
        tensor = torch.from_numpy(x)
        tensors.append(tensor.permute(argument.layout) if argument.layout else tensor)
    with torch.no_grad():
        result = twin.module(*tensors)
    results = result if isinstance(result, tuple) else (result,)
    return [
        (r.permute(tuple(np.argsort(o.layout))) if o.layout else r).numpy()
        for r, o in zip(results, twin.program.outputs, strict=True)
    ]


def compare(got: Sequence[np.ndarray], wanted: Sequence[np.ndarray], tolerance: float) -> None:
    assert len(got) == len(wanted)
    for mine, keras_own in zip(got, wanted, strict=True):
        assert mine.shape == keras_own.shape, (mine.shape, keras_own.shape)
        assert mine.dtype == keras_own.dtype, (mine.dtype, keras_own.dtype)
        scale = max(1.0, float(np.abs(keras_own).max(initial=0.0)))
        np.testing.assert_allclose(mine, keras_own, rtol=0, atol=tolerance * scale)


def check_training(twin: torchtwin.Twin, model: keras.Model, given: Sequence[np.ndarray]) -> None:
    """`train()` must run, and what Keras trains must get a gradient, as many numbers of it."""
    module = twin.module.train()
    tensors = [torch.from_numpy(x) for x in given]
    for tensor in tensors:
        # As behind another layer; without it nn.GroupNorm crashes in torch 2.13 on a channels-last
        # input, with a segmentation fault in its backward.
        tensor.requires_grad_(tensor.is_floating_point())
    results = module(*tensors)
    results = results if isinstance(results, tuple) else (results,)
    trainable = [p for p in module.parameters() if p.requires_grad]
    assert sum(p.numel() for p in trainable) == sum(
        int(np.prod(w.shape)) for w in model.trainable_weights
    )
    if trainable:
        sum((r * torch.randn_like(r)).sum() for r in results if r.is_floating_point()).backward()
    assert all(p.grad is not None for p in trainable)
