"""Runs a layer of Keras and the module that it becomes in a program on the same arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import keras
import numpy as np
import torch

import torchtwin
from torchtwin.emit.expressions import printed
from torchtwin.emit.helpers import closure, mentioned, source_of
from torchtwin.translate.activation import module_with_activation
from torchtwin.translate.registry import constructor_of
from torchtwin.view import LayerView

HEAD = """from __future__ import annotations
import copy, functools, inspect, math
import torch
import torch.nn.functional as F
from torch import nn
"""
TOLERANCE = {"float32": 1e-4, "float64": 1e-9}


def module_text(name: str, config: Mapping[str, Any]) -> tuple[str, Any]:
    """Return a layer's module as source, and its expression; every argument has to be read."""
    view = LayerView(name, config, [])
    rule = constructor_of(name)
    assert rule is not None
    made = rule(view)
    assert made is not None
    assert set(config) <= view.read, set(config) - view.read
    expr = module_with_activation(made)
    return printed(expr), expr


def module_of(name: str, config: Mapping[str, Any]) -> torch.nn.Module:
    """Run the source of a module with the helpers that would be copied into a program."""
    text, expr = module_text(name, config)
    helpers = [source_of(helper) for helper in closure(mentioned(expr))]
    space: dict[str, Any] = {"__name__": "translated"}
    exec(compile("\n\n".join([HEAD, *helpers, f"made = {text}\n"]), "t.py", "exec"), space)
    made: torch.nn.Module = space["made"]
    return made


def layer_of(name: str, config: Mapping[str, Any], dtype: str) -> keras.Layer:
    made = {key: _inner(value, dtype) for key, value in config.items()}
    layer: keras.Layer = getattr(keras.layers, name)(**made, dtype=dtype)
    return layer


def _inner(value: Any, dtype: str) -> Any:
    """Make the layers that a config has as entries."""
    if isinstance(value, Mapping) and "class_name" in value:
        return layer_of(value["class_name"], value["config"], dtype)
    if isinstance(value, list) and any(isinstance(v, Mapping) for v in value):
        return [_inner(v, dtype) for v in value]
    return value


def tensors(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    return [tensors(v) for v in value] if isinstance(value, list) else value


def arrays(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return keras.ops.convert_to_tensor(value)
    return [arrays(v) for v in value] if isinstance(value, list) else value


def flat(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [part for v in value for part in flat(v)]
    return [] if value is None else [value]


def weighting(shape: Sequence[int]) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape)


def cast(value: Any, dtype: str) -> Any:
    """Return arrays of floats with another precision."""
    if isinstance(value, np.ndarray):
        return value.astype(dtype) if value.dtype.kind == "f" else value
    return [cast(v, dtype) for v in value] if isinstance(value, list) else value


def close(got: Sequence[Any], wanted: Sequence[Any], dtype: str, what: str) -> None:
    assert [tuple(g.shape) for g in got] == [tuple(w.shape) for w in wanted], what
    for g, w in zip(got, wanted, strict=True):
        a, b = np.asarray(g, float), np.asarray(w, float)
        worst = (np.abs(a - b) / np.maximum(1, np.abs(b))).max(initial=0)
        assert worst <= TOLERANCE[dtype], f"{what} differs by {worst:.2g}"


def check(
    name: str, config: Mapping[str, Any], args: list[Any], dtype: str = "float64", **call: Any
) -> torch.nn.Module:
    """Compare outputs, and the gradients of inputs and weights, in inference."""
    args, call = cast(args, dtype), cast_all(call, dtype)
    layer = layer_of(name, config, dtype)
    layer(*arrays(args), **{k: arrays(v) for k, v in call.items()})
    random = np.random.default_rng(4)
    layer.set_weights([drawn(random, w) for w in layer.weights])
    wanted, of_x, of_w = _keras(layer, args, call)
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        module = module_of(name, config).eval()
        torchtwin.load_keras_weights(module, layer.get_weights())
        given = tensors(args)
        floats = [x.requires_grad_() for x in flat(given) if x.is_floating_point()]
        outs = flat(module(*given, **{k: tensors(v) for k, v in call.items()}))
        close([o.detach() for o in outs], wanted, dtype, "output")
        total = sum((o * torch.from_numpy(weighting(o.shape)).to(o)).sum() for o in outs)
        assert isinstance(total, torch.Tensor)
        named = {n: p for n, p in module.named_parameters() if p.requires_grad}
        grads = torch.autograd.grad(total, [*floats, *named.values()], allow_unused=True)
        zeros = [torch.zeros_like(x) for x in [*floats, *named.values()]]
        whole = [z if g is None else g for g, z in zip(grads, zeros, strict=True)]
        close(whole[: len(floats)], of_x, dtype, "gradient of the input")
        torchtwin.load_keras_weights(module, of_w)  # gradients, laid out as weights are
        filled = [p.detach() for p in module.parameters() if p.requires_grad]
        close(whole[len(floats) :], filled, dtype, "gradient of a weight")
        torchtwin.load_keras_weights(module, layer.get_weights())
    finally:
        torch.set_default_dtype(before)
    return module


def drawn(random: np.random.Generator, variable: Any) -> np.ndarray:
    """Return values for a weight; those that are not trained may be variances."""
    if variable.trainable:
        return random.normal(size=variable.shape) * 0.6
    return random.uniform(0.5, 1.5, variable.shape)


def cast_all(call: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    return {key: cast(value, dtype) for key, value in call.items()}


def _keras(layer: Any, args: list[Any], call: Mapping[str, Any]) -> Any:
    trained = [v.value for v in layer.trainable_variables]
    rest = [v.value for v in layer.non_trainable_variables]
    floats = [x for x in flat(args) if x.dtype.kind == "f"]

    def placed(value: Any, left: list[Any]) -> Any:
        if isinstance(value, list):
            return [placed(v, left) for v in value]
        return left.pop(0) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value

    def total(xs: Any, ws: Any) -> Any:
        left = list(xs)
        given = [placed(a, left) for a in args]
        out, _ = layer.stateless_call(ws, rest, *given, **{k: arrays(v) for k, v in call.items()})
        outs = [o for o in keras.tree.flatten(out) if o is not None]
        return sum((o * np.asarray(weighting(o.shape), o.dtype)).sum() for o in outs), outs

    (_, outs), (of_x, of_w) = jax.value_and_grad(total, (0, 1), has_aux=True)(floats, trained)
    by_id = dict(zip(map(id, layer.trainable_variables), of_w, strict=True))
    weights = [np.asarray(by_id.get(id(v), np.zeros(v.shape))) for v in layer.weights]
    return [np.asarray(o) for o in outs], [np.asarray(g) for g in of_x], weights
