"""Runs the translation of a custom layer beside what Keras gave."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

import torchtwin
from custom.layer_cases import Case
from custom.weighting import weighting
from torchtwin.nn.penalties import weight_penalties

TOLERANCE = {"float32": 1e-4, "float64": 1e-9}


@contextmanager
def default_dtype(dtype: str) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def made(case: Case) -> tuple[torch.nn.Module, list[Any], dict[str, Any]]:
    """Return the translated layer, called once so that it is built, and what it is called with."""
    translation = translated(case.text)
    assert not translation.unresolved, translation.unresolved
    space: dict[str, Any] = {"__name__": "translated"}
    exec(compile(translation.source, f"{case.source}_twin.py", "exec"), space)
    return eval(case.make, space), *arguments(case)


@functools.cache
def translated(text: str) -> Any:
    """Return the translation of a source that several cases and tests share."""
    return torchtwin.translate(text)


def arguments(case: Case) -> tuple[list[Any], dict[str, Any]]:
    dtype = str(torch.get_default_dtype()).removeprefix("torch.")
    inputs, call = case.arrays(dtype)
    return tensors(inputs), tensors(call)


def tensors(x: Any) -> Any:
    if isinstance(x, dict):
        return {k: tensors(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return type(x)(tensors(v) for v in x)
    return torch.from_numpy(x) if isinstance(x, np.ndarray) else x


def flat(x: Any) -> list[torch.Tensor]:
    """Return the tensors of a structure in the order of tf.nest: dicts by their sorted keys."""
    if isinstance(x, dict):
        return [t for k in sorted(x) for t in flat(x[k])]
    if isinstance(x, list | tuple):
        return [t for v in x for t in flat(v)]
    return [x] if isinstance(x, torch.Tensor) else []


def compare(case: Case, wanted: dict[str, Any], dtype: str) -> torch.nn.Module:
    """Hold a translated layer to Keras's outputs, losses and gradients, and to its state."""
    with default_dtype(dtype):
        module, inputs, call = made(case)
        torchtwin.load_keras_weights(module, wanted["weights"])
        module.train(bool(case.training))
        floats = [x.requires_grad_() for x in flat(inputs) if x.is_floating_point()]
        outputs = flat(module(*inputs, **call))
        close(outputs, wanted["outputs"], dtype, "output")
        total = sum(
            (o * torch.from_numpy(weighting(case.name, tuple(o.shape))).to(o)).sum()
            for o in outputs
            if o.is_floating_point()
        )
        if case.losses:
            found = [float(loss.detach()) for loss in added_losses(module)]
            np.testing.assert_allclose(sum(found), sum(wanted["losses"]), rtol=1e-5)
            total = total + 0.5 * sum(added_losses(module))
        named = {n: p for n, p in module.named_parameters() if p.requires_grad}
        grads = (
            torch.autograd.grad(total, [*floats, *named.values()], allow_unused=True)
            if isinstance(total, torch.Tensor) and total.requires_grad
            else [None] * (len(floats) + len(named))
        )
        zeros = [torch.zeros_like(x) for x in [*floats, *named.values()]]
        grads = [z if g is None else g for g, z in zip(grads, zeros, strict=True)]
        close(grads[: len(floats)], wanted["input_gradients"], dtype, "gradient of an input")
        check_gradients(case, dict(zip(named, grads[len(floats) :], strict=True)), wanted, dtype)
        check_state(case, module, wanted["after"], dtype)
    return module


def added_losses(module: torch.nn.Module) -> list[torch.Tensor]:
    """Return what the last call added to the loss, with the penalties on weights, as Keras does."""
    found = [loss.sum() for part in module.modules() for loss in getattr(part, "losses", ())]
    return found + weight_penalties(module)


def check_gradients(case: Case, grads: dict[str, Any], wanted: dict[str, Any], dtype: str) -> None:
    """Keras's gradients are put into a second module as if they were its weights."""
    other = placed(case, wanted["weight_gradients"])
    assert {n for n, p in other.items() if p is not None} >= set(grads)
    for name, grad in grads.items():
        close([grad], [other[name].numpy()], dtype, f"gradient of {name}")


def check_state(case: Case, module: torch.nn.Module, after: list[Any], dtype: str) -> None:
    """The weights after the call are Keras's: those that the call itself changes too."""
    other, state = placed(case, after), module.state_dict()
    for name, value in other.items():
        if state[name].is_floating_point():
            close([state[name]], [value.numpy()], dtype, name)


def placed(case: Case, arrays: list[np.ndarray]) -> dict[str, torch.Tensor]:
    module, inputs, call = made(case)
    torchtwin.load_keras_weights(module, arrays)
    with torch.no_grad():
        module.eval()(*inputs, **call)
    torchtwin.load_keras_weights(module, arrays)
    return module.state_dict()


def close(got: list[torch.Tensor], wanted: list[np.ndarray], dtype: str, what: str) -> None:
    assert [tuple(g.shape) for g in got] == [w.shape for w in wanted], what
    for i, (g, w) in enumerate(zip(got, wanted, strict=True)):
        assert g.is_floating_point() == np.issubdtype(w.dtype, np.floating), f"{what}: {g.dtype}"
        bound = TOLERANCE[dtype]
        error = np.abs(g.detach().numpy().astype(float) - w.astype(float))
        worst = (error / np.maximum(1, np.abs(w.astype(float)))).max(initial=0)
        assert worst <= bound, f"{what} {i} differs by {worst:.2g}"
