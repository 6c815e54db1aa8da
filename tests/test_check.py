"""`translate --check`: a user's code and its translation, run side by side."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from torchtwin import cli
from torchtwin.check import runs
from torchtwin.check.alike import first, parts, peeked, smaller
from torchtwin.check.layers import layer_classes
from torchtwin.check.report import Report, compared
from torchtwin.check.running import backend
from torchtwin.errors import UnsupportedError

PROGRAM = """import numpy as np
from tensorflow import keras


class Gated(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], 6), initializer="random_normal")

    def call(self, x):
        noise = keras.random.normal(keras.ops.shape(x))
        return keras.ops.tanh((x + noise) @ self.w)


model = keras.Sequential([Gated(), keras.layers.Dropout(0.5), keras.layers.Dense(3, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
x = np.random.normal(size=(5000, 4))
y = (x.sum(1) > 0).astype(int)
history = model.fit(x, y, epochs=50, batch_size=16, validation_split=0.25)
print(model.evaluate(x, y), open("words.txt").read())
probabilities = model.predict(x[:7])
"""
GRAPH = """import numpy as np
import keras
from keras import layers


def block(x, filters):
    shortcut = x
    x = layers.Conv1D(filters, 3, padding="same")(x)
    return layers.Add()([layers.BatchNormalization()(x), shortcut])


class Nets:
    def make(self, depth):
        x = inputs = keras.Input((6, 4))
        for _ in range(depth):
            x = block(x, 4)
        return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))


model = Nets().make(2)
model.compile("adam", "mse")
x = np.random.normal(size=(32, 6, 4))
history = model.fit(x, x[:, 0, :2], epochs=2, batch_size=8)
print(model.layers[-1].get_weights()[0].shape)
"""
LAYERS = """import keras


class Scaled(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense = keras.layers.Dense(units)

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(self.units,), initializer="ones", trainable=True)

    def call(self, inputs):
        return self.dense(inputs) * self.scale


class Words(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.embed = keras.layers.Embedding(9, 4)

    def call(self, tokens):
        return self.embed(tokens)


class Strange(keras.layers.Layer):
    def call(self, x):
        return keras.ops.unheard_of(x)
"""


def run(*arguments: object) -> int:
    return cli.main(["translate", *map(str, arguments)])


def test_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Data, batches and noise are the same, files beside the script are there, dropout is off."""
    script, out = tmp_path / "script.py", tmp_path / "out" / "ported.py"
    out.parent.mkdir()
    script.write_text(PROGRAM)
    (tmp_path / "words.txt").write_text("hello")
    assert run(script, "-o", out, "--check", "--json") == 0
    found = json.loads(capsys.readouterr().out)["check"]
    assert found["verdict"] == "agrees"
    assert max(row["error"] for row in found["rows"]) < 1e-5
    assert [(row["subject"], row["what"]) for row in found["rows"]] == [
        ("fit, line 18", "accuracy"), ("fit, line 18", "loss"), ("fit, line 18", "val_accuracy"),
        ("fit, line 18", "val_loss"), ("evaluate, line 19", ""), ("predict, line 20", ""),
    ]  # fmt: skip
    assert "differs" not in out.read_text()


def test_a_program_that_builds_a_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script, out = tmp_path / "script.py", tmp_path / "ported.py"
    script.write_text(GRAPH)
    code = run(script, "-o", out, "--check", "--json")
    found = json.loads(capsys.readouterr().out)["check"]
    assert code == 0, found
    assert "GraphModel(" in out.read_text()
    rows = {(row["subject"], row["what"]): row["error"] for row in found["rows"]}
    assert rows["fit, line 23", "loss"] < 1e-5


def test_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "layers.py"
    script.write_text(LAYERS)
    assert run(script, "-o", tmp_path / "out.py", "--check") == 1  # one is not translated
    told = capsys.readouterr().out
    assert "agrees with Keras" in told, told
    assert "Words() of 4x6 of integers: output" in told
    assert "gradient of embed.weight" in told
    assert 'Scaled needs units: --layer "Scaled(...)"' in told
    assert "Strange(), which is not translated: line 28, keras.ops.unheard_of" in told


def test_a_difference_in_a_layer_is_found(tmp_path: Path) -> None:
    from torchtwin.check.layers import check_layers
    from torchtwin.translate import translate

    script, out = tmp_path / "layers.py", tmp_path / "out.py"
    script.write_text(LAYERS)
    source = translate(LAYERS).source
    assert "self.dense(inputs) * self.scale" in source
    out.write_text(source.replace("self.dense(inputs) * self.scale", "self.dense(inputs * 1.01)"))
    report = check_layers(script, out, ["Scaled(8)"], [("float32", (4, 10, 8))])
    assert report.verdict == "differs"
    assert {row.what for row in report.failed} >= {"output", "gradient of input"}
    assert report.failed[0].subject == "Scaled(8) of 4x10x8"


def test_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "layers.py"
    script.write_text(LAYERS)
    for wrong in ("4,x", "", "float99:4,4"):
        with pytest.raises(SystemExit) as stop:
            run(script, "-o", tmp_path / "a.py", "--input-shape", wrong)
        assert stop.value.code == 2
    assert run(script, "-o", tmp_path / "b.py", "--layer", "print(1)") == 1
    assert "Scaled, Words, Strange" in capsys.readouterr().err
    script.write_text(LAYERS + "\nStrange()(keras.ops.ones((2, 2)))\n")
    assert run(script, "-o", tmp_path / "c.py", "--check") == 1
    assert "not translated as a whole" in capsys.readouterr().err


def test_without_keras(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script.py"
    script.write_text(PROGRAM)
    running = sys.modules["torchtwin.check.running"]
    monkeypatch.setattr(running.importlib.util, "find_spec", lambda _: None)
    assert run(script, "-o", tmp_path / "out.py", "--check") == 1
    assert "pip install" in capsys.readouterr().err
    only_jax = {"keras": "", "jax": ""}.get
    monkeypatch.setattr(running.importlib.util, "find_spec", only_jax)
    assert backend("import keras") == "jax"
    with pytest.raises(UnsupportedError, match="TensorFlow is not installed"):
        backend("import tensorflow as tf")


def test_what_is_left_of_a_training() -> None:
    x = np.zeros((1000, 3))
    given = {"x": [x, {"a": x}], "y": x, "epochs": 90, "batch_size": 10, "initial_epoch": 3}
    left = smaller("fit", given)
    assert [len(part) for part in (left["x"][0], left["x"][1]["a"], left["y"])] == [40, 40, 40]
    assert (left["epochs"], left["shuffle"], given["epochs"]) == (5, False, 90)
    assert smaller("predict", given) is given
    steps = smaller("fit", {"x": x, "steps_per_epoch": 100, "epochs": 1})
    assert (steps["steps_per_epoch"], len(steps["x"])) == (4, 1000)
    assert first([1, 2, 3], 2) == [1, 2]
    batch, data = peeked((np.full(2, k), np.full(2, k)) for k in range(3))
    assert [batch[0], *(int(x[0]) for x, _ in data)] == [0, 0, 1, 2]
    assert [name for name, _ in parts({"loss": [1.0, 2.0], "b": {"c": 3.0}})] == ["loss", "b.c"]


def test_differences_are_seen() -> None:
    one = np.ones((2, 3), "float32")
    assert compared("", "", one, one).ok(0.0)
    for other in (one[:1], one.T, one.astype(int), one * np.nan, None):
        for pair in ((one, other), (other, one)):
            row = compared("", "", *pair)
            assert not row.ok(1e-3), other
            assert Report("program", "Keras", (row,), "").verdict == "differs"
    assert Report("program", "Keras", (), "").verdict == "unchecked"
    assert Report("program", "Keras", (compared("", "", one, one),), "").verdict == "agrees"


def test_kinds_of_files() -> None:
    assert runs(PROGRAM)
    assert not runs(LAYERS)
    assert layer_classes(LAYERS) == ["Scaled", "Words", "Strange"]
