"""A model with something of everything, its reference, and twins of it with planted errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import torch
from keras import layers as kl
from safetensors.torch import load_file, save_file

import torchtwin
from cases import randomize
from torchtwin.verify.inputs import make_inputs
from torchtwin.verify.reference import Reference, run_judge
from torchtwin.verify.report import Report
from torchtwin.verify.subject import subject_of
from torchtwin.verify.verification import Session, original_of
from torchtwin.verify.weights import compare_weights


def everything() -> keras.Model:
    """Images, words and a table; a nested model; outputs by name, one of them (batch, 1)."""
    picture = keras.Input((6, 5, 2), name="picture")
    words = keras.Input((5,), dtype="int32", name="words")
    table = keras.Input((4,), name="table")
    x = kl.Conv2D(3, 3, padding="same", activation="relu", name="conv")(picture)
    x = kl.BatchNormalization(name="norm")(x)
    x = kl.MaxPooling2D(2, name="pool")(x)
    x = kl.Dense(4, name="seen")(kl.Flatten(name="flat")(x))
    y = kl.LSTM(4, name="memory")(kl.Embedding(11, 4, name="lookup")(words))
    inside = keras.Input((4,), name="row")
    inner = kl.Dense(4, activation="tanh", name="squash")(inside)
    encoder = keras.Model(inside, kl.Dense(4, name="spread")(inner), name="encoder")
    z = kl.Concatenate(name="joined")([x, y, encoder(table)])
    z = kl.Dense(12, activation="relu", name="mix")(z)
    z = kl.Dropout(0.3, name="thin")(kl.Dense(12, name="turn")(z))
    label = kl.Dense(3, activation="softmax", name="label")(z)
    score = kl.Dense(1, name="score")(z)
    model = keras.Model(
        {"picture": picture, "words": words, "table": table},
        {"label": label, "score": score},
        name="everything",
    )
    randomize(model)
    return model


class Planted:
    """The model in a file, and what Keras makes of it: computed once, compared many times."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "everything.keras"
        everything().save(self.path)
        self.twins = {y: torchtwin.convert(self.path, layout=y) for y in ("torch", "keras")}
        self.reference = self._reference(folder)

    def _reference(self, folder: Path) -> Reference:
        twin = self.twins["torch"]
        self.original = original_of(self.path, None, twin, folder)
        inputs = make_inputs(twin.graph, twin.program, seed=0)
        reference = run_judge("tensorflow", self.original, inputs, layers=True)
        assert isinstance(reference, Reference), reference
        return reference

    def report(self, folder: Path, layout: str = "torch") -> Report:
        """Compare the twin in a folder, as it is on disk, with the reference."""
        twin, subject = self.twins[layout], subject_of(folder)
        count, changed = compare_weights(subject, twin.parameters)
        return Session(self.original, twin).compared(subject, self.reference, count, changed)


def edit(folder: Path, old: str, new: str) -> None:
    """Change one place of a folder's model.py."""
    program = folder / "model.py"
    text = program.read_text()
    assert text.count(old) == 1, (old, text)
    program.write_text(text.replace(old, new))


def change(folder: Path, function: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Change the weights of a folder."""
    file = folder / "model.safetensors"
    weights = load_file(file)
    function(weights)
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, file)
