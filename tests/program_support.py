"""Runs a program in Keras and its translation, from the same weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import torch

import torchtwin


class Starts:
    """Remembers the weights that models start from, in the order in which programs name them.

    A program calls `start(model, x)` behind making a model.
    """

    def __init__(self) -> None:
        self.weights: list[list[np.ndarray]] = []
        self.asked = 0

    def keras(self, model: Any, x: Any) -> None:
        model(x)
        random = np.random.default_rng(len(self.weights))
        drawn = [random.normal(0, 0.3, w.shape).astype("float32") for w in model.get_weights()]
        drawn = [
            np.abs(d) + 0.1 if "variance" in w.path else d
            for d, w in zip(drawn, model.weights, strict=True)
        ]
        model.set_weights(drawn)
        self.weights.append(drawn)

    def torch(self, model: Any, _: Any) -> None:
        torchtwin.load_keras_weights(model, self.weights[self.asked])
        self.asked += 1


def both(text: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return the variables of a program behind running it in Keras and translated."""
    starts = Starts()
    wanted: dict[str, Any] = {"__name__": "keras_program", "start": starts.keras}
    keras.utils.clear_session()
    exec(compile(text, "program.py", "exec"), wanted)
    translation = torchtwin.translate(text)
    assert not translation.unresolved, translation.unresolved
    assert "import keras" not in translation.source
    found: dict[str, Any] = {"__name__": "torch_program", "start": starts.torch}
    with torch.enable_grad():  # programs say for themselves whether calls take gradients
        exec(compile(translation.source, "translated.py", "exec"), found)
    return wanted, found, translation.source


def same(wanted: Any, found: Any, tolerance: float = 1e-4) -> None:
    """Hold figures, arrays and structures of them to Keras's; keys in the same order."""
    if isinstance(wanted, dict):
        assert list(found) == list(wanted)
        for key in wanted:
            same(wanted[key], found[key], tolerance)
    elif isinstance(wanted, list | tuple):
        assert len(found) == len(wanted)
        for a, b in zip(wanted, found, strict=True):
            same(a, b, tolerance)
    else:
        found = found.detach().numpy() if isinstance(found, torch.Tensor) else found
        a, b = np.asarray(wanted), np.asarray(found)
        assert a.shape == b.shape
        assert (a.dtype.kind == "f") == (b.dtype.kind == "f")
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)
