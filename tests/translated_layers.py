"""Runs what a layer of Keras becomes in a program beside the layer itself, on Keras's arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import keras
import numpy as np
import torch

import torchtwin
from cases import built, compare, inputs_of, randomize
from torchtwin.emit.expressions import printed
from torchtwin.emit.helpers import closure, mentioned, source_of
from torchtwin.expr import Expr
from torchtwin.rule import Case
from torchtwin.translate.activation import module_with_activation
from torchtwin.translate.registry import constructor_of
from torchtwin.view import LayerView

HEAD = """from __future__ import annotations
import collections, functools, inspect, json, math
from itertools import islice
import numpy as np
import torch
import torch.nn.functional as F
from typing import Any
from torch import nn
"""


def expression(name: str, config: Mapping[str, Any]) -> Expr:
    """Return the module that a layer becomes; all of its arguments have to be read."""
    rule = constructor_of(name)
    assert rule is not None, name
    view = LayerView(name, config, [])
    made = rule(view)
    assert made is not None
    assert set(config) <= view.read, set(config) - view.read
    return module_with_activation(made)


def run_source(expr: Any, **names: Any) -> Any:
    """Return the value of an expression, printed and run with the helpers that it needs."""
    helpers = closure(mentioned(expr))
    text = "\n\n".join([HEAD, *(source_of(h) for h in helpers), f"made = {printed(expr)}\n"])
    space: dict[str, Any] = {"__name__": "translated", **names}
    exec(compile(text, "translated.py", "exec"), space)
    return space["made"]


def module_of(name: str, config: Mapping[str, Any], **names: Any) -> Any:
    return run_source(expression(name, config), **names)


def keras_layer(name: str, config: Mapping[str, Any], given: Any, dtype: str) -> Any:
    made = {k: built(v, dtype) for k, v in config.items()}
    layer = getattr(keras.layers, name)(**made, dtype=dtype)
    layer(given)
    randomize(layer)
    return layer


def check(name: str, case: Case, dtype: str = "float32", training: bool = False) -> Any:
    """Hold outputs, gradients and what training changes to Keras's; return the module."""
    given = [x.astype(dtype) if x.dtype == np.float32 else x for x in inputs_of(case)]
    whole: Any = given if len(given) > 1 else given[0]
    layer = keras_layer(name, case.config, whole, dtype)
    weights = layer.get_weights()
    wanted, grads, after = keras_results(layer, given, training)
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        module = module_of(name, case.config)
        got, own, state = torch_results(module, given, weights, training)
        tolerance = 1e-4 if dtype == "float32" else 1e-9
        compare(got, wanted, tolerance)
        compare(own, grads[: len(own)], tolerance)
        wanted_state = filled(name, case.config, given, grads[len(own) :])
        compare(
            [g.numpy() for g in state.values()], [wanted_state[k].numpy() for k in state], tolerance
        )
        if training:
            check_after(module, name, case.config, given, after)
    finally:
        torch.set_default_dtype(before)
    return module


def keras_results(layer: Any, given: Sequence[Any], training: bool) -> Any:
    """Return outputs, gradients of inputs and trained weights, and all weights after the call."""
    trained = [v.value for v in layer.trainable_variables]
    rest = [v.value for v in layer.non_trainable_variables]
    floats = [k for k, x in enumerate(given) if x.dtype.kind == "f"]
    takes = {"training": training} if layer._call_has_training_arg else {}

    def total(xs: Any, trained: Any) -> Any:
        whole = [xs[floats.index(k)] if k in floats else x for k, x in enumerate(given)]
        out, after = layer.stateless_call(
            trained, rest, whole if len(whole) > 1 else whole[0], **takes
        )
        outs = keras.tree.flatten(out)
        return sum((o * np.asarray(weighting(o.shape), o.dtype)).sum() for o in outs), (outs, after)

    xs = [given[k] for k in floats]
    (_, (outs, after)), (of_x, of_w) = jax.value_and_grad(total, (0, 1), has_aux=True)(xs, trained)
    values = dict(zip(map(id, layer.trainable_variables), of_w, strict=True))
    by_weight = [np.asarray(values.get(id(v), np.zeros(v.shape))) for v in layer.weights]
    changed = dict(zip(map(id, layer.non_trainable_variables), after, strict=True))
    later = [np.asarray(changed.get(id(v), v.value)) for v in layer.weights]
    return [np.asarray(o) for o in outs], [*map(np.asarray, of_x), *by_weight], later


def weighting(shape: Sequence[int]) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape)


def torch_results(module: Any, given: Sequence[Any], weights: Any, training: bool) -> Any:
    torchtwin.load_keras_weights(module, weights)
    module.train(training)
    tensors = [torch.from_numpy(x) for x in given]
    floats = [t.requires_grad_() for t in tensors if t.is_floating_point()]
    out = module(tensors if len(tensors) > 1 else tensors[0])
    outs = list(out) if isinstance(out, tuple) else [out]
    total = sum((o * torch.as_tensor(weighting(o.shape), dtype=o.dtype)).sum() for o in outs)
    named = {n: p for n, p in module.named_parameters() if p.requires_grad}
    grads: Any = [None] * (len(floats) + len(named))
    if isinstance(total, torch.Tensor) and total.requires_grad:
        grads = torch.autograd.grad(total, [*floats, *named.values()], allow_unused=True)
    whole = [
        torch.zeros_like(x) if g is None else g
        for x, g in zip([*floats, *named.values()], grads, strict=True)
    ]
    of_w = dict(zip(named, whole[len(floats) :], strict=True))
    return [o.detach().numpy() for o in outs], [g.numpy() for g in whole[: len(floats)]], of_w


def filled(name: str, config: Mapping[str, Any], given: Sequence[Any], arrays: Any) -> Any:
    """Return the state of a module that was called and holds `arrays` as Keras's weights."""
    module = module_of(name, config).eval()
    torchtwin.load_keras_weights(module, arrays)
    tensors = [torch.from_numpy(x) for x in given]
    with torch.no_grad():
        module(tensors if len(tensors) > 1 else tensors[0])
    return module.state_dict()


def check_after(module: Any, name: str, config: Mapping[str, Any], given: Any, after: Any) -> None:
    """What a call in training changes is what it changes in Keras."""
    wanted = filled(name, config, given, after)
    state = module.state_dict()
    compare([state[k].numpy() for k in state], [wanted[k].numpy() for k in state], 1e-5)
