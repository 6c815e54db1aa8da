"""Trains a Keras model and its twin side by side, the twin with the source that is emitted."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import keras
import numpy as np
import torch

import torchtwin
from torchtwin.emit.helpers import closure, source_of
from torchtwin.training.optimizers import (
    OptimizerPlan,
    optimizer_code,
    optimizer_of,
    trained_variables,
)
from torchtwin.training.variables import Written

IMPORTS = """
import math
from pathlib import Path
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn
"""


def executed(code: Written) -> dict[str, Any]:
    """Return what the emitted source defines, with the parts that it mentions before it."""
    text = "\n\n".join([IMPORTS, *map(source_of, closure(code.parts)), code.source])
    namespace: dict[str, Any] = {}
    exec(compile(text, "train.py", "exec"), namespace)
    return namespace


def entry_of(optimizer: Any) -> dict[str, Any]:
    return keras.optimizers.serialize(optimizer)


def torch_curve(
    twin: torchtwin.Twin,
    namespace: dict[str, Any],
    batches: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    start: int = 0,
    optimizer: Any = None,
) -> tuple[list[float], Any]:
    """Train the twin's module on the batches; return the losses and the optimizer."""
    module = twin.module.double().train()
    optimizer = namespace["make_optimizer"](module) if optimizer is None else optimizer
    losses = []
    for step, (x, y) in enumerate(batches, start):
        loss = (module(torch.from_numpy(x)) - torch.from_numpy(y)).square().mean()
        losses.append(loss.item())
        namespace["update"](loss, module, optimizer, step)
    return losses, optimizer


@functools.cache
def _step(model: keras.Model, optimizer: Any) -> Any:
    """Return the compiled training step of a Keras model."""
    optimizer.build(model.trainable_variables)

    def loss_of(trained: Any, rest: Any, state: Any, x: Any, y: Any) -> Any:
        output, rest = model.stateless_call(trained, rest, x, training=True)
        loss = ((output - y) ** 2).mean()
        mapping = list(zip(optimizer.variables, state, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return optimizer.scale_loss(loss), (loss, rest)

    @jax.jit
    def step(trained: Any, rest: Any, state: Any, x: Any, y: Any) -> Any:
        (_, (loss, rest)), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            trained, rest, state, x, y
        )
        trained, state = optimizer.stateless_apply(state, gradients, trained)
        return loss, trained, rest, state

    return step


def keras_curve(
    model: keras.Model, optimizer: Any, batches: Sequence[tuple[np.ndarray, np.ndarray]]
) -> list[float]:
    """Train a Keras model with an optimizer on JAX as `fit` does, one batch a step."""
    step = _step(model, optimizer)
    trained = [v.value for v in model.trainable_variables]
    rest = [v.value for v in model.non_trainable_variables]
    state = [v.value for v in optimizer.variables]
    losses = []
    for x, y in batches:
        loss, trained, rest, state = step(trained, rest, state, x, y)
        losses.append(float(loss))
    for variables, values in (
        (model.trainable_variables, trained),
        (model.non_trainable_variables, rest),
        (optimizer.variables, state),
    ):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    return losses


def code_of(twin: torchtwin.Twin, entry: Any) -> tuple[OptimizerPlan, dict[str, Any]]:
    plan = optimizer_of(entry)
    return plan, executed(optimizer_code(plan, trained_variables(twin)))


def assert_same_weights(twin: torchtwin.Twin, model: keras.Model, tolerance: float) -> None:
    """Compare every parameter with what the Keras model now holds."""
    now = torchtwin.convert(model, layout=twin.layout)
    mine, keras_own = twin.module.state_dict(), now.module.state_dict()
    assert mine.keys() == keras_own.keys()
    for name, value in mine.items():
        if name.endswith("num_batches_tracked"):  # Keras does not count them
            continue
        assert value.shape == keras_own[name].shape
        torch.testing.assert_close(value, keras_own[name].to(value.dtype), rtol=0, atol=tolerance)


def batches_of(
    shape: Sequence[int], target: Sequence[int], count: int = 100, seed: int = 5
) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=shape), rng.normal(size=target)) for _ in range(count)]


Builder = Callable[[], keras.Model]
